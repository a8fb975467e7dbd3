import { type CancelledError, isCancelled } from '../errors/errors.ts'
import type { Reject, Resolve } from '../futures/awaiter.ts'
import { DetailedFuture } from '../futures/detailed-future.ts'
import type { Future } from '../futures/future.ts'
import { detailsOf } from '../futures/wait-details.ts'

/**
 * The future on which a task waits in `await future.catch(log)`, where the awaited promise was made from a future by
 * `then`, `catch` or `finally`. It ends with the outcome of that promise. A cancel of it cancels the first future
 * (`future` in the example), and the callbacks, here `log`, then decide how the promise ends. If a cancel comes after
 * the first future has ended, the next wait of the task throws it. The reason is that the callbacks have got the result
 * already: if the result is an acquired lock, that lock would be lost.
 */
export class ChainWait extends DetailedFuture<unknown> {
  readonly #future: Future<unknown>

  /** `settled` calls one of its two arguments when the awaited promise has settled. */
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
