import { Future } from '@tasktree/core'

/** The calls that wait for an answer of the server. When the connection is lost they fail, because no answer will come. */
export class Pending {
  readonly #futures = new Set<Future<unknown>>()
  /** Why no call can be made now; null while there is a connection. */
  #lost: Error | null = null

  /**
   * Makes a call of the client, and returns a future of its outcome. After a cancel of the future the outcome is ignored,
   * because the client has no way to cancel a call.
   */
  follow<T>(call: () => Promise<T>): Future<T> {
    const future = new Future<T>()
    if (this.#lost !== null) {
      future.setException(this.#lost)
      return future
    }
    this.#futures.add(future)
    call().then(
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

  /** Called when the connection is lost: fails the calls that wait, and every call that is made before `goOn`. */
  fail(error: Error): void {
    this.#lost = error
    for (const future of this.#futures) if (!future.done()) future.setException(error)
    this.#futures.clear()
  }

  /** Called when the connection is back. */
  goOn(): void {
    this.#lost = null
  }
}
