import { Semaphore } from './semaphore.ts'

/**
 * A semaphore that refuses to be released more often than it was acquired.
 *
 * Source: asyncio.BoundedSemaphore
 */
export class BoundedSemaphore extends Semaphore {
  readonly #bound: number

  constructor(value = 1) {
    super(value)
    this.#bound = value
  }

  /** @throws {RangeError} above the initial value */
  override release(): void {
    if (this.free >= this.#bound) {
      throw new RangeError(`the semaphore was released above its initial value of ${this.#bound}`)
    }
    super.release()
  }
}
