import { Future } from '@tasktree/core'
import { abortError, describe } from '@tasktree/core/lowlevel'

/** @throws {TypeError} for options that are none, which async functions ask before they begin */
export function checkOptions(options: { signal?: AbortSignal } | undefined): void {
  if (options === undefined) return
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(
      `the options must be an object such as { signal }, got ${describe(options)}`,
    )
  }
  const { signal } = options
  if (signal === undefined) return
  if (typeof signal !== 'object' || signal === null || !('aborted' in signal)) {
    throw new TypeError(`the option signal must be an AbortSignal, got ${describe(signal)}`)
  }
}

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
