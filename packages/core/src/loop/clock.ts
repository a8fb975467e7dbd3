/**
 * Tells a loop the time, and wakes the loop at a given time. The loop uses no other timers. So a test can run the loop
 * in virtual time, by passing a clock whose time the test moves.
 */
export interface Clock {
  /** Returns the time in milliseconds. The time never goes back. */
  now(): number
  /**
   * Sets the alarm: the clock calls `wake` when `now()` has reached `deadline`. A clock has one alarm, so a new call
   * replaces the earlier alarm. If `deadline` is null, the alarm is removed. It does no harm if the clock calls `wake`
   * early, because the loop compares `now()` with its deadlines. While an alarm is set, the process stays alive. A
   * virtual clock moves its time only while `isIdle()` returns true.
   */
  setAlarm(deadline: number | null, wake: () => void, isIdle: () => boolean): void
  /**
   * Calls `resume` after the runtime (Node, Bun or Deno) has handled the I/O that is ready. If there is none, `resume`
   * is called all the same: this method does not wait for an I/O event.
   */
  yieldToIO(resume: () => void): void
  /** Removes the alarm. Called when the loop does not need the clock any more, for example because it is closed. */
  stop(): void
  /**
   * Whether this clock is virtual: its time stands still while any code can run. With a virtual clock, `sleep(0)` does
   * not wait for I/O; it only lets the tasks and callbacks run that are ready at the call of `sleep`.
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
 * The longest delay that `setTimeout` accepts, in milliseconds. A longer delay would overflow, and the timer would fire
 * at once.
 */
const longestTimer = 2 ** 31 - 1

/**
 * The timer functions that a clock uses. A test with fake timers replaces the global functions. So each clock keeps the
 * functions that were global when the clock was made. Otherwise a clock might pass a timer of the fake `setTimeout` to
 * the real `clearTimeout`.
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
 * The global timer functions and `performance.now`, as they were when the package was loaded. They are the real
 * functions, unless a test had replaced them before.
 */
const native: Platform = readPlatform()
const { setImmediate } = globalThis
/**
 * Calls `callback` when the running code has ended. If that code is a microtask, `callback` is called after all other
 * microtasks.
 */
export const nextTick: (callback: () => void) => void = process.nextTick.bind(process)
let latest: Platform = native

/**
 * Returns the global timer functions as they are now. As long as no code replaces the global functions, the result is
 * the same object each time.
 */
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

/** Calls `cb` after `ms` milliseconds of real time. The timer does not keep the process alive. */
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
   * How many milliseconds this clock is ahead of `performance.now()`. A test may move the time of its fake timers, and
   * leave `performance.now()` as it is. This clock then follows the fake timers.
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
   * Called when no timer of the loop is left: lets the process end although the timer of the runtime is still set. The
   * timer is not cleared, because a program that sets and cancels one timeout after another would then make and clear a
   * timer of the runtime for each timeout. Only a timer without a method `unref` is cleared.
   */
  #rest(): void {
    if (this.#timer === null) return
    if (typeof this.#timer.unref === 'function') this.#timer.unref()
    else this.stop()
  }

  /**
   * Uses the real `setImmediate`, even if a test has replaced the global `setImmediate` with a fake, because the I/O is
   * real.
   */
  yieldToIO(resume: () => void): void {
    setImmediate(resume)
  }

  stop(): void {
    if (this.#timer !== null) this.platform.clearTimeout.call(globalThis, this.#timer)
    this.#timer = null
    this.#armedFor = Infinity
  }
}
