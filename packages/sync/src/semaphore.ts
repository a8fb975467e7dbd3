import type { Future } from '@tasktree/core'
import { cancelOnAbort, completed } from '@tasktree/core/lowlevel'
import { checkCount } from './check-count.ts'
import { WouldBlock } from './errors.ts'
import { refused } from './refused.ts'
import { type Lender, Releaser } from './releaser.ts'
import { checkBody, runHolding } from './run-holding.ts'
import { type Host, Waiter } from './waiter.ts'
import { WaiterQueue } from './waiter-queue.ts'

/** The permits of a semaphore, and who waits for one. */
class Permits implements Host<Releaser, undefined> {
  free: number
  holders = 0
  readonly waiters = new WaiterQueue<Releaser>()
  /** Woken, with a permit, and not yet run: nobody may overtake them. */
  woken = 0
  readonly #lender: Lender
  /** Has the turn of a waiter that was cancelled. */
  readonly #partings: Host<Releaser, undefined> = {
    serve: () => this.#wakeAll(),
    pass: () => {},
  }

  constructor(value: number, lender: Lender) {
    this.free = value
    this.#lender = lender
  }

  serve(waiter: Waiter<Releaser>): void {
    this.woken--
    waiter.setResult(this.hold())
    this.#wakeAll()
  }

  pass(): void {
    this.woken--
    this.free++
    this.#wakeAll()
  }

  take(): Releaser {
    this.free--
    return this.hold()
  }

  /** In the turn in which it learns of its cancel it hands on what has become free meanwhile, as in asyncio. */
  leave(waiter: Waiter<Releaser>): void {
    const loop = waiter.getLoop()
    if (!loop.isClosed()) new Waiter<Releaser>(this.#partings, undefined, loop).wake()
  }

  hold(): Releaser {
    this.holders++
    return new Releaser(this.#lender)
  }

  wakeNext(): boolean {
    if (!this.waiters.wakeNext()) return false
    this.free--
    this.woken++
    return true
  }

  #wakeAll(): void {
    while (this.free > 0 && this.wakeNext());
  }
}

/**
 * A number of permits, first come, first served. A permit belongs to the waiter that `release` woke
 * from that moment on; when it turns out to be cancelled, the permit passes to the next.
 *
 * Source: asyncio.Semaphore. Differs: `acquire` gives a Releaser.
 */
export class Semaphore {
  readonly #permits: Permits

  /** @throws {RangeError} when `value` is not an integer of 0 or more, or Infinity */
  constructor(value = 1) {
    checkCount("a semaphore's value", value, 0)
    this.#permits = new Permits(value, { takeBack: () => this.release() })
  }

  /** Ends when a permit is held; at once when one is free. */
  acquire(options?: { signal?: AbortSignal }): Future<Releaser> {
    const refusal = refused(options)
    if (refusal !== null) return refusal
    const permits = this.#permits
    if (this.locked()) {
      const waiter = new Waiter<Releaser>(permits, undefined)
      permits.waiters.push(waiter)
      return cancelOnAbort(waiter, options?.signal)
    }
    return completed(permits.take())
  }

  /** Takes a permit when one is free and nobody is in line. @throws {WouldBlock} otherwise */
  acquireNowait(): Releaser {
    if (this.locked()) throw new WouldBlock('no permit is free', 'acquire()')
    return this.#permits.take()
  }

  /** Gives a permit back, or one more. */
  release(): void {
    const permits = this.#permits
    permits.free++
    // One more than was acquired makes a new permit, as in asyncio.
    if (permits.holders > 0) permits.holders--
    permits.wakeNext()
  }

  /** Whether an `acquire` would have to wait. */
  locked(): boolean {
    const { free, waiters, woken } = this.#permits
    return free === 0 || waiters.size > 0 || woken > 0
  }

  /** @internal for BoundedSemaphore */
  get free(): number {
    return this.#permits.free
  }

  /** Runs `fn` while a permit is held. Does not suspend to take a free one. */
  runExclusive<T>(fn: () => PromiseLike<T> | T, options?: { signal?: AbortSignal }): Promise<T> {
    checkBody(fn)
    return runHolding(this.acquire(options), fn)
  }

  /** The permits that are free and those that are held, and how many wait. */
  statistics(): { readonly value: number; readonly holders: number; readonly waiters: number } {
    const { free, holders, waiters, woken } = this.#permits
    return Object.freeze({ value: free, holders, waiters: waiters.size + woken })
  }
}
