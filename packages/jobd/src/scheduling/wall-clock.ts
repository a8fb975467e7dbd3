import { type EventLoop, getEventLoop } from '@tasktree/core'

/**
 * If the two clocks differ by fewer milliseconds than this, the wall clock was not set: the kernel corrects a drifting
 * clock in small amounts.
 */
const smallestStep = 1_000

/**
 * Notices that the wall clock was set. The jobs' file has times of the wall clock, because only those are valid after a
 * restart. A running server waits by the event loop's clock, which only goes forward. This class compares the two
 * clocks.
 */
export class WallClock {
  readonly #loop: EventLoop = getEventLoop()
  #offset = this.#currentOffset()

  #currentOffset(): number {
    return Date.now() - this.#loop.time()
  }

  /** Returns by how many milliseconds the wall clock was set since the last call; 0 if it was not set. */
  takeStep(): number {
    const offset = this.#currentOffset()
    const step = offset - this.#offset
    this.#offset = offset
    return Math.abs(step) < smallestStep ? 0 : Math.round(step)
  }
}
