import { Future, RuntimeError } from '@tasktree/core'
import { cancelOnAbort } from '@tasktree/core/lowlevel'
import { runHolding } from './exclusive.ts'
import type { Releaser } from './releaser.ts'
import { Turn, type TurnKeeper, WaitList } from './wait-list.ts'
import { refused, type WaitOptions } from './wait-options.ts'

class Hold implements Releaser {
  readonly #lock: Lock

  constructor(lock: Lock) {
    this.#lock = lock
  }

  release(): void {
    this.#lock.releaseHold(this)
  }

  [Symbol.dispose](): void {
    this.#lock.releaseHold(this)
  }
}

/**
 * One holder at a time; the others wait in the order they came. A lock is not owned by a task: whoever
 * can reach it may release it.
 *
 * After a release it belongs to the first waiter, which takes it in its own turn; until then it is not
 * `locked()`, but nobody else can get in.
 *
 * @example
 * const lock = new Lock()
 * {
 *   using _ = await lock.acquire()
 *   // alone here
 * }
 *
 * Source: asyncio.Lock
 */
export class Lock implements TurnKeeper<Releaser, undefined> {
  #hold: Hold | null = null
  #chosen: Turn<Releaser> | null = null
  readonly #waiters = new WaitList<Turn<Releaser>>()

  /**
   * Waits until it has the lock. Does not suspend when the lock is free and nobody waits for it.
   *
   * Source: asyncio.Lock.acquire. Differs: resolves to what releases this hold.
   */
  acquire(options?: WaitOptions): Future<Releaser> {
    if (options !== undefined) {
      const refusal = refused(options)
      if (refusal !== null) return refusal
    }
    if (this.#hold === null && this.#chosen === null) {
      const acquired = new Future<Releaser>()
      acquired.setResult((this.#hold = new Hold(this)))
      return acquired
    }
    const turn = new Turn<Releaser>(this, undefined)
    this.#waiters.push(turn)
    return cancelOnAbort(turn, options?.signal)
  }

  /**
   * Unlocks it, whoever holds it; the first waiter is next.
   *
   * @throws {RuntimeError} when it is not locked
   *
   * Source: asyncio.Lock.release
   */
  release(): void {
    if (this.#hold === null) {
      throw new RuntimeError('the lock is not acquired: release it once for each acquire')
    }
    this.#hold = null
    this.#wakeFirst()
  }

  /** Whether somebody holds it. Source: asyncio.Lock.locked */
  locked(): boolean {
    return this.#hold !== null
  }

  /** Runs `fn` while holding the lock, and releases it however `fn` ends. */
  runExclusive<T>(fn: () => PromiseLike<T> | T, options?: WaitOptions): Promise<T> {
    return runHolding(() => this.acquire(options), fn)
  }

  /** How many hold it (0 or 1) and how many wait for it. */
  statistics(): Readonly<{ holders: number; waiters: number }> {
    const waiters = this.#waiters.size + (this.#chosen === null ? 0 : 1)
    return Object.freeze({ holders: this.#hold === null ? 0 : 1, waiters })
  }

  #wakeFirst(): void {
    this.#chosen = this.#waiters.shift()
    this.#chosen?.wake()
  }

  /** @internal */
  grant(turn: Turn<Releaser>): void {
    this.#chosen = null
    turn.setResult((this.#hold = new Hold(this)))
  }

  /** @internal */
  forgo(): void {
    this.#wakeFirst()
  }

  /** @internal */
  releaseHold(hold: Releaser): void {
    if (this.#hold === hold) this.release()
  }

  /** @internal gives the lock up for the wait of a condition, to be had back by `resume` */
  suspend(): Releaser {
    const hold = this.#hold as Hold
    this.release()
    return hold
  }

  /** @internal the lock was acquired again: for the block that had it before, which has only that releaser */
  resume(hold: Releaser): void {
    this.#hold = hold as Hold
  }
}
