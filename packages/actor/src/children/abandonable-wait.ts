import { Future } from '@tasktree/core'

/** Thrown into the wait for something that is given up. */
export const abandoned: unique symbol = Symbol('abandoned')

/**
 * The wait for what a handler returned. It is no future: a cancel of the actor's task goes to what the handler
 * itself awaits, and not to this wait, which ends when the handler has, or when it is given up.
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

/** A future of ours is awaited by the actor's own task, so that a cancel reaches it; a plain promise as it is. */
export function inTask(promise: PromiseLike<unknown>): PromiseLike<unknown> {
  return promise instanceof Future ? (async () => promise)() : promise
}
