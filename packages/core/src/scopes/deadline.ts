import type { EventLoop } from '../loop/loop.ts'
import type { TimerEntry } from '../loop/timer-heap.ts'

/**
 * A timer of a scope. When a given time has come, the loop calls the function `onDeadline`, unless `cancel()` was
 * called before.
 */
export class Deadline implements TimerEntry {
  heapIndex = -1
  heapOrder = 0
  readonly #loop: EventLoop
  #onDeadline: (() => void) | null

  /**
   * `when` is a time of the loop's clock, in milliseconds. If that time has passed already, the loop calls `onDeadline`
   * in a later step, and not inside this constructor.
   */
  constructor(loop: EventLoop, when: number, onDeadline: () => void) {
    this.#loop = loop
    this.#onDeadline = onDeadline
    loop.assertOpen()
    if (when <= loop.time()) loop.push(this)
    else loop.addTimer(this, when)
  }

  cancel(): void {
    this.#onDeadline = null
    if (this.heapIndex !== -1) this.#loop.removeTimer(this)
  }

  run(): void {
    const onDeadline = this.#onDeadline
    this.#onDeadline = null
    onDeadline?.()
  }

  label(): string {
    return 'deadline'
  }
}
