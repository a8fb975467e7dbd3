import { Line } from './line.ts'
import type { Waiter } from './waiter.ts'

/** A line of waiters, each of which takes what it waits for in its own turn. */
export class WaiterQueue<T, A = undefined> extends Line<Waiter<T, A>> {
  /** Takes the first out of the line and gives it its turn; false when nobody stands in it. */
  wakeNext(): boolean {
    for (let waiter = this.shift(); waiter !== null; waiter = this.shift()) {
      if (waiter.wake()) return true
    }
    return false
  }

  /** Ends everyone's wait with `result`. */
  endAll(result: T): void {
    for (let waiter = this.shift(); waiter !== null; waiter = this.shift()) {
      waiter.setResult(result)
    }
  }
}
