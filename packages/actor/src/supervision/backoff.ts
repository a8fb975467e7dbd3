import { describe } from '@tasktree/core/lowlevel'

/** How long a supervisor waits before each restart in a row. */
export interface BackoffOptions {
  /** Before the first restart; milliseconds. */
  min: number
  /** At most; milliseconds. */
  max: number
  /** Each wait is this times the one before. @defaultValue 2 */
  factor?: number
  /** The part of the wait that is drawn at random, 0 to 1: 0.2 waits between 80 and 120 percent. @defaultValue 0 */
  jitter?: number
  /** Uptime after which the row begins anew; milliseconds. @defaultValue `max` */
  resetAfter?: number
  /** After so many restarts in a row the supervisor gives up, however slowly they came. @defaultValue no limit */
  maxAttempts?: number
}

/** The restarts in a row of one child. */
export class Backoff {
  readonly #options: Required<BackoffOptions>
  #attempt = 0
  #startedAt = 0

  constructor(options: BackoffOptions) {
    this.#options = {
      factor: 2,
      jitter: 0,
      resetAfter: options.max,
      maxAttempts: Infinity,
      ...options,
    }
  }

  get attempt(): number {
    return this.#attempt
  }

  started(now: number): void {
    this.#startedAt = now
  }

  reset(): void {
    this.#attempt = 0
  }

  /** The wait before the next restart in milliseconds, or null when there were too many. */
  next(now: number, wasRunning: boolean): number | null {
    const { min, max, factor, jitter, resetAfter, maxAttempts } = this.#options
    if (wasRunning && now - this.#startedAt >= resetAfter) this.#attempt = 0
    if (this.#attempt >= maxAttempts) return null
    const delay = Math.min(max, min * factor ** this.#attempt++)
    return jitter === 0 ? delay : delay * (1 + jitter * (Math.random() * 2 - 1))
  }
}

/** The waits before `count` restarts in a row, together. */
export function sumOfDelays(options: BackoffOptions, count: number): number {
  let sum = 0
  for (let i = 0; i < count; i++) {
    sum += Math.min(options.max, options.min * (options.factor ?? 2) ** i)
  }
  return sum
}

/** @throws {TypeError} @throws {RangeError} naming the field */
export function checkBackoff(options: BackoffOptions): void {
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
