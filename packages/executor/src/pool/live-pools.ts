/**
 * Keeps track of pools that have workers. When a program has nothing left to do, their idle workers end before the
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

/**
 * Called before the process exits. The ending workers keep the process alive. When they have ended, this function is
 * called again and finds no pool.
 */
function endAll(): void {
  for (const pool of pools) pool.endIdleWorkers()
}
