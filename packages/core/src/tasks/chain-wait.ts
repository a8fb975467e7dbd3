import { type CancelledError, isCancelled } from '../errors/errors.ts'
import type { Reject, Resolve } from '../futures/awaiter.ts'
import { DetailedFuture } from '../futures/detailed-future.ts'
import type { Future } from '../futures/future.ts'
import { detailsOf } from '../futures/wait-details.ts'

/**
 * The wait of a task for a chain of promises that begins at a future: `await future.catch(log)`. This wait ends with
 * the outcome of the chain. A cancel of this wait cancels the future, and the callbacks of the chain then decide how
 * the chain ends. If a cancel comes after the future has ended, it is delivered at the next wait of the task. The
 * reason is that the callbacks have got the result already: if the result is an acquired lock, that lock would be lost.
 */
export class ChainWait extends DetailedFuture<unknown> {
  readonly #future: Future<unknown>

  /** `settled` calls one of its two arguments when the chain has ended. */
  constructor(future: Future<unknown>, settled: (end: Resolve, fail: Reject) => unknown) {
    super(() => detailsOf(future), { loop: future.getLoop() })
    this.#future = future
    settled(
      (value) => this.fulfill(value),
      (error) => {
        if (isCancelled(error)) this.endCancelled(error)
        else this.fail(error)
      },
    )
  }

  override cancel(message?: string | CancelledError): boolean {
    return !this.done() && this.#future.cancel(message)
  }
}
