/**
 * Runs `body`, which calls `look` now and then, and returns by how many bytes the heap was at most larger at such a moment
 * than before.
 */
export async function heapGrowth(body: (look: () => void) => PromiseLike<void>): Promise<number> {
  const heap = (): number => {
    globalThis.gc?.()
    return process.memoryUsage().heapUsed
  }
  const before = heap()
  let most = before
  await body(() => {
    most = Math.max(most, heap())
  })
  return most - before
}

/** The numbers from 0 to 999,999. */
export function* million(): Generator<number> {
  for (let i = 0; i < 1_000_000; i++) yield i
}
