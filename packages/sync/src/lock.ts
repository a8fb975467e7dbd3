import { type EventLoop, Future, RuntimeError } from '@tasktree/core'
import { cancelOnAbort } from '@tasktree/core/lowlevel'
import { refused } from './refused.ts'
import { type Lender, Releaser } from './releaser.ts'
import { Waiter, WaiterQueue } from './waiter-queue.ts'

/** Who holds a lock, and who waits for it. */
class Possession implements Lender {
  holder: Releaser | null = null
  readonly waiters = new WaiterQueue<Releaser>()
  #leaving = 0

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

  /** `waiter` is gone; what it leaves behind has its turn just before the turn in which the cancel is thrown. */
  replace(waiter: Acquiring): void {
    const loop = waiter.getLoop()
    if (loop.isClosed()) return
    const left = new Left(this, loop)
    this.waiters.replace(waiter, left)
    this.#leaving++
    left.wake()
  }

  /** In the turn of a waiter that does not take the lock. */
  leave(waiter: Waiter<Releaser>): void {
    this.waiters.remove(waiter)
    if (waiter instanceof Left) this.#leaving--
    if (this.holder === null) this.waiters.first()?.wake()
  }
}

class Acquiring extends Waiter<Releaser> {
  readonly #possession: Possession

  constructor(possession: Possession) {
    super()
    this.#possession = possession
    possession.waiters.push(this)
  }

  protected override claim(): void {
    this.line?.remove(this)
    this.setResult(this.#possession.take())
  }

  protected override decline(): void {
    this.#possession.leave(this)
  }

  override cancel(msg?: Parameters<Waiter<Releaser>['cancel']>[0]): boolean {
    if (!this.done() && !this.isWoken()) this.#possession.replace(this)
    return super.cancel(msg)
  }
}

/**
 * Keeps the place of a waiter that was cancelled until the turn in which it learns of that, so that a
 * `release` in between wakes the next one in the round in which asyncio does.
 */
class Left extends Waiter<Releaser> {
  readonly #possession: Possession

  constructor(possession: Possession, loop: EventLoop) {
    super({ loop })
    this.#possession = possession
  }

  protected override claim(): void {
    this.#possession.leave(this)
  }

  protected override decline(): void {
    this.claim()
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
    if (possession.holder !== null || possession.waiting > 0) {
      return cancelOnAbort(new Acquiring(possession), options?.signal)
    }
    const free = new Future<Releaser>()
    free.setResult(possession.take())
    return free
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

  /** @internal */
  restore(holder: Releaser | null): void {
    this.#possession.holder = holder
  }

  locked(): boolean {
    return this.#possession.holder !== null
  }

  /** Runs `fn` while the lock is held. */
  async runExclusive<T>(
    fn: () => PromiseLike<T> | T,
    options?: { signal?: AbortSignal },
  ): Promise<T> {
    using _ = await this.acquire(options)
    return await fn()
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
