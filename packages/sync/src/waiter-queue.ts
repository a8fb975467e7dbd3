import { Claim } from '@tasktree/core/lowlevel'
import { Line, type Link } from './line.ts'

/** A Claim that stands in a line, and leaves it at once when it is cancelled. */
export abstract class Waiter<T> extends Claim<T> implements Link<Waiter<T>> {
  line: Line<Waiter<T>> | null = null
  nextInLine: Waiter<T> | null = null
  previousInLine: Waiter<T> | null = null

  override cancel(msg?: Parameters<Claim<T>['cancel']>[0]): boolean {
    if (!super.cancel(msg)) return false
    // After the wake-up it keeps its place until its turn, in which it declines.
    if (!this.isWoken()) this.line?.remove(this)
    return true
  }
}

/** A line of waiters, each of which takes what it waits for in its own turn. */
export class WaiterQueue<T> extends Line<Waiter<T>> {
  /** Takes the first out of the line and gives it its turn; false when nobody stands in it. */
  wakeNext(): boolean {
    for (let waiter = this.shift(); waiter !== null; waiter = this.shift()) {
      if (waiter.wake()) return true
    }
    return false
  }
}
