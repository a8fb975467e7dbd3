/** The lengths of the delays of `growingDelay`, in milliseconds; `factor` has no unit. */
export interface GrowingDelays {
  /** The first delay. */
  readonly min: number
  /** The longest delay. */
  readonly max: number
  /** Each delay is this many times as long as the one before. */
  readonly factor: number
}

/**
 * Returns the delay, in milliseconds, before a failed attempt is repeated for the `count`-th time, counted from 0:
 * `min * factor ** count`, and at most `max`. The delays grow, so that a service that is down is not flooded with
 * attempts.
 *
 * @example
 *     const delays = { min: 100, max: 5_000, factor: 2 }
 *     console.log([0, 3, 10].map((count) => growingDelay(delays, count))) // [ 100, 800, 5000 ]
 */
export function growingDelay({ min, max, factor }: GrowingDelays, count: number): number {
  // After very many attempts the power is Infinity, and with a `min` of 0 the product is NaN.
  return Math.min(max, min * factor ** count || 0)
}
