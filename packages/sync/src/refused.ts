import { Future } from '@tasktree/core'
import { abortError, describe } from '@tasktree/core/lowlevel'

/**
 * What a wait returns whose signal has aborted before it began, so that it takes nothing; else null.
 * Asked before anyone stands in line: a wrong option must not leave a waiter behind.
 */
export function refused(options: { signal?: AbortSignal } | undefined): Future<never> | null {
  if (options === undefined) return null
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(
      `the options must be an object such as { signal }, got ${describe(options)}`,
    )
  }
  const { signal } = options
  if (signal === undefined) return null
  if (typeof signal !== 'object' || signal === null || !('aborted' in signal)) {
    throw new TypeError(`the option signal must be an AbortSignal, got ${describe(signal)}`)
  }
  if (!signal.aborted) return null
  const future = new Future<never>()
  future.cancel(abortError(signal))
  return future
}
