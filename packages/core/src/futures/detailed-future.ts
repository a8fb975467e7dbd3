import type { EventLoop } from '../loop/loop.ts'
import { Future } from './future.ts'
import { type WaitDetails, waitDetails } from './wait-details.ts'

/**
 * A future that tells what a wait for it is for. For waits that are not frequent, because each one has a closure.
 *
 * @example
 *     const connected = new DetailedFuture<void>(() => ({ kind: 'socket', label: `a connection to ${host}` }))
 */
export class DetailedFuture<T> extends Future<T> {
  /** @internal the task tree shows it as what it is */
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
