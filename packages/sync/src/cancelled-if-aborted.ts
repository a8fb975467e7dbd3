import { Future } from '@tasktree/core'
import { abortError, checkOptions } from '@tasktree/core/lowlevel'

/**
 * Returns a cancelled future if `options.signal` has aborted already; otherwise null. Every operation that may wait
 * calls this function before it adds a waiter to a queue, because wrong options must not leave a waiter there.
 *
 * @throws {TypeError} when the options are not an object, or the signal is not an AbortSignal
 */
export function cancelledIfAborted(
  options: { signal?: AbortSignal } | undefined,
): Future<never> | null {
  checkOptions(options)
  const signal = options?.signal
  if (signal?.aborted !== true) return null
  const future = new Future<never>()
  future.cancel(abortError(signal))
  return future
}
