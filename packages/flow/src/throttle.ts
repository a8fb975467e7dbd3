import { getEventLoop } from '@tasktree/core'
import { checkBody, checkDuration } from '@tasktree/core/lowlevel'
import { coalesce } from './coalesce.ts'

/**
 * A function that begins at most once in `ms` milliseconds. The first call begins at once. Calls that come too early are
 * one call, which begins when it may, with the arguments of the last of them; all of them get its outcome. A caller that is
 * cancelled leaves; when all have left, the function is not called, or is cancelled.
 *
 * @throws {TypeError} when `fn` is not a function
 * @throws {RangeError} when `ms` is negative or NaN
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
    // A time in the future is one of another clock: the process has more than one when time is virtual.
    (now) => (lastBegin > now ? now : lastBegin + ms),
    options,
  )
}
