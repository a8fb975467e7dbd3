import { Future } from '@tasktree/core'
import { cancelOnAbort } from '@tasktree/core/lowlevel'
import { Waiter, WaitList } from './wait-list.ts'
import { refused, type WaitOptions } from './wait-options.ts'

/**
 * A flag that any number of tasks can wait for. It starts unset.
 *
 * Source: asyncio.Event
 */
export class Event {
  #set = false
  readonly #waiters = new WaitList<Waiter<true>>()

  isSet(): boolean {
    return this.#set
  }

  /** Sets it and wakes everyone who waits, also when it is cleared before they run. */
  set(): void {
    this.#set = true
    for (let waiter = this.#waiters.shift(); waiter !== null; waiter = this.#waiters.shift()) {
      waiter.setResult(true)
    }
  }

  /** From now on `wait()` waits again. */
  clear(): void {
    this.#set = false
  }

  /** Waits until it is set. Does not suspend when it is. */
  wait(options?: WaitOptions): Future<true> {
    const refusal = refused(options)
    if (refusal !== null) return refusal
    if (this.#set) {
      const done = new Future<true>()
      done.setResult(true)
      return done
    }
    const waiter = new Waiter<true>()
    this.#waiters.push(waiter)
    return cancelOnAbort(waiter, options?.signal)
  }

  statistics(): Readonly<{ waiters: number }> {
    return Object.freeze({ waiters: this.#waiters.size })
  }
}
