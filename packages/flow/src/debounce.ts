import { checkBody, checkDuration } from '@tasktree/core/lowlevel'
import { coalesce } from './coalesce.ts'

/**
 * Returns a function that calls `fn` only after no call has come for `ms` milliseconds. `fn` gets the arguments of the
 * last call, and all callers get its outcome. If a caller is cancelled, the others still get the outcome. If all
 * callers are cancelled, `fn` is not called, or its call is cancelled.
 *
 * @throws {TypeError} when `fn` is not a function
 * @throws {RangeError} when `ms` is negative or NaN
 *
 * @example
 *     const search = debounce(async (text: string) => {
 *       console.log('searches for', text) // searches for task
 *       return text.length
 *     }, 10)
 *     console.log(await gather([search('t'), search('ta'), search('task')])) // [ 4, 4, 4 ]
 */
export function debounce<A extends unknown[], R>(
  fn: (...args: A) => PromiseLike<R>,
  ms: number,
  options?: { signal?: AbortSignal },
): (...args: A) => Promise<R> {
  checkBody('debounce', fn)
  checkDuration('the delay of debounce', ms)
  return coalesce(fn, (now) => now + ms, options)
}
