import { checkBody } from '@tasktree/core/lowlevel'
import { checkSource, type Source } from './pump.ts'
import { type WorkOptions, callForEachItem } from './call-for-each-item.ts'

/**
 * Calls `fn` for each item, as `map` does, but does not keep the results. So `items` may have no end, if `concurrency`
 * has a limit.
 *
 * @throws {TypeError} when `items` cannot be iterated, or `fn` is not a function
 * @throws {RangeError} when `concurrency` is neither a whole number of at least 1 nor Infinity
 *
 * @example
 *     const pages = ['a', 'b', 'c']
 *     await forEach(pages, (page) => handle(page), { concurrency: 2 })
 */
export function forEach<T>(
  items: Source<T>,
  fn: (item: T, index: number) => PromiseLike<unknown>,
  options?: WorkOptions,
): Promise<void> {
  checkSource('forEach', items)
  checkBody('forEach', fn)
  return callForEachItem(items, fn, options, () => {})
}
