import { LinkedList, type WaitDetails } from '@tasktree/core/lowlevel'
import type { Awaited } from './primitive.ts'
import type { Waiter } from './waiter.ts'

/**
 * A queue of waiters. A waiter that is woken gets what it waits for when its code continues.
 *
 * A primitive is not bound to a loop, so the queue may contain a waiter whose loop was closed. The code of such a
 * waiter never continues. Every method that reads the first waiter therefore first removes such waiters.
 */
export class WaiterQueue<T, A = undefined> extends LinkedList<Waiter<T, A>> {
  readonly #awaited: (waiter: Waiter<T, A>) => Awaited

  /** @param awaited a function that returns what a waiter of this queue waits for */
  constructor(awaited: (waiter: Waiter<T, A>) => Awaited) {
    super()
    this.#awaited = awaited
  }

  /** Returns what `waiter` waits for, as a text for the task tree. */
  describe(waiter: Waiter<T, A>): string {
    const { of, state } = this.#awaited(waiter)
    return `${of.label()}, ${state}`
  }

  /** Returns what `why()` of core shows about `waiter`. */
  details(waiter: Waiter<T, A>): WaitDetails {
    const { of, state, note = state, next } = this.#awaited(waiter)
    return { kind: of.kind, label: of.words(), note, next }
  }

  override first(): Waiter<T, A> | null {
    let waiter = super.first()
    while (waiter !== null && waiter.getLoop().isClosed()) {
      waiter.forget()
      waiter = super.first()
    }
    return waiter
  }

  /** Whether the queue has no waiter that can still be served. */
  isEmpty(): boolean {
    return this.size === 0 || this.first() === null
  }

  /** Removes the first waiter from the queue and wakes it. Returns false if there is no waiter. */
  wakeNext(): boolean {
    for (let waiter = this.shift(); waiter !== null; waiter = this.shift()) {
      if (waiter.wake()) return true
    }
    return false
  }

  /** Ends the wait of every waiter with `result`. */
  endAll(result: T): void {
    for (let waiter = this.shift(); waiter !== null; waiter = this.shift()) {
      waiter.setResult(result)
    }
  }
}
