/**
 * Runs `body`, which calls `look` from time to time. Each call of `look` measures the heap. Returns the largest growth of the heap
 * in bytes.
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

/** Yields the numbers from 0 to 999,999. */
export function* million(): Generator<number> {
  for (let i = 0; i < 1_000_000; i++) yield i
}
