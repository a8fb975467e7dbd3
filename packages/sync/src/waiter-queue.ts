import { LinkedList, type WaitDetails } from '@tasktree/core/lowlevel'
import type { Awaited } from './primitive.ts'
import type { Waiter } from './waiter.ts'

/**
 * A line of waiters, each of which takes what it waits for in its own turn of the loop.
 *
 * A primitive belongs to no loop, so a waiter can be left behind in a loop that was closed. That waiter can never take
 * its turn. Whoever looks at the head of the line therefore first drops such waiters.
 */
export class WaiterQueue<T, A = undefined> extends LinkedList<Waiter<T, A>> {
  readonly #awaited: (waiter: Waiter<T, A>) => Awaited

  /** @param awaited what a waiter of this line waits for */
  constructor(awaited: (waiter: Waiter<T, A>) => Awaited) {
    super()
    this.#awaited = awaited
  }

  /** What `waiter` waits for, as the task tree shows it. */
  describe(waiter: Waiter<T, A>): string {
    const { of, state } = this.#awaited(waiter)
    return `${of.label()}, ${state}`
  }

  /** What `why` says of `waiter`. */
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

  /** Whether nobody waits that can still be served. */
  isEmpty(): boolean {
    return this.size === 0 || this.first() === null
  }

  /** Takes the first waiter out of the line and gives it its turn. Returns false if nobody waits. */
  wakeNext(): boolean {
    for (let waiter = this.shift(); waiter !== null; waiter = this.shift()) {
      if (waiter.wake()) return true
    }
    return false
  }

  /** Ends every wait with `result`. */
  endAll(result: T): void {
    for (let waiter = this.shift(); waiter !== null; waiter = this.shift()) {
      waiter.setResult(result)
    }
  }
}
