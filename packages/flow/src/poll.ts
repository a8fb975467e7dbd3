import { sleep, timeout as withTimeout } from '@tasktree/core'
import { checkBody, checkDuration } from '@tasktree/core/lowlevel'
import { requireOptions } from './check-options.ts'
import { runWithSignal } from './child.ts'

export interface PollOptions {
  /** Milliseconds between the end of one call and the beginning of the next. */
  interval: number
  /** After this many milliseconds a TimeoutError is thrown; by default never. */
  timeout?: number | undefined
  /** Its abort cancels the call, for code outside of a task. */
  signal?: AbortSignal | undefined
}

/**
 * Calls `fn`, at first at once, until it gives something other than undefined, and gives that. An error of `fn` ends it:
 * to go on after errors, poll a `retry`.
 *
 * @throws {TypeError} when `fn` is not a function, or `interval` not a number
 * @throws {RangeError} when `interval` or `timeout` is negative or NaN
 */
export function poll<T>(fn: () => PromiseLike<T | undefined>, options: PollOptions): Promise<T> {
  checkBody('poll', fn)
  requireOptions('poll', '{ interval }', options)
  const { timeout, signal } = options
  const interval = checkDuration('the option interval', options.interval)
  if (timeout !== undefined) checkDuration('the option timeout', timeout)
  const ask = async (): Promise<T> => {
    for (;;) {
      const value = await fn()
      if (value !== undefined) return value
      await sleep(interval)
    }
  }
  return runWithSignal(signal, () => (timeout === undefined ? ask() : withTimeout(timeout, ask)))
}
