import { Future } from '@tasktree/core'
import { cancelOnAbort } from '@tasktree/core/lowlevel'

/** The option that every operation that waits takes. */
export interface WaitOptions {
  /** Ends the wait as cancelled when it aborts. */
  signal?: AbortSignal | undefined
}

/** Those who wait for one event, each with a future of its own, so that cancelling one leaves the others. */
export class Waiters {
  readonly #futures = new Set<Future<void>>()

  get size(): number {
    return this.#futures.size
  }

  async wait(options?: WaitOptions): Promise<void> {
    const future = new Future<void>()
    this.#futures.add(future)
    try {
      await cancelOnAbort(future, options?.signal)
    } finally {
      this.#futures.delete(future)
    }
  }

  /** Ends every wait, with `error` when there is one. */
  wake(error: Error | null = null): void {
    for (const future of this.#futures) {
      if (future.done()) continue
      if (error === null) future.setResult()
      else future.setException(error)
    }
    this.#futures.clear()
  }
}
