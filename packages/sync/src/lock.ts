import { type Future, RuntimeError } from '@tasktree/core'
import { cancelOnAbort, completed } from '@tasktree/core/lowlevel'
import { WouldBlock } from './errors.ts'
import { refused } from './refused.ts'
import { type Lender, Releaser } from './releaser.ts'
import { checkBody, runHolding } from './run-holding.ts'
import { type Host, Waiter } from './waiter.ts'
import { WaiterQueue } from './waiter-queue.ts'

/** Who holds a lock, and who waits for it. */
class Possession implements Lender, Host<Releaser, undefined> {
  holder: Releaser | null = null
  readonly waiters = new WaiterQueue<Releaser>()
  #leaving = 0
  /** Has the turn of a place whose waiter was cancelled. */
  readonly #places: Host<Releaser, undefined> = {
    serve: (place) => {
      this.#leaving--
      this.pass(place)
    },
    pass: () => {},
  }

  /** Nobody holds it, and nobody was woken to take it or stands in line. */
  isFree(): boolean {
    return this.holder === null && this.waiting === 0
  }

  take(): Releaser {
    return (this.holder = new Releaser(this))
  }

  takeBack(held: Releaser): void {
    if (this.holder === held) this.giveUp()
  }

  giveUp(): void {
    this.holder = null
    this.waiters.first()?.wake()
  }

  /** How many wait. */
  get waiting(): number {
    return this.waiters.size - this.#leaving
  }

  serve(waiter: Waiter<Releaser>): void {
    this.waiters.remove(waiter)
    waiter.setResult(this.take())
  }

  pass(waiter: Waiter<Releaser>): void {
    this.waiters.remove(waiter)
    if (this.holder === null) this.waiters.first()?.wake()
  }

  /**
   * Its place stays until the turn in which it learns of its cancel, so that a `release` in between wakes
   * the next one in the round in which asyncio does.
   */
  leave(waiter: Waiter<Releaser>): void {
    const loop = waiter.getLoop()
    if (loop.isClosed()) return
    const place = new Waiter<Releaser>(this.#places, undefined, loop)
    this.waiters.replace(waiter, place)
    this.#leaving++
    place.wake()
  }
}

/**
 * Mutual exclusion, first come, first served: `release` wakes the first waiter, and nobody overtakes
 * it. A waiter that is cancelled, at whatever moment, leaves its place to the next.
 *
 * Source: asyncio.Lock. Differs: `acquire` gives a Releaser.
 */
export class Lock {
  readonly #possession = new Possession()

  /** Ends when the lock is held. A free lock is taken at once. */
  acquire(options?: { signal?: AbortSignal }): Future<Releaser> {
    const refusal = refused(options)
    if (refusal !== null) return refusal
    const possession = this.#possession
    if (!possession.isFree()) {
      const waiter = new Waiter<Releaser>(possession, undefined)
      possession.waiters.push(waiter)
      return cancelOnAbort(waiter, options?.signal)
    }
    return completed(possession.take())
  }

  /** Takes the lock when it is free and nobody is in line. @throws {WouldBlock} otherwise */
  acquireNowait(): Releaser {
    if (!this.#possession.isFree()) throw new WouldBlock('the lock is not free', 'acquire()')
    return this.#possession.take()
  }

  /** @throws {RuntimeError} when it is not locked */
  release(): void {
    if (!this.locked())
      throw new RuntimeError('the lock is not locked: release() needs an acquire()')
    this.#possession.giveUp()
  }

  /** @internal for Condition, which gives a hold up and takes it back */
  get holder(): Releaser | null {
    return this.#possession.holder
  }

  /** @internal nobody is left to end a hold whose block has ended meanwhile, as after a `Promise.race` */
  restore(holder: Releaser): void {
    this.#possession.holder = holder
    if (holder.isReleased) this.#possession.giveUp()
  }

  locked(): boolean {
    return this.#possession.holder !== null
  }

  /** Runs `fn` while the lock is held. Does not suspend to take a free lock. */
  runExclusive<T>(fn: () => PromiseLike<T> | T, options?: { signal?: AbortSignal }): Promise<T> {
    checkBody(fn)
    return runHolding(this.acquire(options), fn)
  }

  /** Whether it is held, by how many (1 or 0), and how many wait for it. */
  statistics(): { readonly locked: boolean; readonly holders: number; readonly waiters: number } {
    const locked = this.locked()
    return Object.freeze({
      locked,
      holders: locked ? 1 : 0,
      waiters: this.#possession.waiting,
    })
  }
}
