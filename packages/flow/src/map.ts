import { checkBody } from '@tasktree/core/lowlevel'
import { checkSource, type Source } from './pump.ts'
import { type WorkOptions, workThrough } from './work-through.ts'

type Mapped<T extends readonly unknown[], R> = { -readonly [K in keyof T]: R }

/**
 * Calls `fn` for each item and gives the results of the calls, in the order of the items. At most `concurrency` calls
 * (Infinity by default) run at the same time, each in a child task, with context variables of its own. The next item is
 * taken from `items` only when there is room for its call. An item that is a promise is awaited first.
 *
 * The first failure cancels the other calls and closes `items`. It is thrown when all of them have ended; errors that
 * they throw in the meantime go to the loop's exception handler. With `stopOnError: false` the failures of all items are thrown as
 * one ExceptionGroup, in the order of the items. A cancel of the caller reaches every call.
 *
 * @throws {TypeError} when `items` cannot be iterated, or `fn` is not a function
 * @throws {RangeError} when `concurrency` is neither a whole number of at least 1 nor Infinity
 */
export function map<const T extends readonly unknown[], R>(
  items: T,
  fn: (item: Awaited<T[number]>, index: number) => PromiseLike<R>,
  options?: WorkOptions,
): Promise<Mapped<T, R>>
export function map<T, R>(
  items: Source<T>,
  fn: (item: T, index: number) => PromiseLike<R>,
  options?: WorkOptions,
): Promise<R[]>
export function map<T, R>(
  items: Source<T>,
  fn: (item: T, index: number) => PromiseLike<R>,
  options?: WorkOptions,
): Promise<R[]> {
  checkSource('map', items)
  checkBody('map', fn)
  const results: (R | undefined)[] = []
  const done = (result: R, index: number): void => {
    // The array stays dense, even if the last call is the first to end.
    while (results.length < index) results.push(undefined)
    results[index] = result
  }
  return workThrough(items, fn, options, done).then(() => results as R[])
}
