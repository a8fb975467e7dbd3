import type { Future } from '@tasktree/core'
import { checkCount, describe } from '@tasktree/core/lowlevel'
import { WouldBlock } from './errors.ts'
import { checkNamed, type NameOption, Primitive } from './primitive.ts'
import type { Releaser } from './releaser.ts'
import { Shares } from './shares.ts'

const totalName = "a limiter's total"

/**
 * Divides a total capacity among its holders. `acquire(weight)` waits until `weight` of the capacity is free.
 *
 * Requests are served in order: small requests do not overtake a big request that waits before them, so the big request
 * is always served in the end.
 *
 * @example
 *     const memory = new CapacityLimiter(512)
 *     {
 *       using _ = await memory.acquire(64)
 *       console.log(memory.available) // 448
 *     }
 *     console.log(memory.available) // 512
 *
 * Source: trio.CapacityLimiter. Differs: requests have a weight, and are not tied to a task.
 */
export class CapacityLimiter extends Primitive {
  readonly #shares: Shares

  /** @throws {RangeError} when `total` is neither a whole number of at least 0 nor Infinity */
  constructor(total: number, options?: NameOption) {
    checkCount(totalName, total, 0)
    super(checkNamed('a CapacityLimiter takes its total and { name }', options)?.name)
    this.#shares = new Shares(total, (waiter) => ({
      of: this,
      state: `for ${waiter.ask.amount} of ${this.total} (${this.available} free)`,
      note: `for ${waiter.ask.amount} of ${this.total}, ${this.available} free`,
      next: this.#shares.holdingTasks()[0] ?? null,
    }))
  }

  /**
   * The whole capacity. It can be changed at any time. A larger total wakes the waiters whose requests now fit. A
   * smaller total takes nothing from the holders, but no request is served until the holders have released enough. A
   * request for more than the total is skipped, so that it does not block the requests behind it. When the total is
   * raised again, this request is back in its old place.
   */
  get total(): number {
    return this.#shares.total
  }

  set total(total: number) {
    this.#shares.total = checkCount(totalName, total, 0)
  }

  /** How much of the capacity is free; 0 if the holders have more than the total. */
  get available(): number {
    return this.#shares.available
  }

  /**
   * Waits until `weight` of the capacity is free, and takes it. Does not suspend if it is free and no request is
   * waiting.
   *
   * @throws {RangeError} when `weight` is not an integer of 1 to `total`
   */
  acquire(weight = 1, options?: { signal?: AbortSignal }): Future<Releaser> {
    checkWeight(weight, this.total)
    return this.#shares.acquire(weight, options)
  }

  /**
   * Takes `weight` of the capacity if it is free and no request is waiting.
   *
   * @throws {WouldBlock} otherwise
   * @throws {RangeError} when `weight` is not an integer of 1 to `total`
   */
  acquireNowait(weight = 1): Releaser {
    checkWeight(weight, this.total)
    const share = this.#shares.take(weight)
    if (share !== null) return share
    throw new WouldBlock(
      `${weight} of the capacity of ${this.total} are not free`,
      `acquire(${weight})`,
    )
  }

  /**
   * Returns the total capacity, how much is free, how much is held and by how many holders, and how many requests wait.
   */
  override statistics(): {
    readonly total: number
    readonly available: number
    readonly used: number
    readonly holders: number
    readonly waiters: number
  } {
    const { total, available, used, holders, waiters } = this.#shares
    return Object.freeze({ total, available, used, holders, waiters })
  }
}

function checkWeight(weight: number, total: number): void {
  if (typeof weight !== 'number') {
    throw new TypeError(`a weight must be a number, got ${describe(weight)}`)
  }
  if (!Number.isInteger(weight) || weight < 1 || weight > total) {
    throw new RangeError(`a weight must be an integer of 1 to ${total}, got ${weight}`)
  }
}
