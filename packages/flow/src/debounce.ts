import { getEventLoop } from '@tasktree/core'
import { checkBody, checkDuration, checkOptions } from '@tasktree/core/lowlevel'
import { runWithSignal } from './child.ts'
import { SharedWork } from './shared-work.ts'
import { sleepUntil } from './sleep-until.ts'

/** Calls that are one call: its arguments, and the time when it is made. */
interface Burst<A, R> {
  readonly work: SharedWork<R>
  args: A
  due: number
}

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
  checkOptions(options)
  let burst: Burst<A, R> | null = null
  return (...args) =>
    runWithSignal(options?.signal, () => {
      const now = getEventLoop().time()
      if (burst !== null) {
        burst.args = args
        burst.due = now + ms
        return burst.work.join()
      }
      const end = (): void => {
        if (burst === own) burst = null
      }
      const work: SharedWork<R> = new SharedWork<R>(async (): Promise<R> => {
        // Later calls move the end of the wait. A timer for each of them would cost more.
        await sleepUntil(getEventLoop(), () => own.due)
        end()
        return fn(...own.args)
      }, end)
      const own: Burst<A, R> = { work, args, due: now + ms }
      burst = own
      return work.join()
    })
}
