import { Future } from '@tasktree/core'
import { cancelOnAbort, describe } from '@tasktree/core/lowlevel'
import { refused } from './refused.ts'
import { Releaser } from './releaser.ts'
import { Waiter, WaiterQueue } from './waiter-queue.ts'

class Acquiring extends Waiter<Releaser> {
  readonly #semaphore: Turnstile

  constructor(semaphore: Turnstile) {
    super()
    this.#semaphore = semaphore
  }

  protected override claim(): void {
    this.setResult(this.#semaphore.enter())
  }

  protected override decline(): void {
    this.#semaphore.giveBack()
  }
}

/** What a waiter needs of its semaphore. */
interface Turnstile {
  enter(): Releaser
  giveBack(): void
}

/**
 * A number of permits, first come, first served. A permit belongs to the waiter that `release` woke
 * from that moment on; when it turns out to be cancelled, the permit passes to the next.
 *
 * Source: asyncio.Semaphore. Differs: `acquire` gives a Releaser.
 */
export class Semaphore {
  #value: number
  #holders = 0
  readonly #waiters = new WaiterQueue<Releaser>()
  /** Woken, with a permit, and not yet run: nobody may overtake them. */
  #woken = 0
  readonly #turnstile: Turnstile = {
    enter: () => {
      this.#woken--
      this.#holders++
      this.#wakeAll()
      return new Releaser(this.#releaseOne)
    },
    giveBack: () => {
      this.#woken--
      this.#value++
      this.#wakeAll()
    },
  }
  readonly #releaseOne = (): void => this.release()

  /** @throws {RangeError} when `value` is negative */
  constructor(value = 1) {
    if (typeof value !== 'number' || Number.isNaN(value)) {
      throw new TypeError(`a semaphore's value must be a number, got ${describe(value)}`)
    }
    if (value < 0) throw new RangeError(`a semaphore's value must be at least 0, got ${value}`)
    this.#value = value
  }

  /** Ends when a permit is held; at once when one is free. */
  acquire(options?: { signal?: AbortSignal }): Future<Releaser> {
    if (options !== undefined) {
      const refusal = refused(options)
      if (refusal !== null) return refusal
    }
    if (!this.locked()) {
      this.#value--
      this.#holders++
      const free = new Future<Releaser>()
      free.setResult(new Releaser(this.#releaseOne))
      return free
    }
    const waiter = new Acquiring(this.#turnstile)
    this.#waiters.push(waiter)
    return cancelOnAbort(waiter, options?.signal)
  }

  /** Gives a permit back, or one more. */
  release(): void {
    this.#value++
    // One more than was acquired makes a new permit, as in asyncio.
    if (this.#holders > 0) this.#holders--
    this.#wakeNext()
  }

  /** Whether an `acquire` would have to wait. */
  locked(): boolean {
    return this.#value === 0 || this.#waiters.size > 0 || this.#woken > 0
  }

  /** Runs `fn` while a permit is held. */
  async runExclusive<T>(
    fn: () => PromiseLike<T> | T,
    options?: { signal?: AbortSignal },
  ): Promise<T> {
    using _ = await this.acquire(options)
    return await fn()
  }

  /** The permits that are free and those that are held, and how many wait. */
  statistics(): { readonly value: number; readonly holders: number; readonly waiters: number } {
    const waiters = this.#waiters.size + this.#woken
    return Object.freeze({ value: this.#value, holders: this.#holders, waiters })
  }

  #wakeNext(): boolean {
    if (!this.#waiters.wakeNext()) return false
    this.#value--
    this.#woken++
    return true
  }

  #wakeAll(): void {
    while (this.#value > 0 && this.#wakeNext());
  }
}
