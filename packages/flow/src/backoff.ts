import { checkDuration, checkOptions, describe, growingDelay } from '@tasktree/core/lowlevel'

/** Milliseconds to wait after the `attempt`-th attempt (the first is 1), which failed with `error`. */
export type Backoff = (attempt: number, error?: unknown) => number

export interface ExponentialOptions {
  /** The delay after the first attempt in milliseconds; 100 by default. */
  min?: number | undefined
  /** The longest delay in milliseconds; 30,000 by default. */
  max?: number | undefined
  /** Each delay is this many times as long as the delay before; 2 by default. */
  factor?: number | undefined
  /**
   * 'full', the default: a random share of the delay, so that clients that failed together do not come back together.
   * 'none': the delay itself.
   */
  jitter?: 'full' | 'none' | undefined
}

/**
 * Delays of `min`, `min * factor`, `min * factor ** 2` and so on milliseconds, none longer than `max`, each multiplied by
 * a random number between 0 and 1 unless `jitter` is 'none'.
 *
 * @throws {RangeError} when `min`, `max` or `factor` is out of range, or for another `jitter`
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

/** The same delay of `ms` milliseconds each time. @throws {RangeError} when `ms` is negative or NaN */
export function constant(ms: number): Backoff {
  checkDuration('the delay of the backoff', ms)
  return () => ms
}
