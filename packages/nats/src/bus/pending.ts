import { Future } from '@tasktree/core'

/** The calls that wait for an answer of the server. When the connection is lost they fail, because no answer will come. */
export class Pending {
  readonly #futures = new Set<Future<unknown>>()

  /**
   * Returns a future with the outcome of a promise of the client. After a cancel of the future the promise is ignored,
   * because the client has no way to cancel it.
   */
  follow<T>(promise: Promise<T>): Future<T> {
    const future = new Future<T>()
    this.#futures.add(future)
    promise.then(
      (value) => {
        this.#futures.delete(future)
        if (!future.done()) future.setResult(value)
      },
      (error: unknown) => {
        this.#futures.delete(future)
        if (!future.done()) future.setException(error)
      },
    )
    return future
  }

  fail(error: Error): void {
    for (const future of this.#futures) if (!future.done()) future.setException(error)
    this.#futures.clear()
  }
}
