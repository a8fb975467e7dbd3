import { afterDelay } from '@tasktree/core/lowlevel'
import type { ProcessWaitOptions } from './process.ts'

/**
 * Waits for all promises that `begin` returns, here called branches. When the call is cancelled, when a branch fails, or
 * after the `timeout`, the signal of the branches aborts, and this function throws only after all branches have ended.
 * Otherwise a branch could go on reading, and the next `communicate` would miss what that branch has read.
 *
 * Before that, `onError` is called with the first error, and with what has ended the wait: the `timeout`, the `signal`, or
 * another cause such as a cancel. It may throw another error in place of the first one.
 */
export async function waitForAll(
  options: ProcessWaitOptions,
  begin: (signal: AbortSignal) => Promise<void>[],
  onError: (error: unknown, by: 'timeout' | 'signal' | 'other') => Promise<void>,
): Promise<void> {
  const { signal, timeout = Infinity } = options
  const waiting = new AbortController()
  let by: 'timeout' | 'signal' | 'other' = 'other'
  const abort = (): void => {
    by = 'signal'
    waiting.abort(signal?.reason)
  }
  if (signal?.aborted === true) abort()
  signal?.addEventListener('abort', abort)
  const stopTimer = afterDelay(timeout, () => {
    if (!waiting.signal.aborted) by = 'timeout'
    waiting.abort()
  })
  const branches = begin(waiting.signal)
  try {
    await Promise.all(branches)
  } catch (error) {
    const endedBy = by
    waiting.abort()
    await Promise.allSettled(branches)
    await onError(error, endedBy)
    throw error
  } finally {
    stopTimer()
    signal?.removeEventListener('abort', abort)
  }
}
