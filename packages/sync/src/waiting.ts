import { Future } from '@tasktree/core'

/** A wait with nothing to take: one of a set, which it leaves at once when it is cancelled. */
export class Waiting<T> extends Future<T> {
  readonly #waiters: Set<Waiting<T>>

  constructor(waiters: Set<Waiting<T>>) {
    super()
    this.#waiters = waiters
    waiters.add(this)
  }

  override cancel(msg?: Parameters<Future<T>['cancel']>[0]): boolean {
    this.#waiters.delete(this)
    return super.cancel(msg)
  }
}
