import { Future } from '@tasktree/core'

/** The value that an await of an AbandonableWait throws after `abandon()`. */
export const abandoned: unique symbol = Symbol('abandoned')

/**
 * A wait for a promise of user code. This class is not a Future, so a cancel of the task reaches the future that the
 * user code itself awaits. The wait ends when the promise settles, or when a kill calls `abandon()`.
 */
export class AbandonableWait implements PromiseLike<unknown> {
  #promise: PromiseLike<unknown> | null = null
  #reject: ((error: unknown) => void) | null = null

  begin(promise: PromiseLike<unknown>): this {
    this.#promise = promise
    return this
  }

  /** Called when code awaits this object; no other code calls it. */
  // oxlint-disable-next-line unicorn/no-thenable -- what makes it awaitable
  then<R, E>(
    onFulfilled?: ((value: unknown) => R | PromiseLike<R>) | null,
    onRejected?: ((error: unknown) => E | PromiseLike<E>) | null,
  ): PromiseLike<R | E> {
    this.#reject = onRejected as (error: unknown) => void
    return (this.#promise as PromiseLike<unknown>).then(onFulfilled, onRejected)
  }

  end(): void {
    this.#promise = null
    this.#reject = null
  }

  /**
   * Ends the wait by throwing `abandoned` in the waiting code. Returns the promise that this code awaited, or null when
   * it awaited no promise.
   */
  abandon(): PromiseLike<unknown> | null {
    const promise = this.#promise
    const reject = this.#reject
    this.end()
    reject?.(abandoned)
    return promise
  }
}

/**
 * Wraps a Future in an async function of the task, so that a cancel of the task reaches the future. Returns any other
 * promise unchanged.
 */
export function inTask(promise: PromiseLike<unknown>): PromiseLike<unknown> {
  return promise instanceof Future ? (async () => promise)() : promise
}
