import type { EventLoop } from '../loop/loop.ts'
import { Future } from './future.ts'
import { type WaitDetails, waitDetails } from './wait-details.ts'

/**
 * A future that describes itself: `snapshot()` and `why()` call the function `details` when they describe a task that
 * awaits this future. Each such future holds a closure, so use this class only for waits that are not frequent.
 *
 * @example
 *     const host = 'db.example'
 *     const details = () => ({ kind: 'socket', label: `a connection to ${host}` })
 *     const connected = new DetailedFuture<void>(details)
 *     const task = createTask(() => connected, { name: 'query' })
 *     await sleep(1)
 *     console.log(why(task)) // query waits for a connection to db.example
 *     connected.setResult()
 */
export class DetailedFuture<T> extends Future<T> {
  /** @internal the task tree shows this name; `Future` says more to a user than the name of this class */
  static override readonly name: string = 'Future'

  readonly #details: () => WaitDetails

  constructor(details: () => WaitDetails, options?: { loop?: EventLoop }) {
    super(options)
    this.#details = details
  }

  /** @internal */
  [waitDetails](): WaitDetails {
    return this.#details()
  }
}
