import { Future } from '@tasktree/core'
import { cancelOnAbort } from '@tasktree/core/lowlevel'
import { Line } from './line.ts'
import { refused } from './refused.ts'
import { endAll, Waiting } from './waiting.ts'

/**
 * A flag that can be waited for.
 *
 * Source: asyncio.Event
 */
export class Event {
  #set = false
  readonly #waiters = new Line<Waiting<true>>()

  isSet(): boolean {
    return this.#set
  }

  /** Sets the flag and wakes all who wait, also when it is cleared again before they run. */
  set(): void {
    if (this.#set) return
    this.#set = true
    endAll(this.#waiters, true)
  }

  clear(): void {
    this.#set = false
  }

  /** Ends when the flag is set; at once when it is. */
  wait(options?: { signal?: AbortSignal }): Future<true> {
    const refusal = refused(options)
    if (refusal !== null) return refusal
    if (!this.#set) return cancelOnAbort(new Waiting(this.#waiters), options?.signal)
    const set = new Future<true>()
    set.setResult(true)
    return set
  }

  /** Whether it is set, and how many wait. */
  statistics(): { readonly set: boolean; readonly waiters: number } {
    return Object.freeze({ set: this.#set, waiters: this.#waiters.size })
  }
}
