import { checkDuration, checkOptions, describe, growingDelay } from '@tasktree/core/lowlevel'

/**
 * Returns how many milliseconds to wait after an attempt has failed with `error`. `attempt` is the number of that
 * attempt; the first is 1.
 */
export type Backoff = (attempt: number, error?: unknown) => number

export interface ExponentialOptions {
  /** The delay after the first attempt in milliseconds; 100 by default. */
  min?: number | undefined
  /** The longest delay in milliseconds; 30,000 by default. */
  max?: number | undefined
  /** Each delay is this many times as long as the delay before; 2 by default. */
  factor?: number | undefined
  /**
   * With 'full', the default, each delay is multiplied by a random number between 0 and 1. So clients whose calls have
   * failed at the same time do not try again at the same time. With 'none' the delay is used as it is.
   */
  jitter?: 'full' | 'none' | undefined
}

/**
 * Returns a Backoff whose delays grow: `min`, `min * factor`, `min * factor ** 2` and so on milliseconds, but at most
 * `max`. Unless `jitter` is 'none', each delay is multiplied by a random number between 0 and 1.
 *
 * @throws {RangeError} when `min`, `max` or `factor` is out of range, or for another `jitter`
 *
 * @example
 *     const backoff = exponential({ min: 100, max: 1_000, jitter: 'none' })
 *     console.log([1, 2, 3, 10].map((attempt) => backoff(attempt))) // [ 100, 200, 400, 1000 ]
 */
export function exponential(options?: ExponentialOptions): Backoff {
  checkOptions(options)
  const { min = 100, max = 30_000, factor = 2, jitter = 'full' } = options ?? {}
  checkDuration('the option min', min)
  checkDuration('the option max', max)
  if (typeof factor !== 'number' || !(factor >= 1 && factor < Infinity)) {
    throw new RangeError(
      `the option factor must be a number of at least 1, got ${describe(factor)}`,
    )
  }
  if (jitter !== 'full' && jitter !== 'none') {
    throw new RangeError(`the option jitter must be 'full' or 'none', got ${describe(jitter)}`)
  }
  return (attempt) => {
    const delay = growingDelay({ min, max, factor }, attempt - 1)
    return jitter === 'full' ? delay * Math.random() : delay
  }
}

/**
 * Returns a Backoff that always waits `ms` milliseconds.
 *
 * @throws {RangeError} when `ms` is negative or NaN
 *
 * @example
 *     const backoff = constant(100)
 *     console.log(backoff(1), backoff(2)) // 100 100
 */
export function constant(ms: number): Backoff {
  checkDuration('the delay of the backoff', ms)
  return () => ms
}
