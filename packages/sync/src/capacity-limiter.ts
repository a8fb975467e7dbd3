import type { Future } from '@tasktree/core'
import { checkCount, describe } from '@tasktree/core/lowlevel'
import { WouldBlock } from './errors.ts'
import { checkNamed, type NameOption, Primitive } from './primitive.ts'
import type { Releaser } from './releaser.ts'
import { Shares } from './shares.ts'

const totalName = "a limiter's total"

/**
 * A capacity of which each holder takes a part: `acquire(weight)` waits until that much is free.
 *
 * First come, first served: small requests do not overtake a big one that waits before them, so they cannot starve it.
 *
 * @example
 * const memory = new CapacityLimiter(512)
 * using _ = await memory.acquire(64)
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
   * The whole capacity. It can be changed at any time. Raising it wakes the waiters that now fit. Lowering it takes
   * nothing from the holders, but admits nobody until enough was given back. A request that waits for more than the new
   * total lets the requests behind it pass, and keeps its place for when the total is raised again.
   */
  get total(): number {
    return this.#shares.total
  }

  set total(total: number) {
    this.#shares.total = checkCount(totalName, total, 0)
  }

  /** How much is free: 0 if more is held than the total. */
  get available(): number {
    return this.#shares.available
  }

  /**
   * Waits for `weight` of the capacity. Does not suspend if it is free and nobody is in line.
   *
   * @throws {RangeError} when `weight` is not an integer of 1 to `total`
   */
  acquire(weight = 1, options?: { signal?: AbortSignal }): Future<Releaser> {
    checkWeight(weight, this.total)
    return this.#shares.acquire(weight, options)
  }

  /**
   * Takes `weight` of the capacity if it is free and nobody is in line.
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

  /** The whole capacity, how much is free and how much is held, by how many, and how many wait. */
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
