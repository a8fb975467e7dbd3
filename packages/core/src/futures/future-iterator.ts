import { capturesAwaitSites, noteYieldSite } from './await-sites.ts'
import type { Future } from './future.ts'

/**
 * What `yield*` of a future goes through: a pending future is handed to the driver of the generator, once, and
 * then its outcome is the value of the `yield*`; a done one needs no suspension.
 *
 * It is its own result object, and no generator: one small object for each wait.
 */
export class FutureIterator<T> {
  done: boolean | undefined = undefined
  /** The future, and in the end its result. */
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
