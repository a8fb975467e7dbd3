import { expect } from 'vitest'

declare const gc: () => void

/** Milliseconds that an operation takes for `n` things. */
export type Measure = (n: number) => Promise<number>

/**
 * Expects that 40,000 things take about ten times as long as 4,000. The bound is 25, because 40,000 things are too many
 * for the collector's young generation and for the processor's caches; quadratic time would be 100. The best of several
 * runs counts, because other programs share the machine.
 */
export async function expectLinear(measure: Measure): Promise<void> {
  const [few, many, bound] = [4_000, 40_000, 25]
  // Code that is still being compiled would make the few look slow, and hide that the many are.
  await measure(few)
  let [small, large] = [Infinity, Infinity]
  for (let attempt = 0; attempt < 8; attempt++) {
    for (let i = 0; i < 2; i++) small = Math.min(small, await measure(few))
    large = Math.min(large, await measure(many))
    if (large <= bound * small) break
  }
  expect(large / small).toBeLessThanOrEqual(bound)
}

/** Milliseconds that `action` takes, without the collection of what was there before. */
export async function timed(action: () => unknown): Promise<number> {
  gc()
  const start = performance.now()
  await action()
  return performance.now() - start
}
