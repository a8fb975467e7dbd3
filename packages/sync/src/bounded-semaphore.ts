import type { NameOption } from './primitive.ts'
import { Semaphore } from './semaphore.ts'

/**
 * A semaphore that refuses to be released more often than it was acquired.
 *
 * Source: asyncio.BoundedSemaphore
 */
export class BoundedSemaphore extends Semaphore {
  readonly #bound: number

  constructor(value = 1, options?: NameOption) {
    super(value, options)
    this.#bound = value
  }

  /** @throws {RangeError} above the initial value */
  override release(): void {
    if (this.free >= this.#bound) {
      throw new RangeError(
        `${this.label()} was released above its initial value of ${this.#bound}: it needs one acquire() for each release()`,
      )
    }
    super.release()
  }
}
