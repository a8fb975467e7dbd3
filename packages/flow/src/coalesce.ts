import { getEventLoop } from '@tasktree/core'
import { checkOptions } from '@tasktree/core/lowlevel'
import { runWithSignal } from './child.ts'
import { SharedWork } from './shared-work.ts'
import { sleepUntil } from './sleep-until.ts'

/** Several calls that are one call. */
interface NextCall<A, R> {
  readonly work: SharedWork<R>
  /** The arguments of the latest of them. */
  args: A
  /** When it begins, in milliseconds of the loop's clock. */
  due: number
}

/**
 * A function whose calls are one call until that begins: the common part of `debounce` and `throttle`. `due` says when it
 * begins, and is asked at each call.
 */
export function coalesce<A extends unknown[], R>(
  fn: (...args: A) => PromiseLike<R>,
  due: (now: number) => number,
  options: { signal?: AbortSignal } | undefined,
): (...args: A) => Promise<R> {
  checkOptions(options)
  let next: NextCall<A, R> | null = null

  const plan = (args: A): NextCall<A, R> => {
    const forget = (): void => {
      if (next === call) next = null
    }
    const work: SharedWork<R> = new SharedWork<R>(async (): Promise<R> => {
      // Later calls may move the time. A timer for each of them would cost more.
      await sleepUntil(getEventLoop(), () => call.due)
      forget()
      return fn(...call.args)
    }, forget)
    const call: NextCall<A, R> = { work, args, due: 0 }
    return call
  }

  return (...args) =>
    runWithSignal(options?.signal, () => {
      next ??= plan(args)
      next.args = args
      next.due = due(getEventLoop().time())
      return next.work.join()
    })
}
