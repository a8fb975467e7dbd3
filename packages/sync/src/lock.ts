import { Future, RuntimeError } from '@tasktree/core'
import { cancelOnAbort } from '@tasktree/core/lowlevel'
import { refused } from './refused.ts'
import { type Lender, Releaser } from './releaser.ts'
import { Waiter, WaiterQueue } from './waiter-queue.ts'

/** Who holds a lock, and who waits for it. */
class Possession implements Lender {
  holder: Releaser | null = null
  readonly waiters = new WaiterQueue<Releaser>()

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
    this.line?.remove(this)
    if (this.#possession.holder === null) this.#possession.waiters.first()?.wake()
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
    if (possession.holder !== null || possession.waiters.size > 0) {
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
      waiters: this.#possession.waiters.size,
    })
  }
}
