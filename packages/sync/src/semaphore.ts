import { Future } from '@tasktree/core'
import { cancelOnAbort, describe } from '@tasktree/core/lowlevel'
import { runHolding } from './exclusive.ts'
import type { Releaser } from './releaser.ts'
import { Turn, type TurnKeeper, WaitList } from './wait-list.ts'
import { refused, type WaitOptions } from './wait-options.ts'

class Permit implements Releaser {
  #semaphore: Semaphore | null

  constructor(semaphore: Semaphore) {
    this.#semaphore = semaphore
  }

  release(): void {
    const semaphore = this.#semaphore
    if (semaphore === null) return
    this.#semaphore = null
    semaphore.release()
  }

  [Symbol.dispose](): void {
    this.release()
  }
}

/**
 * A number of permits: `acquire` takes one, waiting in line when there is none, `release` gives one
 * back. A permit that is given back while somebody waits goes to the first in line; nobody overtakes.
 *
 * Source: asyncio.Semaphore
 */
export class Semaphore implements TurnKeeper<Releaser, undefined> {
  #value: number
  #holders = 0
  /** Waiters that have a permit set aside and whose turn is to come. */
  #chosen = 0
  readonly #waiters = new WaitList<Turn<Releaser>>()

  /**
   * @throws {RangeError} when `value` is negative or not an integer
   */
  constructor(value = 1) {
    if (typeof value !== 'number') {
      throw new TypeError(`a semaphore's value must be a number, got ${describe(value)}`)
    }
    if (!(value >= 0) || (!Number.isInteger(value) && value !== Infinity)) {
      throw new RangeError(`a semaphore's value must be an integer of 0 or more, got ${value}`)
    }
    this.#value = value
  }

  /** Waits for a permit. Does not suspend when there is one and nobody is in line. */
  acquire(options?: WaitOptions): Future<Releaser> {
    if (options !== undefined) {
      const refusal = refused(options)
      if (refusal !== null) return refusal
    }
    if (!this.locked()) {
      this.#value--
      this.#holders++
      const acquired = new Future<Releaser>()
      acquired.setResult(new Permit(this))
      return acquired
    }
    const turn = new Turn<Releaser>(this, undefined)
    this.#waiters.push(turn)
    return cancelOnAbort(turn, options?.signal)
  }

  /** Adds one permit, whoever calls; the first in line gets it. */
  release(): void {
    this.#value++
    if (this.#holders > 0) this.#holders--
    this.#wakeNext()
  }

  /** Whether `acquire` would have to wait. */
  locked(): boolean {
    return this.#value === 0 || this.#chosen > 0 || this.#waiters.size > 0
  }

  /** Runs `fn` while holding a permit, and gives it back however `fn` ends. */
  runExclusive<T>(fn: () => PromiseLike<T> | T, options?: WaitOptions): Promise<T> {
    return runHolding(() => this.acquire(options), fn)
  }

  /** The permits that are free, held, and waited for. */
  statistics(): Readonly<{ value: number; holders: number; waiters: number }> {
    return Object.freeze({
      value: this.#value,
      holders: this.#holders,
      waiters: this.#waiters.size + this.#chosen,
    })
  }

  /** @internal */
  protected get value(): number {
    return this.#value
  }

  #wakeNext(): boolean {
    const turn = this.#waiters.shift()
    if (turn === null) return false
    this.#value--
    this.#chosen++
    turn.wake()
    return true
  }

  #wakeAll(): void {
    while (this.#value > 0 && this.#wakeNext());
  }

  /** @internal */
  grant(turn: Turn<Releaser>): void {
    this.#chosen--
    this.#holders++
    turn.setResult(new Permit(this))
    // Who came while a permit was free and others were in line, waits for its turn.
    this.#wakeAll()
  }

  /** @internal */
  forgo(): void {
    this.#chosen--
    this.#value++
    this.#wakeAll()
  }

  /** @internal */
  left(): void {
    this.#wakeAll()
  }
}
