import type { NameOption } from './primitive.ts'
import { Semaphore } from './semaphore.ts'

/**
 * A semaphore whose `release` throws when it was called more often than `acquire`.
 *
 * @example
 *     const connections = new BoundedSemaphore(2)
 *     const held = await connections.acquire()
 *     held.release()
 *     try {
 *       connections.release() // one too many: a mistake of the program
 *     } catch (error) {
 *       console.log((error as Error).name) // RangeError
 *     }
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
    // If the initial value is Infinity, the number of free permits is always Infinity, so the holders are counted.
    if (this.#bound === Infinity ? this.statistics().holders === 0 : this.free >= this.#bound) {
      throw new RangeError(
        `${this.label()} was released above its initial value of ${this.#bound}: it needs one acquire() for each release()`,
      )
    }
    super.release()
  }
}
