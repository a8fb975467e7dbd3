import { checkOptions, describe } from '../arguments.ts'
import { type Clock, SystemClock } from '../loop/clock.ts'

/**
 * A clock whose time stands still as long as a task or callback can run. When every task waits, the time jumps to the
 * deadline of the next timer. So a sleep of an hour takes no real time.
 *
 * @example
 *     const clock = new VirtualClock()
 *     const loop = newEventLoop({ clock })
 *     await loop.runUntilComplete(() => sleep(3_600_000)) // takes no time
 *     console.log(clock.now()) // 3600000
 *     loop.close()
 */
export class VirtualClock implements Clock {
  readonly virtual: boolean = true
  #now: number
  #deadline: number | null = null
  #wake: () => void = () => {}
  #isIdle: () => boolean = () => true
  #checking = false
  readonly #realTime = new SystemClock()
  #stopped = false
  /**
   * @internal Called when every task waits and no timer is set. Must return false if real I/O may still wake a task:
   * then the clock checks again, a millisecond of real time later. Must return true if the clock may stop these checks.
   */
  onStall: () => boolean = () => true

  /** @throws {TypeError} when `start` is not a finite number */
  constructor(options?: { start?: number }) {
    checkOptions(options)
    const start = options?.start ?? 0
    if (!Number.isFinite(start)) {
      throw new TypeError(`start must be a number of milliseconds, got ${describe(start)}`)
    }
    this.#now = start
  }

  now(): number {
    return this.#now
  }

  setAlarm(deadline: number | null, wake: () => void, isIdle: () => boolean): void {
    this.#stopped = false
    this.#deadline = deadline === Infinity ? null : deadline
    this.#wake = wake
    this.#isIdle = isIdle
    this.watch()
  }

  yieldToIO(resume: () => void): void {
    this.#realTime.yieldToIO(resume)
  }

  stop(): void {
    this.#stopped = true
    this.#deadline = null
    this.#realTime.stop()
  }

  /**
   * @internal Starts checks of whether the clock must jump to the next timer. A check runs each time Node has handled
   * real I/O and all promises that have settled.
   */
  watch(): void {
    if (this.#checking || this.#stopped) return
    this.#checking = true
    this.#realTime.yieldToIO(this.#check)
  }

  readonly #check = (): void => {
    this.#checking = false
    if (this.#stopped) return
    if (!this.#isIdle()) {
      this.watch()
    } else if (this.#deadline !== null) {
      this.#now = Math.max(this.#now, this.#deadline)
      this.#wake()
      this.watch()
    } else if (!this.onStall()) {
      // Every task waits, and real I/O may still wake one of them. So the clock checks again, a millisecond of real
      // time later, whether its time must jump.
      this.#realTime.setAlarm(this.#realTime.now() + 1, () => this.watch())
    }
  }
}
