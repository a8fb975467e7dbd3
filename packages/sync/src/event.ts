import type { Future } from '@tasktree/core'
import { cancelIsDue, cancelOnAbort, completed, deferred } from '@tasktree/core/lowlevel'
import { checkNamed, type NameOption, Primitive } from './primitive.ts'
import { cancelledIfAborted } from './cancelled-if-aborted.ts'
import { Waiter } from './waiter.ts'
import { WaiterQueue } from './waiter-queue.ts'

/**
 * A flag. Tasks can wait until it is set.
 *
 * @example
 *     const ready = new Event()
 *     const client = createTask(async () => {
 *       await ready.wait()
 *       return 'connected'
 *     })
 *     ready.set()
 *     console.log(await client) // connected
 *
 * Source: asyncio.Event
 */
export class Event extends Primitive {
  #set = false
  readonly #waiters = new WaiterQueue<true>(() => ({
    of: this,
    state: 'which is not set',
    note: 'not set',
  }))

  constructor(options?: NameOption) {
    super(checkNamed('an Event takes { name }', options)?.name)
  }

  isSet(): boolean {
    return this.#set
  }

  /** Sets the flag and wakes every waiter, even if the flag is cleared again before they run. */
  set(): void {
    if (this.#set) return
    this.#set = true
    this.#waiters.endAll(true)
  }

  clear(): void {
    this.#set = false
  }

  /** Waits until the flag is set. Does not suspend if it is set already. */
  wait(options?: { signal?: AbortSignal }): Future<true> {
    const refusal = cancelledIfAborted(options)
    if (refusal !== null) return refusal
    if (!this.#set) {
      const waiter = new Waiter<true>(null, undefined)
      this.#waiters.push(waiter)
      return cancelOnAbort(waiter, options?.signal)
    }
    if (cancelIsDue()) return deferred(() => this.wait(options))
    return completed(true)
  }

  /** Returns whether the flag is set, and how many tasks wait. */
  override statistics(): { readonly set: boolean; readonly waiters: number } {
    return Object.freeze({ set: this.#set, waiters: this.#waiters.size })
  }
}
