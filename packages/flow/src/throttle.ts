import { getEventLoop } from '@tasktree/core'
import { checkBody, checkDuration, checkOptions } from '@tasktree/core/lowlevel'
import { runWithSignal } from './child.ts'
import { SharedWork } from './shared-work.ts'
import { sleepUntil } from './sleep-until.ts'

/** The call that waits until it may begin, and its arguments. */
interface NextCall<A, R> {
  readonly work: SharedWork<R>
  args: A
}

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
  checkOptions(options)
  let next: NextCall<A, R> | null = null
  let lastBegin = -Infinity
  return (...args) =>
    runWithSignal(options?.signal, () => {
      if (next !== null) {
        next.args = args
        return next.work.join()
      }
      const end = (): void => {
        if (next === own) next = null
      }
      const work: SharedWork<R> = new SharedWork<R>(async (): Promise<R> => {
        const loop = getEventLoop()
        // A time in the future is one of another clock: the process has more than one when time is virtual.
        const mayBegin = lastBegin > loop.time() ? -Infinity : lastBegin + ms
        await sleepUntil(loop, () => mayBegin)
        end()
        lastBegin = loop.time()
        return fn(...own.args)
      }, end)
      const own: NextCall<A, R> = { work, args }
      next = own
      return work.join()
    })
}
