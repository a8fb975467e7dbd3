import type { Future } from '@tasktree/core'
import { describe } from '@tasktree/core/lowlevel'
import { checkCount } from './check-count.ts'
import { WouldBlock } from './errors.ts'
import type { Releaser } from './releaser.ts'
import { Shares } from './shares.ts'

const totalName = "a limiter's total"

/**
 * A capacity of which each holder takes a part: `acquire(weight)` waits until that much is free.
 *
 * First come, first served: a big request is not overtaken by small ones behind it, and so is not
 * starved by them.
 *
 * @example
 * const memory = new CapacityLimiter(512)
 * using _ = await memory.acquire(64)
 *
 * Source: trio.CapacityLimiter. Differs: requests have a weight, and are not tied to a task.
 */
export class CapacityLimiter {
  readonly #shares: Shares

  /** @throws {RangeError} when `total` is not an integer of 0 or more, or Infinity */
  constructor(total: number) {
    this.#shares = new Shares(checkCount(totalName, total, 0))
  }

  /**
   * How much there is in all. It can be changed at any time: more wakes who now can have it, less takes
   * nothing from the holders but lets nobody in until enough is given back.
   */
  get total(): number {
    return this.#shares.total
  }

  set total(total: number) {
    this.#shares.total = checkCount(totalName, total, 0)
  }

  /** How much is free: 0 when more is held than there now is. */
  get available(): number {
    return this.#shares.available
  }

  /**
   * Waits for `weight` of the capacity. Does not suspend when it is free and nobody is in line.
   *
   * @throws {RangeError} when `weight` is not an integer of 1 to `total`
   */
  acquire(weight = 1, options?: { signal?: AbortSignal }): Future<Releaser> {
    checkWeight(weight, this.total)
    return this.#shares.acquire(weight, options)
  }

  /**
   * Takes `weight` of the capacity when it is free and nobody is in line.
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

  /** The capacity in all, what is free and what is held, by how many, and how many wait. */
  statistics(): {
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
