import { type Future, RuntimeError } from '@tasktree/core'
import {
  cancelOnAbort,
  checkCount,
  checkOptions,
  waitAnyway,
  describe,
} from '@tasktree/core/lowlevel'
import { Lock } from './lock.ts'
import { type Awaited, checkNamed, type NameOption, Primitive } from './primitive.ts'
import { cancelledIfAborted } from './cancelled-if-aborted.ts'
import type { Releaser } from './releaser.ts'
import { Waiter } from './waiter.ts'
import { WaiterQueue } from './waiter-queue.ts'

/**
 * Lets a task wait until another task announces a change. The lock is released during the wait.
 *
 * When `wait` ends, the lock is held again, even if the wait was cancelled. A wait may end although nothing has
 * changed: check the state again after it, or use `waitFor`.
 *
 * @example
 *     const condition = new Condition()
 *     let stock = 0
 *     const buyer = createTask(() =>
 *       condition.runExclusive(async () => {
 *         await condition.waitFor(() => stock > 0) // lets the lock go while it waits
 *         return --stock
 *       }),
 *     )
 *     await condition.runExclusive(() => {
 *       stock = 3
 *       condition.notifyAll()
 *     })
 *     console.log(await buyer) // 2
 *
 * Source: asyncio.Condition
 */
export class Condition extends Primitive {
  readonly #lock: Lock
  readonly #waiters = new WaiterQueue<void>(() => this.awaited())

  constructor(lock?: Lock, options?: NameOption) {
    if (lock !== undefined && !(lock instanceof Lock)) {
      throw new TypeError(`a Condition needs a Lock, got ${describe(lock)}`)
    }
    super(checkNamed('a Condition takes a Lock and { name }', options)?.name)
    this.#lock = lock ?? new Lock({ name: `of ${this.name}` })
  }

  /** @internal returns what the task tree shows for a task in `wait` */
  awaited(): Awaited {
    return { of: this, state: 'to be notified' }
  }

  acquire(options?: { signal?: AbortSignal }): Future<Releaser> {
    return this.#lock.acquire(options)
  }

  /** @throws {RuntimeError} when the lock is not locked */
  release(): void {
    this.#lock.release()
  }

  locked(): boolean {
    return this.#lock.locked()
  }

  /**
   * Releases the lock, waits for a call of `notify`, and acquires the lock again.
   *
   * @throws {RuntimeError} when the lock is not locked
   */
  wait(options?: { signal?: AbortSignal }): Promise<true> {
    checkOptions(options)
    return this.#wait(options)
  }

  async #wait(options: { signal?: AbortSignal } | undefined): Promise<true> {
    const { holder } = this.#lock
    if (holder === null) {
      throw new RuntimeError('cannot wait on a lock that is not locked: acquire() first')
    }
    const refusal = cancelledIfAborted(options)
    if (refusal !== null) await refusal
    const notified = new Waiter<void>(null, undefined)
    this.#waiters.push(notified)
    this.release()
    try {
      try {
        await cancelOnAbort(notified, options?.signal)
        return true
      } finally {
        await this.#reacquire(holder)
      }
    } catch (error) {
      // The waiter may have been notified before it was cancelled. So another waiter is notified, in any case, as in
      // asyncio.
      this.#notify(1)
      throw error
    }
  }

  /**
   * Acquires the lock again. If the task is cancelled meanwhile, this function still acquires the lock first, and then
   * throws the last CancelledError.
   */
  async #reacquire(holder: Releaser): Promise<void> {
    try {
      await waitAnyway(() => this.#lock.acquire())
    } finally {
      // The waiting code still has the Releaser from before the wait. That Releaser must release the lock that is held
      // now.
      this.#lock.restore(holder)
    }
  }

  /** Waits until `predicate` returns true. The lock is held during each call of `predicate`. */
  waitFor(predicate: () => boolean, options?: { signal?: AbortSignal }): Promise<true> {
    if (typeof predicate !== 'function') {
      throw new TypeError(`waitFor takes a function, got ${describe(predicate)}`)
    }
    checkOptions(options)
    return this.#waitFor(predicate, options)
  }

  async #waitFor(
    predicate: () => boolean,
    options: { signal?: AbortSignal } | undefined,
  ): Promise<true> {
    const refusal = cancelledIfAborted(options)
    if (refusal !== null) await refusal
    while (!predicate()) await this.#wait(options)
    return true
  }

  /** Wakes at most `n` waiters. @throws {RuntimeError} when the lock is not locked */
  notify(n = 1): void {
    checkCount('n', n, 0)
    if (!this.locked()) {
      throw new RuntimeError('cannot notify on a lock that is not locked: acquire() first')
    }
    this.#notify(n)
  }

  notifyAll(): void {
    this.notify(Infinity)
  }

  /** Runs `fn` while the lock is held. Acquiring a free lock does not suspend the task. */
  runExclusive<T>(fn: () => PromiseLike<T> | T, options?: { signal?: AbortSignal }): Promise<T> {
    return this.#lock.runExclusive(fn, options)
  }

  /**
   * Returns whether the lock is held, the number of its holders (1 or 0), how many tasks wait for a notification, and
   * how many for the lock.
   */
  override statistics(): {
    readonly locked: boolean
    readonly holders: number
    readonly waiters: number
    readonly acquiring: number
  } {
    const { locked, holders, waiters } = this.#lock.statistics()
    return Object.freeze({ locked, holders, waiters: this.#waiters.size, acquiring: waiters })
  }

  #notify(n: number): void {
    for (let left = n; left > 0; left--) {
      const waiter = this.#waiters.shift()
      if (waiter === null) return
      waiter.setResult()
    }
  }
}
