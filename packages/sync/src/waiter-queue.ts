import { Claim } from '@tasktree/core/lowlevel'

/**
 * One place in a line: a Claim that knows its neighbours, so that a cancelled one leaves at once and a
 * million can be cancelled in linear time.
 */
export abstract class Waiter<T> extends Claim<T> {
  /** The line it stands in, null when in none. */
  line: WaiterQueue<T> | null = null
  nextInLine: Waiter<T> | null = null
  previousInLine: Waiter<T> | null = null

  override cancel(msg?: Parameters<Claim<T>['cancel']>[0]): boolean {
    if (!super.cancel(msg)) return false
    // After the wake-up it keeps its place until its turn, in which it declines.
    if (!this.isWoken()) this.line?.remove(this)
    return true
  }
}

/** A line of waiters, first in, first out. */
export class WaiterQueue<T> {
  #first: Waiter<T> | null = null
  #last: Waiter<T> | null = null
  #size = 0

  get size(): number {
    return this.#size
  }

  first(): Waiter<T> | null {
    return this.#first
  }

  push(waiter: Waiter<T>): void {
    waiter.line = this
    waiter.previousInLine = this.#last
    waiter.nextInLine = null
    if (this.#last === null) this.#first = waiter
    else this.#last.nextInLine = waiter
    this.#last = waiter
    this.#size++
  }

  remove(waiter: Waiter<T>): void {
    if (waiter.line !== this) return
    const { nextInLine, previousInLine } = waiter
    if (previousInLine === null) this.#first = nextInLine
    else previousInLine.nextInLine = nextInLine
    if (nextInLine === null) this.#last = previousInLine
    else nextInLine.previousInLine = previousInLine
    waiter.line = null
    waiter.nextInLine = null
    waiter.previousInLine = null
    this.#size--
  }

  /** Takes the first out of the line and gives it its turn; false when nobody stands in it. */
  wakeNext(): boolean {
    for (let waiter = this.#first; waiter !== null; waiter = this.#first) {
      this.remove(waiter)
      if (waiter.wake()) return true
    }
    return false
  }
}
