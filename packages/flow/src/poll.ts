import { sleep, timeout as withTimeout } from '@tasktree/core'
import { checkBody, checkDuration } from '@tasktree/core/lowlevel'
import { requireOptions } from './check-options.ts'
import { cancelsSoFar, throwCancel } from './cancels.ts'
import { runWithSignal } from './run-child.ts'

export interface PollOptions {
  /** Milliseconds between the end of one call and the beginning of the next. */
  interval: number
  /** After this many milliseconds a TimeoutError is thrown; by default never. */
  timeout?: number | undefined
  /** An abort of this signal cancels the call. Meant for code outside of a task. */
  signal?: AbortSignal | undefined
}

/**
 * Calls `fn` again and again until it returns a value other than undefined, and returns that value. The first call is
 * made at once. An error of `fn` ends the polling; to continue after errors, pass a function that calls `retry`.
 *
 * @throws {TypeError} when `fn` is not a function, or `interval` not a number
 * @throws {RangeError} when `interval` or `timeout` is negative or NaN
 *
 * @example
 *     let looks = 0
 *     const state = await poll(async () => (++looks < 3 ? undefined : 'ready'), { interval: 5 })
 *     console.log(state, looks) // ready 3
 */
export function poll<T>(fn: () => PromiseLike<T | undefined>, options: PollOptions): Promise<T> {
  checkBody('poll', fn)
  requireOptions('poll', '{ interval }', options)
  const { timeout, signal } = options
  const interval = checkDuration('the option interval', options.interval)
  if (timeout !== undefined) checkDuration('the option timeout', timeout)
  const ask = async (): Promise<T> => {
    const before = cancelsSoFar()
    for (;;) {
      const value = await fn()
      if (value !== undefined) return value
      // `fn` may have caught the CancelledError of a cancel. Then it must not be called again.
      if (cancelsSoFar() > before) await throwCancel()
      await sleep(interval)
    }
  }
  return runWithSignal(signal, () => (timeout === undefined ? ask() : withTimeout(timeout, ask)))
}
