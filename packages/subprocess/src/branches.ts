import { afterDelay } from '@tasktree/core/lowlevel'
import type { ProcessWaitOptions } from './process.ts'

/**
 * Waits for all promises that `begin` returns, here called branches. When the call is cancelled, when a branch fails, or
 * after the `timeout`, the signal of the branches aborts, and this function throws only after all branches have ended.
 * Otherwise a branch could go on reading, and the next `communicate` would miss what that branch has read.
 *
 * `onError` gets the first error, and whether the timeout has passed. This function throws the error that `onError`
 * returns.
 */
export async function waitForBranches(
  options: ProcessWaitOptions,
  begin: (signal: AbortSignal) => Promise<void>[],
  onError: (error: unknown, hasExpired: boolean) => Promise<unknown>,
): Promise<void> {
  const { signal, timeout = Infinity } = options
  const waiting = new AbortController()
  const abort = (): void => waiting.abort(signal?.reason)
  if (signal?.aborted === true) abort()
  signal?.addEventListener('abort', abort)
  let hasExpired = false
  const stopTimer = afterDelay(timeout, () => {
    hasExpired = true
    waiting.abort()
  })
  const branches = begin(waiting.signal)
  try {
    await Promise.all(branches)
  } catch (error) {
    waiting.abort()
    await Promise.allSettled(branches)
    throw await onError(error, hasExpired)
  } finally {
    stopTimer()
    signal?.removeEventListener('abort', abort)
  }
}
