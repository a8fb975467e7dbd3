/**
 * Pools that have workers. When a program has nothing left to do, their idle workers end by themselves before the
 * process does, so that the workers' exit listeners run and their output is written, as in Python.
 */
export interface LivePool {
  endIdleWorkers(): void
}

const pools = new Set<LivePool>()

export function addLivePool(pool: LivePool): void {
  if (pools.size === 0) process.on('beforeExit', endAll)
  pools.add(pool)
}

export function removeLivePool(pool: LivePool): void {
  if (pools.delete(pool) && pools.size === 0) process.off('beforeExit', endAll)
}

/** The ending workers keep the process alive; then it comes here once more and finds no pool. */
function endAll(): void {
  for (const pool of pools) pool.endIdleWorkers()
}
