import { growingDelay } from '@tasktree/core/lowlevel'

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
