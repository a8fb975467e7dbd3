import { checkBody, checkDuration } from '@tasktree/core/lowlevel'
import { coalesce } from './coalesce.ts'

/**
 * A function that is called `ms` milliseconds after the last call of a burst, with the arguments of that call. All callers
 * of the burst get the outcome. A caller that is cancelled leaves; when all have left, the function is not called, or is
 * cancelled.
 *
 * @throws {TypeError} when `fn` is not a function
 * @throws {RangeError} when `ms` is negative or NaN
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
