import { getEventLoop } from '@tasktree/core'
import { checkBody, checkDuration } from '@tasktree/core/lowlevel'
import { coalesce } from './coalesce.ts'

/**
 * Returns a function that calls `fn` at most once in `ms` milliseconds. The first call is made at once. Calls that come
 * too early are joined into one call of `fn`, which is made as soon as `ms` milliseconds have passed, with the
 * arguments of the last of these calls. All their callers get its outcome. If a caller is cancelled, the others still
 * get the outcome. If all callers are cancelled, `fn` is not called, or its call is cancelled.
 *
 * @throws {TypeError} when `fn` is not a function
 * @throws {RangeError} when `ms` is negative or NaN
 *
 * @example
 *     const report = throttle(async (percent: number) => {
 *       console.log(percent) // 1, then 3
 *     }, 20)
 *     await report(1) // at once
 *     await gather([report(2), report(3)]) // one call, after 20 ms
 */
export function throttle<A extends unknown[], R>(
  fn: (...args: A) => PromiseLike<R>,
  ms: number,
  options?: { signal?: AbortSignal },
): (...args: A) => Promise<R> {
  checkBody('throttle', fn)
  checkDuration('the interval of throttle', ms)
  let lastBegin = -Infinity
  return coalesce(
    (...args: A) => {
      lastBegin = getEventLoop().time()
      return fn(...args)
    },
    // `lastBegin` can be later than `now` only if it comes from another clock, for example after a test with virtual
    // time. Then the call is made at once.
    (now) => (lastBegin > now ? now : lastBegin + ms),
    options,
  )
}
