import type { EventLoop } from '../loop/loop.ts'
import type { TimerEntry } from '../loop/timer-heap.ts'

/**
 * A timer of a scope. At a given time, in a turn of the loop, it calls the function `strike`, unless `cancel()` was
 * called before.
 */
export class Deadline implements TimerEntry {
  heapIndex = -1
  heapOrder = 0
  readonly #loop: EventLoop
  #strike: (() => void) | null

  /**
   * `when` is in milliseconds of the loop's clock. If that time has passed already, `strike` is called in the next
   * turn.
   */
  constructor(loop: EventLoop, when: number, strike: () => void) {
    this.#loop = loop
    this.#strike = strike
    loop.assertOpen()
    if (when <= loop.time()) loop.push(this)
    else loop.addTimer(this, when)
  }

  cancel(): void {
    this.#strike = null
    if (this.heapIndex !== -1) this.#loop.removeTimer(this)
  }

  run(): void {
    const strike = this.#strike
    this.#strike = null
    strike?.()
  }

  label(): string {
    return 'deadline'
  }
}
