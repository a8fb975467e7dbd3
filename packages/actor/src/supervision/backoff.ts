/** How long a supervisor waits before each of several consecutive restarts of a child. */
export interface BackoffOptions {
  /** Before the first restart; milliseconds. */
  min: number
  /** At most; milliseconds. */
  max: number
  /** Each wait is this times the one before. @defaultValue 2 */
  factor?: number
  /** The part of the wait that is drawn at random, 0 to 1: 0.2 waits between 80 and 120 percent. @defaultValue 0 */
  jitter?: number
  /** A child that has run for this many milliseconds is healthy: its next restart counts as the first. @defaultValue `max` */
  resetAfter?: number
  /** After this many consecutive restarts the supervisor gives up, however slowly they came. @defaultValue no limit */
  maxAttempts?: number
}

/** The wait before a restart, in milliseconds, after `restarts` consecutive ones. */
export function delayBefore(options: BackoffOptions, restarts: number): number {
  const { min, max, factor = 2, jitter = 0 } = options
  const delay = Math.min(max, min * factor ** restarts)
  return jitter === 0 ? delay : delay * (1 + jitter * (Math.random() * 2 - 1))
}
