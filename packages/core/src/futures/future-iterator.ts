import { capturesAwaitSites, noteYieldSite } from './await-sites.ts'
import type { Future } from './future.ts'

/**
 * The iterator that `yield* future` uses. If the future is pending, the iterator yields the future once, to the code
 * that runs the generator; that code resumes the generator when the future has ended. The `yield*` then gives the
 * result of the future, or throws its error. If the future is done already, the iterator yields nothing, so the
 * generator is not suspended.
 *
 * The iterator is also the result object that `next()` returns, so each wait makes one small object and no generator.
 */
export class FutureIterator<T> {
  done: boolean | undefined = undefined
  /** The future, until the iterator is done; after that, the value that the iterator has returned. */
  value: unknown

  constructor(future: Future<T>) {
    this.value = future
  }

  next(): this {
    const future = this.value as Future<T>
    if (this.done === true) this.value = undefined
    else if (this.done === undefined && !future.done()) {
      this.done = false
      if (capturesAwaitSites() || future.getLoop().monitor !== null) noteYieldSite(future)
    } else {
      this.done = true
      this.value = undefined
      this.value = future.result()
    }
    return this
  }

  throw(error: unknown): never {
    this.done = true
    this.value = undefined
    throw error
  }

  return(value: unknown): this {
    this.done = true
    this.value = value
    return this
  }

  [Symbol.iterator](): this {
    return this
  }
}
