import { checkBody } from '@tasktree/core/lowlevel'
import { checkSource, type Source } from './pump.ts'
import { type WorkOptions, callForEachItem } from './call-for-each-item.ts'

type Mapped<T extends readonly unknown[], R> = { -readonly [K in keyof T]: R }

/**
 * Calls `fn` for each item, and returns the results of the calls in the order of the items. At most `concurrency` calls
 * (Infinity by default) run at the same time. Each call runs in a child task, and context variables that it sets do not
 * reach the other calls. The next item is taken from `items` only when another call may begin. An item that is a
 * promise is awaited first.
 *
 * The first failure cancels the other calls and closes `items`. It is thrown when all calls have ended. If a cancelled
 * call throws another error meanwhile, that error goes to the exception handler of the loop. With `stopOnError: false`
 * the failures of all items are thrown as one ExceptionGroup, in the order of the items. A cancel of the caller reaches
 * every call.
 *
 * @throws {TypeError} when `items` cannot be iterated, or `fn` is not a function
 * @throws {RangeError} when `concurrency` is neither a whole number of at least 1 nor Infinity
 *
 * @example
 *     const sizes = await map(['a', 'bb', 'ccc'], (text) => sleep(5, text.length), { concurrency: 2 })
 *     console.log(sizes) // [ 1, 2, 3 ]
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
    // Fills the places before `index`, because V8 reads an array with empty places more slowly. The calls for these
    // places may end later.
    while (results.length < index) results.push(undefined)
    results[index] = result
  }
  return callForEachItem(items, fn, options, done).then(() => results as R[])
}
