/** The parameters of `growingDelay`. `min` and `max` are in milliseconds; `factor` has no unit. */
export interface GrowingDelays {
  /** The first delay. */
  readonly min: number
  /** The longest delay. */
  readonly max: number
  /** Each delay is this many times as long as the delay before it. */
  readonly factor: number
}

/**
 * Returns how many milliseconds to wait before a failed attempt is repeated. `count` is 0 before the first repetition,
 * 1 before the second, and so on. The delay is `min * factor ** count`, and at most `max`. The delays grow, so that a
 * service that has failed does not get too many attempts.
 *
 * @example
 *     const delays = { min: 100, max: 5_000, factor: 2 }
 *     console.log([0, 3, 10].map((count) => growingDelay(delays, count))) // [ 100, 800, 5000 ]
 */
export function growingDelay({ min, max, factor }: GrowingDelays, count: number): number {
  // After very many attempts, the power is Infinity. If `min` is 0, the product is then NaN, and `|| 0` turns it into
  // 0.
  return Math.min(max, min * factor ** count || 0)
}
