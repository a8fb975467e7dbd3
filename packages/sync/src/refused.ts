import { Future } from '@tasktree/core'
import { abortError, checkOptions } from '@tasktree/core/lowlevel'

/**
 * What a wait returns whose signal has aborted before it began, so that it takes nothing; else null.
 * Asked before anyone stands in line: a wrong option must not leave a waiter behind.
 *
 * @throws {TypeError} for options that are none
 */
export function refused(options: { signal?: AbortSignal } | undefined): Future<never> | null {
  checkOptions(options)
  const signal = options?.signal
  if (signal?.aborted !== true) return null
  const future = new Future<never>()
  future.cancel(abortError(signal))
  return future
}
