import { currentTask, type Task, taskSignal } from '@tasktree/core'
import { afterDelay } from '@tasktree/core/lowlevel'
import type { ProcessWaitOptions } from './process.ts'

/**
 * Waits for all promises that `begin` returns, here called branches. When the caller is cancelled, when a branch fails,
 * when `options.signal` aborts, or after the `timeout`, the signal of the branches aborts. This function throws only
 * after all branches have ended. If it threw earlier, a branch could go on reading an output, and the next call of
 * `communicate` would miss the bytes that the branch has read.
 *
 * When all branches have ended, and before it throws, this function calls `onError` with the first error, and with the
 * cause that has ended the wait: the `timeout`, the `signal`, or another cause such as a cancel. `onError` may throw
 * another error in place of the first error.
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
 * Whether a cancel has come since the task of the caller had `before` cancels. A cancel that came in the turn in which
 * the timeout passed was thrown into a branch, and must not be lost. A cancel that a shield keeps out was not thrown.
 */
function hasBeenCancelled(task: Task | null, before: number): boolean {
  return task !== null && task.cancelling() > before && taskSignal().aborted
}
