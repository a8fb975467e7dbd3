import type { EventLoop } from '../loop/loop.ts'
import type { TimerEntry } from '../loop/timer-heap.ts'

/**
 * A timer of a scope. At a given time, in a turn of the loop, it calls the function `onDeadline`, unless `cancel()` was
 * called before.
 */
export class Deadline implements TimerEntry {
  heapIndex = -1
  heapOrder = 0
  readonly #loop: EventLoop
  #onDeadline: (() => void) | null

  /**
   * `when` is in milliseconds of the loop's clock. If that time has passed already, `onDeadline` is called in the next
   * turn.
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
