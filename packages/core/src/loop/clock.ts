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

/**
 * The functions that a clock is made of. Fake timers of a test replace the global ones, so each clock keeps those that it
 * began with: a timer that one set of functions has set is cancelled by the same set, and rings by the same set.
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

/** The functions that were there when the package was loaded. */
const native: Platform = readPlatform()
const { setImmediate } = globalThis
/** Calls back when no microtask is left. */
export const nextTick: (callback: () => void) => void = process.nextTick.bind(process)
let latest: Platform = native

/** The functions that are there now: the same object as long as they are the same. */
export function currentPlatform(): Platform {
  const { setTimeout } = globalThis
  if (setTimeout === native.setTimeout) return native
  if (setTimeout !== latest.setTimeout) latest = readPlatform()
  return latest
}

/** Milliseconds of the machine's clock, even if a test has replaced that. */
export function machineTime(): number {
  return native.now()
}

/** Calls `cb` after `ms` milliseconds, unless the process has nothing else to do. */
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
  /** What the time is ahead of the platform's, because a test moves its timers and not `performance.now()`. */
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
   * The timer is kept, and no longer holds the process: a program that sets and cancels one timeout after another would
   * otherwise make and clear a platform timer each time. Where a timer cannot let go of the process, it is cleared.
   */
  #rest(): void {
    if (this.#timer === null) return
    if (typeof this.#timer.unref === 'function') this.#timer.unref()
    else this.stop()
  }

  /** By the function from before any fake timers, since I/O is real. */
  yieldToIO(resume: () => void): void {
    setImmediate(resume)
  }

  stop(): void {
    if (this.#timer !== null) this.platform.clearTimeout.call(globalThis, this.#timer)
    this.#timer = null
    this.#armedFor = Infinity
  }
}
