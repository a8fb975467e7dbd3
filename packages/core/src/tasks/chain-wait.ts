import { type CancelledError, isCancelled } from '../errors/errors.ts'
import type { Reject, Resolve } from '../futures/awaiter.ts'
import { describeWait } from '../futures/describe-wait.ts'
import { DetailedFuture } from '../futures/detailed-future.ts'
import type { Future } from '../futures/future.ts'
import { detailsOf } from '../futures/wait-details.ts'

/**
 * In `await future.catch(log)`, the task waits on an object of this class. The awaited promise was made from a future
 * (the source) by `then`, `catch` or `finally`. The object ends with the outcome of this promise. A cancel of the
 * object cancels the source, and the callbacks, here `log`, then decide how the promise ends. If a cancel comes after
 * the source has ended, the `await` still gets the outcome of the promise, and the next wait of the task throws the
 * CancelledError. Otherwise a result that the callbacks have got already, such as an acquired lock, would be lost.
 */
export class ChainWait extends DetailedFuture<unknown> {
  readonly #future: Future<unknown>

  /**
   * `future` is the source. When the awaited promise has settled, `settled` must call one of its two arguments: `end`
   * with the value of the promise, or `fail` with its error.
   */
  constructor(future: Future<unknown>, settled: (end: Resolve, fail: Reject) => unknown) {
    super(() => ({ ...detailsOf(future), parts: [future] }), { loop: future.getLoop() })
    this.#future = future
    settled(
      (value) => this.fulfill(value),
      (error) => {
        if (isCancelled(error)) this.endCancelled(error)
        else this.fail(error)
      },
    )
  }

  get source(): Future<unknown> {
    return this.#future
  }

  override describeWait(): string {
    return describeWait(this.#future)
  }

  override cancel(message?: string | CancelledError): boolean {
    return !this.done() && this.#future.cancel(message)
  }
}
