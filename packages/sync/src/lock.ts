import { Future, RuntimeError } from '@tasktree/core'
import { cancelOnAbort } from '@tasktree/core/lowlevel'
import { refused } from './refused.ts'
import { Releaser } from './releaser.ts'
import { Waiter, WaiterQueue } from './waiter-queue.ts'

class Acquiring extends Waiter<Releaser> {
  readonly #take: () => Releaser
  readonly #passOn: () => void

  constructor(take: () => Releaser, passOn: () => void) {
    super()
    this.#take = take
    this.#passOn = passOn
  }

  protected override claim(): void {
    this.line?.remove(this)
    this.setResult(this.#take())
  }

  protected override decline(): void {
    this.line?.remove(this)
    this.#passOn()
  }
}

/**
 * Mutual exclusion, first come, first served: `release` wakes the first waiter, and nobody overtakes
 * it. A waiter that is cancelled, at whatever moment, leaves its place to the next.
 *
 * Source: asyncio.Lock. Differs: `acquire` gives a Releaser.
 */
export class Lock {
  #holder: Releaser | null = null
  readonly #waiters = new WaiterQueue<Releaser>()
  readonly #take = (): Releaser => (this.#holder = new Releaser(this.#releaseHeld))
  readonly #releaseHeld = (held: Releaser): void => {
    if (this.#holder === held) this.release()
  }
  readonly #passOn = (): void => {
    if (this.#holder === null) this.#waiters.first()?.wake()
  }

  /** Ends when the lock is held. A free lock is taken at once. */
  acquire(options?: { signal?: AbortSignal }): Future<Releaser> {
    if (options !== undefined) {
      const refusal = refused(options)
      if (refusal !== null) return refusal
    }
    if (this.#holder === null && this.#waiters.size === 0) {
      const free = new Future<Releaser>()
      free.setResult(this.#take())
      return free
    }
    const waiter = new Acquiring(this.#take, this.#passOn)
    this.#waiters.push(waiter)
    return cancelOnAbort(waiter, options?.signal)
  }

  /** @throws {RuntimeError} when it is not locked */
  release(): void {
    if (this.#holder === null)
      throw new RuntimeError('the lock is not locked: release() needs an acquire()')
    this.#holder = null
    this.#waiters.first()?.wake()
  }

  /** @internal for Condition, which gives a hold up and takes it back */
  get holder(): Releaser | null {
    return this.#holder
  }

  /** @internal */
  restore(holder: Releaser | null): void {
    this.#holder = holder
  }

  locked(): boolean {
    return this.#holder !== null
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
    return Object.freeze({ locked, holders: locked ? 1 : 0, waiters: this.#waiters.size })
  }
}
