import { checkOptions, describe } from '../arguments.ts'
import { type Clock, SystemClock } from '../loop/clock.ts'

/**
 * A clock that stands still while anything can run, and jumps to the next timer when every task waits.
 * An hour's sleep takes no time.
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
  /** @internal every task waits, and no timer is set; true when that is the end */
  onStall: () => boolean = () => true

  /** @throws {TypeError} when `start` is no finite number */
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

  /** @internal looks after each turn of the platform's loop, so that real I/O and foreign promises come first */
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
      // Real I/O is under way: only real time will bring it.
      this.#realTime.setAlarm(this.#realTime.now() + 1, () => this.watch())
    }
  }
}
