import { type Future, isCancelled, RuntimeError } from '@tasktree/core'
import { cancelOnAbort, describe } from '@tasktree/core/lowlevel'
import { runHolding } from './exclusive.ts'
import { Lock } from './lock.ts'
import type { Releaser } from './releaser.ts'
import { Waiter, WaitList } from './wait-list.ts'
import { refused, type WaitOptions } from './wait-options.ts'

/**
 * Waits, while holding a lock, for a state that others change while they hold it.
 *
 * Source: asyncio.Condition
 */
export class Condition {
  readonly #lock: Lock
  readonly #waiters = new WaitList<Waiter<void>>()

  /** With a lock of its own, unless it is given one, which several conditions may share. */
  constructor(lock: Lock = new Lock()) {
    if (!(lock instanceof Lock)) {
      throw new TypeError(`a Condition takes a Lock, got ${describe(lock)}`)
    }
    this.#lock = lock
  }

  /** As the lock's. */
  acquire(options?: WaitOptions): Future<Releaser> {
    return this.#lock.acquire(options)
  }

  /** As the lock's. */
  release(): void {
    this.#lock.release()
  }

  /** As the lock's. */
  locked(): boolean {
    return this.#lock.locked()
  }

  /** As the lock's. */
  runExclusive<T>(fn: () => PromiseLike<T> | T, options?: WaitOptions): Promise<T> {
    return runHolding(() => this.acquire(options), fn)
  }

  /**
   * Releases the lock, waits for a notify, and acquires the lock again. It holds the lock when it ends,
   * also when it ends by a cancel; the Releaser from before the wait releases it. It may end without a
   * notify meant for it: check the state again, or use `waitFor`.
   *
   * @throws {RuntimeError} when the lock is not held
   */
  async wait(options?: WaitOptions): Promise<true> {
    if (!this.locked()) {
      throw new RuntimeError('cannot wait on un-acquired lock: acquire the condition first')
    }
    const refusal = refused(options)
    if (refusal !== null) await refusal
    const hold = this.#lock.suspend()
    const waiter = new Waiter<void>()
    try {
      try {
        this.#waiters.push(waiter)
        await cancelOnAbort(waiter, options?.signal)
      } finally {
        await this.#acquireAgain(hold)
      }
    } catch (error) {
      // It may have been notified before it failed: that wake-up is for another one then.
      this.#notify(1)
      throw error
    }
    return true
  }

  async #acquireAgain(hold: Releaser): Promise<void> {
    let interrupted: unknown = null
    for (;;) {
      try {
        await this.#lock.acquire()
        break
      } catch (error) {
        if (!isCancelled(error)) throw error
        interrupted = error
      }
    }
    this.#lock.resume(hold)
    // oxlint-disable-next-line typescript/only-throw-error -- the CancelledError caught above
    if (interrupted !== null) throw interrupted
  }

  /**
   * Waits until `predicate` returns something true, checking first and after each notify, and returns
   * true.
   *
   * Source: asyncio.Condition.wait_for. Differs: the result is true, not what the predicate returned.
   */
  async waitFor(predicate: () => unknown, options?: WaitOptions): Promise<true> {
    if (typeof predicate !== 'function') {
      throw new TypeError(`waitFor takes a function, got ${describe(predicate)}`)
    }
    while (!predicate()) await this.wait(options)
    return true
  }

  /**
   * Wakes `n` of the waiters, the longest waiting first, or all when there are fewer. They go on one by
   * one as they get the lock.
   *
   * @throws {RuntimeError} when the lock is not held
   */
  notify(n = 1): void {
    if (typeof n !== 'number' || Number.isNaN(n)) {
      throw new TypeError(`notify takes a number of waiters, got ${describe(n)}`)
    }
    if (!this.locked()) {
      throw new RuntimeError('cannot notify on un-acquired lock: acquire the condition first')
    }
    this.#notify(n)
  }

  /** As `notify` for every waiter. */
  notifyAll(): void {
    this.notify(this.#waiters.size)
  }

  /** How many wait for a notify; and the lock's. */
  statistics(): Readonly<{ waiters: number; lock: Readonly<{ holders: number; waiters: number }> }> {
    return Object.freeze({ waiters: this.#waiters.size, lock: this.#lock.statistics() })
  }

  #notify(n: number): void {
    for (let i = 0; i < n; i++) {
      const waiter = this.#waiters.shift()
      if (waiter === null) return
      waiter.setResult()
    }
  }
}
