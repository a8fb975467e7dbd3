import { describe, growingDelay } from '@tasktree/core/lowlevel'

/** How long a supervisor waits before each of several consecutive restarts of a child. */
export interface BackoffOptions {
  /** The wait before the first restart, in milliseconds, before `jitter` changes it. */
  min: number
  /** The longest wait, in milliseconds, before `jitter` changes it. */
  max: number
  /** Each wait is this many times as long as the previous wait. @defaultValue 2 */
  factor?: number
  /**
   * How much of the wait is random, 0 to 1. With 0.2 the wait is between 80 and 120 percent of its normal length.
   * @defaultValue 0
   */
  jitter?: number
  /**
   * A child that has run for this many milliseconds counts as healthy: the wait before its next restart is `min` again.
   * @defaultValue `max`
   */
  resetAfter?: number
  /**
   * If a child ends again after this many restarts, and was never healthy in between (see `resetAfter`), the supervisor
   * ends with RestartLimitError, no matter how long these restarts took.
   * @defaultValue no limit
   */
  maxAttempts?: number
}

/**
 * Returns how long to wait before the next restart of a child, in milliseconds. `restarts` is the number of consecutive
 * restarts that the child has already had.
 */
export function delayBefore(options: BackoffOptions, restarts: number): number {
  const { jitter = 0 } = options
  const delay = growingDelay({ ...options, factor: options.factor ?? 2 }, restarts)
  return jitter === 0 ? delay : delay * (1 + jitter * (Math.random() * 2 - 1))
}

/**
 * Checks the option `backoff` of a supervisor.
 * @throws {TypeError} when `backoff` is not an object, or a field of it is not a number
 * @throws {RangeError} when a field is out of range
 * @throws {RangeError} when the waits between restarts are so long that `maxRestarts` restarts cannot happen within
 * `within` milliseconds. With such waits, a child would never reach the limit, and would be restarted for ever. If
 * `maxAttempts` is set, it limits the restarts, and the waits may have any length.
 */
export function checkBackoff(options: BackoffOptions, maxRestarts: number, within: number): void {
  checkFields(options)
  if (options.maxAttempts !== undefined) return
  const sum = sumOfDelays(options, maxRestarts)
  if (within > sum) return
  throw new RangeError(
    `within must be more than the delays of ${maxRestarts} restarts one after the other, ${sum} ms, or the limit is never reached; got ${within}. Raise it, or set backoff.maxAttempts`,
  )
}

function checkFields(options: BackoffOptions): void {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`backoff must be an object, got ${describe(options)}`)
  }
  const limits: [keyof BackoffOptions, number, number][] = [
    ['min', 0, Infinity],
    ['max', options.min, Infinity],
    ['factor', 1, Infinity],
    ['jitter', 0, 1],
    ['resetAfter', 0, Infinity],
    ['maxAttempts', 1, Infinity],
  ]
  for (const [field, low, high] of limits) {
    const value = options[field]
    if (value === undefined && field !== 'min' && field !== 'max') continue
    if (typeof value !== 'number' || Number.isNaN(value)) {
      throw new TypeError(`backoff.${field} must be a number, got ${describe(value)}`)
    }
    if (value < low || value > high) {
      throw new RangeError(`backoff.${field} must be from ${low} to ${high}, got ${value}`)
    }
  }
}

/** The sum of the waits before `count` consecutive restarts, without `jitter`. */
function sumOfDelays(options: BackoffOptions, count: number): number {
  const delays = { ...options, jitter: 0 }
  let sum = 0
  let previous = -1
  for (let i = 0; i < count; i++) {
    const delay = delayBefore(delays, i)
    // The waits grow up to `max`, and are all the same after that. `count` may be so large that no loop could count it.
    if (delay === previous) return sum + (count - i) * delay
    sum += delay
    previous = delay
  }
  return sum
}
