import { Future } from '@tasktree/core'

/** What a wait throws when it is given up. */
export const abandoned: unique symbol = Symbol('abandoned')

/**
 * The wait for a promise of user code. It is not a Future, so a cancel of the task goes to what the user code itself awaits.
 * The wait ends when the promise settles, or when a kill gives it up.
 */
export class AbandonableWait implements PromiseLike<unknown> {
  #promise: PromiseLike<unknown> | null = null
  #reject: ((error: unknown) => void) | null = null

  begin(promise: PromiseLike<unknown>): this {
    this.#promise = promise
    return this
  }

  /** Called by `await` only. */
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

  /** Gives up what is awaited, and returns it; null when nothing is. */
  abandon(): PromiseLike<unknown> | null {
    const promise = this.#promise
    const reject = this.#reject
    this.end()
    reject?.(abandoned)
    return promise
  }
}

/** Makes the task itself wait on a Future, so that a cancel of the task reaches it. Another promise stays as it is. */
export function inTask(promise: PromiseLike<unknown>): PromiseLike<unknown> {
  return promise instanceof Future ? (async () => promise)() : promise
}
