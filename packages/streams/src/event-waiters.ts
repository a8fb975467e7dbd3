import type { Future } from '@tasktree/core'
import { cancelOnAbort, DetailedFuture, type WaitDetails } from '@tasktree/core/lowlevel'

/** The option that every operation that waits takes. */
export interface WaitOptions {
  /** Cancels the wait when it aborts. */
  signal?: AbortSignal | undefined
}

/** The waiters of one event. Each has a future of its own, so that cancelling one wait leaves the others. */
export class EventWaiters {
  readonly #futures = new Set<Future<void>>()
  readonly #details: () => WaitDetails

  /** @param details what a wait for the event is for */
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

  /** Ends every wait; with `error`, if there is one. */
  wake(error: Error | null = null): void {
    for (const future of this.#futures) {
      if (future.done()) continue
      if (error === null) future.setResult()
      else future.setException(error)
    }
    this.#futures.clear()
  }
}
