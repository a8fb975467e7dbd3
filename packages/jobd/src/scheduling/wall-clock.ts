import { type EventLoop, getEventLoop } from '@tasktree/core'

/** A smaller difference is not a step: the kernel corrects a clock that drifts by slowing it down. Milliseconds. */
const smallestStep = 1_000

/**
 * Notices that the wall clock was set. The file keeps times of the wall clock, because nothing else means anything
 * after a restart; a running server waits by the loop's clock, which only goes forward. This class compares the two.
 */
export class WallClock {
  readonly #loop: EventLoop = getEventLoop()
  #offset = this.#currentOffset()

  #currentOffset(): number {
    return Date.now() - this.#loop.time()
  }

  /** By how many milliseconds the wall clock has stepped since the last look; 0: it has not. */
  takeStep(): number {
    const offset = this.#currentOffset()
    const step = offset - this.#offset
    this.#offset = offset
    return Math.abs(step) < smallestStep ? 0 : Math.round(step)
  }
}
