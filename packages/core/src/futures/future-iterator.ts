import { capturesAwaitSites, noteYieldSite } from './await-sites.ts'
import type { Future } from './future.ts'

/**
 * The iterator that `yield* future` uses. It passes a pending future once to the driver, which is the code that runs
 * the generator; after that, the value of the `yield*` is the outcome of the future. A future that is done already is
 * not passed to the driver, so the generator is not suspended.
 *
 * The iterator is also the result object that `next()` returns, so each wait makes one small object and no generator.
 */
export class FutureIterator<T> {
  done: boolean | undefined = undefined
  /** The future, until the iterator is done; after that, the result of the future. */
  value: unknown

  constructor(future: Future<T>) {
    this.value = future
  }

  next(): this {
    const future = this.value as Future<T>
    if (this.done === true) this.value = undefined
    else if (this.done === undefined && !future.done()) {
      this.done = false
      if (capturesAwaitSites() || future.getLoop().monitor !== null) noteYieldSite()
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
