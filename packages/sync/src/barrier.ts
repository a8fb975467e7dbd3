import { checkOptions, describe, startAtCaller } from '@tasktree/core/lowlevel'
import { Condition } from './condition.ts'
import { BrokenBarrierError } from './errors.ts'
import { type Awaited, checkNamed, type NameOption, Primitive } from './primitive.ts'
import type { Releaser } from './releaser.ts'

/** A condition that is notified at each change of a barrier's state. The task tree shows the barrier in place of it. */
class StateChange extends Condition {
  readonly #awaited: () => Awaited

  constructor(awaited: () => Awaited) {
    super(undefined, { name: '' })
    this.#awaited = awaited
  }

  override awaited(): Awaited {
    return this.#awaited()
  }
}

/**
 * Makes tasks wait until `parties` tasks have called `wait`, and then lets all of them continue at once. After that the
 * barrier can be used again.
 *
 * @example
 *     const barrier = new Barrier(2)
 *     const player = async (name: string, ms: number) => {
 *       await sleep(ms) // loads
 *       await barrier.wait() // until both are here
 *       return name
 *     }
 *     console.log(await gather([player('Ada', 1), player('Bob', 10)])) // [ 'Ada', 'Bob' ]
 *
 * Source: asyncio.Barrier
 */
export class Barrier extends Primitive {
  readonly parties: number
  readonly #changed = new StateChange(() => ({
    of: this,
    state: `to which ${this.#count} of ${this.parties} have come`,
    note: `${this.#count} of ${this.parties} have come`,
  }))
  #state: 'filling' | 'draining' | 'resetting' | 'broken' = 'filling'
  #count = 0
  /** How many callers of `wait` have not entered the barrier yet, so that `#count` does not count them. */
  #blocked = 0

  /** @throws {RangeError} when `parties` is not a positive integer */
  constructor(parties: number, options?: NameOption) {
    if (typeof parties !== 'number') {
      throw new TypeError(`parties must be a number, got ${describe(parties)}`)
    }
    if (!Number.isInteger(parties) || parties < 1) {
      throw new RangeError(`parties must be a positive integer, got ${parties}`)
    }
    super(checkNamed('a Barrier takes its parties and { name }', options)?.name)
    this.parties = parties
  }

  /** How many callers are waiting for the others. */
  get nWaiting(): number {
    return this.#state === 'filling' ? this.#count : 0
  }

  get broken(): boolean {
    return this.#state === 'broken'
  }

  /**
   * Waits until `parties` callers have called this method. The result is a number from 0 to `parties - 1`: how many
   * others were waiting when this caller came. If a waiter was cancelled, two callers can have the same number, as in
   * asyncio.
   *
   * @throws {BrokenBarrierError} when the barrier was aborted before, or is reset or aborted during the wait
   */
  wait(options?: { signal?: AbortSignal }): Promise<number> {
    checkOptions(options)
    return this.#wait(options)
  }

  async #wait(options: { signal?: AbortSignal } | undefined): Promise<number> {
    const held = await this.#enter(options)
    // A `using` declaration would add a kilobyte of helper functions to the bundle, because it is compiled for Node 22.
    try {
      return await this.#pass(options)
    } finally {
      held.release()
    }
  }

  async #pass(options: { signal?: AbortSignal } | undefined): Promise<number> {
    if (this.broken) throw broken('the barrier was aborted')
    const index = this.#count++
    try {
      if (this.#count === this.parties) {
        this.#state = 'draining'
        this.#changed.notifyAll()
      } else {
        await this.#changed.waitFor(() => this.#state !== 'filling', options)
        if (this.#state !== 'draining') throw broken('the barrier was reset or aborted')
      }
      return index
    } finally {
      this.#leave()
    }
  }

  /**
   * Acquires the lock of the barrier. A caller that comes while earlier callers are leaving waits until they have left.
   */
  async #enter(options: { signal?: AbortSignal } | undefined): Promise<Releaser> {
    this.#blocked++
    try {
      const held = await this.#changed.acquire(options)
      try {
        await this.#changed.waitFor(
          () => this.#state !== 'draining' && this.#state !== 'resetting',
          options,
        )
        return held
      } catch (error) {
        held.release()
        throw error
      }
    } finally {
      this.#blocked--
    }
  }

  /** Called when a caller leaves the barrier. The last caller opens the barrier for the next use, unless it is broken. */
  #leave(): void {
    if (--this.#count > 0) return
    if (this.#state === 'resetting' || this.#state === 'draining') this.#state = 'filling'
    this.#changed.notifyAll()
  }

  /** Makes all waiting callers fail with BrokenBarrierError, and makes the barrier usable again. */
  reset(options?: { signal?: AbortSignal }): Promise<void> {
    return this.#changed.runExclusive(() => {
      this.#state = this.#count > 0 ? 'resetting' : 'filling'
      this.#changed.notifyAll()
    }, options)
  }

  /** Makes all waiting callers fail with BrokenBarrierError, and all later callers too. */
  abort(options?: { signal?: AbortSignal }): Promise<void> {
    return this.#changed.runExclusive(() => {
      this.#state = 'broken'
      this.#changed.notifyAll()
    }, options)
  }

  /** Returns the state of the barrier, and how many callers wait in it, are leaving it, and wait to enter it. */
  override statistics(): {
    readonly parties: number
    readonly state: 'filling' | 'draining' | 'resetting' | 'broken'
    readonly broken: boolean
    readonly waiters: number
    readonly leaving: number
    readonly blocked: number
  } {
    return Object.freeze({
      parties: this.parties,
      state: this.#state,
      broken: this.broken,
      waiters: this.nWaiting,
      leaving: this.#count - this.nWaiting,
      blocked: this.#blocked,
    })
  }
}

function broken(message: string): BrokenBarrierError {
  return startAtCaller(new BrokenBarrierError(message), import.meta.url)
}
