import { Semaphore } from './semaphore.ts'

/**
 * A Semaphore that never has more permits than it began with: a release too many is an error.
 *
 * Source: asyncio.BoundedSemaphore
 */
export class BoundedSemaphore extends Semaphore {
  readonly #bound: number

  constructor(value = 1) {
    super(value)
    this.#bound = value
  }

  /**
   * @throws {RangeError} when every permit is there already
   */
  override release(): void {
    if (this.value >= this.#bound) {
      throw new RangeError(
        `BoundedSemaphore released too many times: all of its ${this.#bound} permits are free`,
      )
    }
    super.release()
  }
}
