import { Future } from '@tasktree/core'

/** Code that awaits an AbandonableWait gets this value as an error when `abandon()` is called. */
export const abandoned: unique symbol = Symbol('abandoned')

/**
 * A wait for a promise of user code. This class is not a Future, so a cancel of the task does not end this wait, but
 * reaches the Future that the user code itself awaits. The wait ends when the promise settles, or when `abandon()` is
 * called.
 */
export class AbandonableWait implements PromiseLike<unknown> {
  #promise: PromiseLike<unknown> | null = null
  #reject: ((error: unknown) => void) | null = null

  begin(promise: PromiseLike<unknown>): this {
    this.#promise = promise
    return this
  }

  /** Called by the language when code awaits this object. No other code calls this method. */
  // oxlint-disable-next-line unicorn/no-thenable -- this method makes the object awaitable
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
 * If `promise` is a Future, returns the native promise of an async function that awaits the Future in the current task.
 * So a cancel of the task reaches the Future. Returns any other promise unchanged.
 */
export function inTask(promise: PromiseLike<unknown>): PromiseLike<unknown> {
  return promise instanceof Future ? (async () => promise)() : promise
}
