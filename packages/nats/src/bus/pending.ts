import { Future } from '@tasktree/core'

/** The answers of the server that somebody waits for. When the connection is lost they fail, because none will come. */
export class Pending {
  readonly #futures = new Set<Future<unknown>>()

  /**
   * Follows a promise of the client. A cancel gives the promise up: the client cannot be told, and what becomes of the
   * promise then is nobody's loss.
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
