import type { Future } from '@tasktree/core'
import { cancelOnAbort, completed } from '@tasktree/core/lowlevel'
import { refused } from './refused.ts'
import { Waiter } from './waiter.ts'
import { WaiterQueue } from './waiter-queue.ts'

/**
 * A flag that can be waited for.
 *
 * Source: asyncio.Event
 */
export class Event {
  #set = false
  readonly #waiters = new WaiterQueue<true>()

  isSet(): boolean {
    return this.#set
  }

  /** Sets the flag and wakes all who wait, also when it is cleared again before they run. */
  set(): void {
    if (this.#set) return
    this.#set = true
    this.#waiters.endAll(true)
  }

  clear(): void {
    this.#set = false
  }

  /** Ends when the flag is set; at once when it is. */
  wait(options?: { signal?: AbortSignal }): Future<true> {
    const refusal = refused(options)
    if (refusal !== null) return refusal
    if (!this.#set) {
      const waiter = new Waiter<true>(null, undefined)
      this.#waiters.push(waiter)
      return cancelOnAbort(waiter, options?.signal)
    }
    return completed(true)
  }

  /** Whether it is set, and how many wait. */
  statistics(): { readonly set: boolean; readonly waiters: number } {
    return Object.freeze({ set: this.#set, waiters: this.#waiters.size })
  }
}
