import { currentFrame } from '../context/current.ts'
import { isResolver } from './recognize-await.ts'
import type { Reject, Resolve } from './awaiter.ts'
import type { Future } from './future.ts'

/**
 * The promise that `catch`, `finally` and `then` with callbacks return for a future.
 *
 * Problem: `await sleep(1_000).catch(log)` waits on a promise and not on the future. If that promise were a native
 * promise, a cancel of the task would not reach the sleep.
 *
 * Idea: this promise knows the future on which the first of the chained calls was made, here the sleep. In a task, an
 * `await` of this promise counts as a wait for that future. So a cancel of the task cancels the future, as it does for
 * `await sleep(1_000)`. The callbacks then run as in `try { await sleep(1_000) } catch`.
 *
 * Without an `await`, the task does not wait: a cancel of a task that has called `other.catch(log)` does not reach the
 * task `other`.
 */
export class ChainedPromise<T> extends Promise<T> {
  /** `console.log` shows a promise by the name of its class, so a promise of this class looks like any other. */
  static override readonly name: string = 'Promise'

  #future: Future<unknown> | null = null

  /**
   * Returns a promise for `future`. `begin` is called at once with the two functions that settle the promise. `begin`
   * must make sure that one of the two is called when `future` has ended.
   */
  static of<T>(future: Future<T>, begin: (resolve: Resolve, reject: Reject) => void): Promise<T> {
    const promise = new ChainedPromise<T>((resolve, reject) => begin(resolve as Resolve, reject))
    promise.#future = future
    return promise
  }

  // oxlint-disable-next-line unicorn/no-thenable -- an `await` calls this method, so the wait is noticed here
  override then<R = T, E = never>(
    onFulfilled?: ((value: T) => R | PromiseLike<R>) | null,
    onRejected?: ((error: unknown) => E | PromiseLike<E>) | null,
  ): Promise<R | E> {
    const future = this.#future
    if (future?.done() === false && isResolver(onFulfilled) && isResolver(onRejected)) {
      const frame = currentFrame()
      if (frame !== null && (frame.task as unknown) === future) {
        const refusal = future.refuseOwnTask()
        return frame.beginAwait(refusal, onFulfilled as Resolve, onRejected as Reject) as never
      }
      if (frame !== null) {
        const settled = (end: Resolve, fail: Reject): unknown => this.#chain(end, fail)
        return frame.beginChainedAwait(
          future,
          settled,
          onFulfilled as Resolve,
          onRejected as Reject,
        ) as Promise<R | E>
      }
    }
    return this.#chain(onFulfilled, onRejected)
  }

  override catch<E = never>(
    onRejected?: ((error: unknown) => E | PromiseLike<E>) | null,
  ): Promise<T | E> {
    return this.#chain(undefined, onRejected)
  }

  override finally(onFinally?: (() => void) | null): Promise<T> {
    if (typeof onFinally !== 'function') return this.#chain()
    // By its type, `onFinally` returns nothing. But it may return a promise, and then that promise is awaited.
    const callback: () => unknown = onFinally
    return this.#chain(
      async (value) => {
        await callback()
        return value
      },
      async (error: unknown) => {
        await callback()
        throw error
      },
    )
  }

  /** Does what `then` of a native promise does. The returned promise also knows the future of this promise. */
  #chain<R = T, E = never>(
    onFulfilled?: ((value: T) => R | PromiseLike<R>) | null,
    onRejected?: ((error: unknown) => E | PromiseLike<E>) | null,
  ): Promise<R | E> {
    const chained = super.then(onFulfilled, onRejected) as ChainedPromise<R | E>
    chained.#future = this.#future
    return chained
  }
}

/**
 * Awaits `awaitable`. If it is a future, or a promise that was made from a future, the wait belongs to the task or scope
 * in which this function was called, so a cancel of that task or scope ends the wait.
 */
export async function awaitHere<T>(awaitable: PromiseLike<T>): Promise<T> {
  return await awaitable
}
