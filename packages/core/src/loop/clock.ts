/**
 * Where a loop gets its time and its wake-ups from: the only door to the platform's timers, so that a
 * test can put its own time behind it.
 */
export interface Clock {
  /** Milliseconds, never going back. */
  now(): number
  /**
   * Calls `wake` when `deadline` has come; null: no timer is pending. There is one alarm, a new one
   * replaces it. It may ring early: the loop looks at `now()`. While one is set the process stays alive.
   */
  setAlarm(deadline: number | null, wake: () => void, isIdle: () => boolean): void
  /** Calls `resume` after I/O and timers have had a turn. */
  yieldToIO(resume: () => void): void
  /** Lets go of the alarm and of what it refers to: the loop is closed. */
  stop(): void
  /** Whether time stands still while anything can run; `sleep(0)` is then one round of the ready queue. */
  readonly virtual: boolean
}

/** Whether a loop can tell its time by `x`. */
export function isClock(x: unknown): x is Clock {
  if (typeof x !== 'object' || x === null) return false
  const clock = x as Partial<Record<string, unknown>>
  return ['now', 'setAlarm', 'yieldToIO', 'stop'].every((key) => typeof clock[key] === 'function')
}

/** A longer delay overflows the platform's timer, which would fire at once. */
const longestTimer = 2 ** 31 - 1

export class SystemClock implements Clock {
  readonly virtual: boolean = false
  #timer: NodeJS.Timeout | null = null
  #armedFor = Infinity

  now(): number {
    return performance.now()
  }

  setAlarm(deadline: number | null, wake: () => void): void {
    if (deadline === null) {
      // Kept, without holding the process: setting and cancelling one timeout after another would
      // otherwise make and clear a platform timer each time.
      this.#timer?.unref()
      return
    }
    if (this.#timer !== null && this.#armedFor <= deadline) {
      this.#timer.ref()
      return
    }
    if (this.#timer !== null) clearTimeout(this.#timer)
    const delay = Math.min(Math.max(Math.ceil(deadline - performance.now()), 0), longestTimer)
    this.#armedFor = deadline
    this.#timer = setTimeout(() => {
      this.#timer = null
      this.#armedFor = Infinity
      wake()
    }, delay)
  }

  yieldToIO(resume: () => void): void {
    setImmediate(resume)
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    this.#armedFor = Infinity
  }
}
