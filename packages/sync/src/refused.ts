import { Future } from '@tasktree/core'
import { abortError, checkOptions } from '@tasktree/core/lowlevel'

/**
 * Returns a cancelled future if `options.signal` has aborted already, so that the wait takes nothing; otherwise null.
 * Every wait calls this before it joins a line, because wrong options must not leave a waiter behind.
 *
 * @throws {TypeError} when the options are not an object, or the signal is not an AbortSignal
 */
export function refused(options: { signal?: AbortSignal } | undefined): Future<never> | null {
  checkOptions(options)
  const signal = options?.signal
  if (signal?.aborted !== true) return null
  const future = new Future<never>()
  future.cancel(abortError(signal))
  return future
}
