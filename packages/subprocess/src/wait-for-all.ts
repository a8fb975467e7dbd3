import { currentTask, type Task, taskSignal } from '@tasktree/core'
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
  const task = currentTask()
  const cancelsBefore = task?.cancelling() ?? 0
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
    await onError(error, hasBeenCancelled(task, cancelsBefore) ? 'other' : endedBy)
    throw error
  } finally {
    stopTimer()
    signal?.removeEventListener('abort', abort)
  }
}

/**
 * Whether a cancel has come since the task of the caller had `before` cancels. If it came in the turn in which the timeout
 * passed, it was thrown into a branch, and must not be lost. A cancel that a shield keeps out was not thrown.
 */
function hasBeenCancelled(task: Task | null, before: number): boolean {
  return task !== null && task.cancelling() > before && taskSignal().aborted
}
