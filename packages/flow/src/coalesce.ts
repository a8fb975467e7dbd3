import { getEventLoop } from '@tasktree/core'
import { checkOptions } from '@tasktree/core/lowlevel'
import { runWithSignal } from './run-child.ts'
import { joinWork, SharedWork } from './shared-work.ts'
import { sleepUntil } from './sleep-until.ts'

/** The next call of the function, which stands for all calls of the user until it begins. */
interface NextCall<A, R> {
  readonly work: SharedWork<R>
  /** The arguments of the latest call of the user. */
  args: A
  /** The time at which the call begins, in milliseconds of the clock of the loop. */
  due: number
}

/**
 * Returns a function that joins several calls into one call of `fn`: all calls until that call of `fn` begins. This is
 * the common part of `debounce` and `throttle`.
 *
 * `due` is called at each call of the user with the time now. It returns the time at which `fn` is to be called.
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
      // Later calls of the user may change `call.due` while this sleep runs. A new timer for each of these calls would
      // cost more than one sleep that looks again.
      try {
        await sleepUntil(getEventLoop(), () => call.due)
      } finally {
        forget()
      }
      return fn(...call.args)
    }, forget)
    const call: NextCall<A, R> = { work, args, due: 0 }
    return call
  }

  return (...args) =>
    runWithSignal(options?.signal, () =>
      joinWork(() => {
        if (next === null || next.work.isOver) next = plan(args)
        next.args = args
        next.due = due(getEventLoop().time())
        return next.work
      }),
    )
}
