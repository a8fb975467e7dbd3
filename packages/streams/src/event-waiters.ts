import type { Future } from '@tasktree/core'
import { cancelOnAbort, DetailedFuture, type WaitDetails } from '@tasktree/core/lowlevel'

/** The option of every operation that may wait. */
export interface WaitOptions {
  /** A signal that cancels the wait when it aborts. */
  signal?: AbortSignal | undefined
}

/** The waiters for one event. Each has a separate future, so that cancelling one wait does not affect the others. */
export class EventWaiters {
  readonly #futures = new Set<Future<void>>()
  readonly #details: () => WaitDetails

  /** @param details a function that returns what the waiters wait for, for `why()` of core */
  constructor(details: () => WaitDetails) {
    this.#details = details
  }

  async wait(options?: WaitOptions): Promise<void> {
    const future = new DetailedFuture<void>(this.#details)
    this.#futures.add(future)
    try {
      await cancelOnAbort(future, options?.signal)
    } finally {
      this.#futures.delete(future)
    }
  }

  /** Ends every wait. With `error`, the waits fail with that error. */
  wake(error: Error | null = null): void {
    for (const future of this.#futures) {
      if (future.done()) continue
      if (error === null) future.setResult()
      else future.setException(error)
    }
    this.#futures.clear()
  }
}
