import { checkOptions, describe } from '@tasktree/core/lowlevel'
import { Condition } from './condition.ts'
import { BrokenBarrierError } from './errors.ts'
import type { Releaser } from './releaser.ts'

/**
 * Holds tasks until `parties` of them have come, then lets all go at once; it can be used again.
 *
 * Source: asyncio.Barrier
 */
export class Barrier {
  readonly parties: number
  readonly #changed = new Condition()
  #state: 'filling' | 'draining' | 'resetting' | 'broken' = 'filling'
  #count = 0
  /** Those that have come and are not counted yet. */
  #blocked = 0

  /** @throws {RangeError} when `parties` is no positive integer */
  constructor(parties: number) {
    if (typeof parties !== 'number') {
      throw new TypeError(`parties must be a number, got ${describe(parties)}`)
    }
    if (!Number.isInteger(parties) || parties < 1) {
      throw new RangeError(`parties must be a positive integer, got ${parties}`)
    }
    this.parties = parties
  }

  /** How many wait for the others to come. */
  get nWaiting(): number {
    return this.#state === 'filling' ? this.#count : 0
  }

  get broken(): boolean {
    return this.#state === 'broken'
  }

  /**
   * Ends when all have come, with this one's number from 0 to `parties - 1`: how many waited when it came. Where
   * one has been cancelled two can have the same number, as in asyncio.
   *
   * @throws {BrokenBarrierError} when the barrier is, or while it waits becomes, reset or aborted
   */
  wait(options?: { signal?: AbortSignal }): Promise<number> {
    checkOptions(options)
    return this.#wait(options)
  }

  async #wait(options: { signal?: AbortSignal } | undefined): Promise<number> {
    const held = await this.#enter(options)
    // Not `using`, which for Node 22 is compiled into a kilobyte of helpers.
    try {
      return await this.#pass(options)
    } finally {
      held.release()
    }
  }

  async #pass(options: { signal?: AbortSignal } | undefined): Promise<number> {
    if (this.broken) throw new BrokenBarrierError('the barrier was aborted')
    const index = this.#count++
    try {
      if (this.#count === this.parties) {
        this.#state = 'draining'
        this.#changed.notifyAll()
      } else {
        await this.#changed.waitFor(() => this.#state !== 'filling', options)
        if (this.#state !== 'draining')
          throw new BrokenBarrierError('the barrier was reset or aborted')
      }
      return index
    } finally {
      this.#leave()
    }
  }

  /** Holds the lock; who comes while others leave waits until they have. */
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

  /** The last to leave opens the barrier again. */
  #leave(): void {
    if (--this.#count > 0) return
    if (this.#state === 'resetting' || this.#state === 'draining') this.#state = 'filling'
    this.#changed.notifyAll()
  }

  /** Throws BrokenBarrierError in all who wait, and begins anew. */
  reset(options?: { signal?: AbortSignal }): Promise<void> {
    return this.#changed.runExclusive(() => {
      this.#state = this.#count > 0 ? 'resetting' : 'filling'
      this.#changed.notifyAll()
    }, options)
  }

  /** Throws BrokenBarrierError in all who wait and will. */
  abort(options?: { signal?: AbortSignal }): Promise<void> {
    return this.#changed.runExclusive(() => {
      this.#state = 'broken'
      this.#changed.notifyAll()
    }, options)
  }

  /** Its state; how many wait in it, how many leave it, and how many have come that wait outside. */
  statistics(): {
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
