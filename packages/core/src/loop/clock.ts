/**
 * Gives a loop its time and its wake-ups. The loop uses no other timers, so a test can pass a clock with a time of its
 * own.
 */
export interface Clock {
  /** Returns the time in milliseconds. The time never goes back. */
  now(): number
  /**
   * Calls `wake` when `now()` has reached `deadline`. There is one alarm: a new call replaces the earlier alarm, and
   * null removes it. The alarm may ring early, because the loop looks at `now()` again. While an alarm is set, the
   * process stays alive. A virtual clock moves its time only while `isIdle()` returns true.
   */
  setAlarm(deadline: number | null, wake: () => void, isIdle: () => boolean): void
  /** Calls `resume` after the platform has handled I/O and timers. */
  yieldToIO(resume: () => void): void
  /** Removes the alarm and its references to the loop, because the loop is closed. */
  stop(): void
  /**
   * Whether this clock stands still while anything can run. With such a clock `sleep(0)` takes one round of the ready
   * queue.
   */
  readonly virtual: boolean
}

/** Whether `x` has the methods of a Clock. */
export function isClock(x: unknown): x is Clock {
  if (typeof x !== 'object' || x === null) return false
  const clock = x as Partial<Record<string, unknown>>
  return ['now', 'setAlarm', 'yieldToIO', 'stop'].every((key) => typeof clock[key] === 'function')
}

/**
 * The longest delay of the platform's timer in milliseconds. A longer delay would overflow, and the timer would fire
 * at once.
 */
const longestTimer = 2 ** 31 - 1

/**
 * The functions of the platform that a clock uses. The fake timers of a test replace the global functions. So each
 * clock keeps the functions that it began with: a timer is set, cancelled and rung by the same functions.
 */
export interface Platform {
  readonly setTimeout: typeof globalThis.setTimeout
  readonly clearTimeout: typeof globalThis.clearTimeout
  readonly now: () => number
}

function readPlatform(): Platform {
  const { setTimeout, clearTimeout, performance } = globalThis
  return { setTimeout, clearTimeout, now: performance.now.bind(performance) }
}

/**
 * The global timer functions and `performance.now`, as they were when the package was loaded: the real ones, unless a
 * test had already replaced them with fake timers.
 */
const native: Platform = readPlatform()
const { setImmediate } = globalThis
/** Calls `callback` when the microtask queue is empty. */
export const nextTick: (callback: () => void) => void = process.nextTick.bind(process)
let latest: Platform = native

/** Returns the global functions as they are now. As long as nobody replaces them, this is the same object each time. */
export function currentPlatform(): Platform {
  const { setTimeout } = globalThis
  if (setTimeout === native.setTimeout) return native
  if (setTimeout !== latest.setTimeout) latest = readPlatform()
  return latest
}

/** Returns the time of the machine's clock in milliseconds, even if a test has replaced that clock. */
export function machineTime(): number {
  return native.now()
}

/** Calls `cb` after `ms` milliseconds. The timer does not keep the process alive. */
export function callLaterUnref(ms: number, cb: () => void): void {
  const timer: Partial<NodeJS.Timeout> = native.setTimeout.call(globalThis, cb, ms)
  timer.unref?.()
}

export class SystemClock implements Clock {
  readonly virtual: boolean = false
  /** @internal */
  readonly platform: Platform = currentPlatform()
  #timer: NodeJS.Timeout | null = null
  #armedFor = Infinity
  /**
   * How many milliseconds this clock is ahead of `performance.now()`. A test may move its fake timers and leave
   * `performance.now()` as it is; then this clock follows the timers.
   */
  #ahead = 0

  now(): number {
    return this.platform.now() + this.#ahead
  }

  setAlarm(deadline: number | null, wake: () => void): void {
    if (deadline === null) {
      this.#rest()
      return
    }
    if (this.#timer !== null && this.#armedFor <= deadline) {
      this.#timer.ref?.()
      return
    }
    if (this.#timer !== null) this.platform.clearTimeout.call(globalThis, this.#timer)
    const delay = Math.min(Math.max(Math.ceil(deadline - this.now()), 0), longestTimer)
    this.#armedFor = deadline
    const ring = (): void => {
      this.#timer = null
      this.#armedFor = Infinity
      if (this.platform !== native && delay < longestTimer) {
        this.#ahead += Math.max(0, deadline - this.now())
      }
      wake()
    }
    this.#timer = this.platform.setTimeout.call(globalThis, ring, delay)
  }

  /**
   * Keeps the platform's timer, but lets the process end without it: otherwise a program that sets and cancels one
   * timeout after another would make and clear a platform timer each time. If the platform has no `unref`, the timer
   * is cleared.
   */
  #rest(): void {
    if (this.#timer === null) return
    if (typeof this.#timer.unref === 'function') this.#timer.unref()
    else this.stop()
  }

  /** Uses the real `setImmediate`, even under fake timers, because I/O is real. */
  yieldToIO(resume: () => void): void {
    setImmediate(resume)
  }

  stop(): void {
    if (this.#timer !== null) this.platform.clearTimeout.call(globalThis, this.#timer)
    this.#timer = null
    this.#armedFor = Infinity
  }
}
