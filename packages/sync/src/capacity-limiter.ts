import type { Future } from '@tasktree/core'
import { checkCount, describe } from '@tasktree/core/lowlevel'
import { WouldBlock } from './errors.ts'
import { type Awaited, checkNamed, type NameOption, Primitive } from './primitive.ts'
import type { Releaser } from './releaser.ts'
import type { Waiter } from './waiter.ts'
import { WaiterQueue } from './waiter-queue.ts'
import { type Request, WeightedSemaphore } from './weighted-semaphore.ts'

const totalName = "a limiter's total"

/**
 * A weighted semaphore whose total can be changed. A request for more than the total cannot be served until the total is
 * raised. Such a request moves to a second queue, so that it does not block the others, and returns to its place when
 * the total is large enough.
 */
class ResizableSemaphore extends WeightedSemaphore {
  /** The requests for more than the total, oldest first. */
  readonly #aside: WaiterQueue<Releaser, Request>

  constructor(total: number, awaited: (waiter: Waiter<Releaser, Request>) => Awaited) {
    super(total, awaited)
    this.#aside = new WaiterQueue(awaited)
  }

  override get waiters(): number {
    return super.waiters + this.#aside.size
  }

  /** Changes the total. Takes time in proportion to the number of waiters. */
  changeTotal(total: number): void {
    this.total = total
    this.#sortWaiters()
    this.wake()
  }

  /** Puts every waiter in the queue where it belongs under the new total, in the order of the requests. */
  #sortWaiters(): void {
    const waiters: Waiter<Releaser, Request>[] = []
    for (const line of [this.line, this.#aside]) {
      for (let waiter = line.shift(); waiter !== null; waiter = line.shift()) waiters.push(waiter)
    }
    for (const waiter of waiters.toSorted((a, b) => a.ask.order - b.ask.order)) {
      ;(waiter.ask.amount > this.total ? this.#aside : this.line).push(waiter)
    }
  }
}

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
  readonly #semaphore: ResizableSemaphore

  /** @throws {RangeError} when `total` is neither a whole number of at least 0 nor Infinity */
  constructor(total: number, options?: NameOption) {
    checkCount(totalName, total, 0)
    super(checkNamed('a CapacityLimiter takes its total and { name }', options)?.name)
    this.#semaphore = new ResizableSemaphore(total, (waiter) => ({
      of: this,
      state: `for ${waiter.ask.amount} of ${this.total} (${this.available} free)`,
      note: `for ${waiter.ask.amount} of ${this.total}, ${this.available} free`,
      next: this.#semaphore.holdingTasks()[0] ?? null,
    }))
  }

  /**
   * The whole capacity. It can be changed at any time. A larger total wakes the waiters whose requests now fit. A
   * smaller total takes nothing from the holders, but no request is served until the holders have released enough. A
   * request for more than the total is skipped, so that it does not block the requests behind it. When the total is
   * raised again, this request is back in its old place.
   */
  get total(): number {
    return this.#semaphore.total
  }

  set total(total: number) {
    this.#semaphore.changeTotal(checkCount(totalName, total, 0))
  }

  /** How much of the capacity is free; 0 if the holders have more than the total. */
  get available(): number {
    return this.#semaphore.available
  }

  /**
   * Waits until `weight` of the capacity is free, and takes it. Does not suspend if it is free and no request is
   * waiting.
   *
   * @throws {RangeError} when `weight` is not an integer of 1 to `total`
   */
  acquire(weight = 1, options?: { signal?: AbortSignal }): Future<Releaser> {
    checkWeight(weight, this.total)
    return this.#semaphore.acquire(weight, options)
  }

  /**
   * Takes `weight` of the capacity if it is free and no request is waiting.
   *
   * @throws {WouldBlock} otherwise
   * @throws {RangeError} when `weight` is not an integer of 1 to `total`
   */
  acquireNowait(weight = 1): Releaser {
    checkWeight(weight, this.total)
    const share = this.#semaphore.take(weight)
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
    const { total, available, used, holders, waiters } = this.#semaphore
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
