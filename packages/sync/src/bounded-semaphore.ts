import type { NameOption } from './primitive.ts'
import { Semaphore } from './semaphore.ts'

/**
 * A semaphore whose `release` throws when it was called more often than `acquire`.
 *
 * Source: asyncio.BoundedSemaphore
 */
export class BoundedSemaphore extends Semaphore {
  readonly #bound: number

  constructor(value = 1, options?: NameOption) {
    super(value, options)
    this.#bound = value
  }

  /** @throws {RangeError} when the value would rise above the initial value */
  override release(): void {
    if (this.free >= this.#bound) {
      throw new RangeError(
        `${this.label()} was released above its initial value of ${this.#bound}: it needs one acquire() for each release()`,
      )
    }
    super.release()
  }
}
