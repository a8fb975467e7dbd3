import { currentTask, effectiveDeadline, isCancelled } from '@tasktree/core'
import { currentFrame } from '@tasktree/core/lowlevel'

/**
 * Whether `error` is the error of a cancel: a CancelledError, or an AbortError that a CancelledError has caused. The
 * APIs of Node throw such an AbortError if they were given the signal of the cancelled task.
 */
export function isCancel(error: unknown): boolean {
  return (
    isOwnCancel(error) ||
    (error instanceof Error && error.name === 'AbortError' && isCancelled(error.cause))
  )
}

/**
 * Whether `error` is a CancelledError, or an AbortError that the cancelled signal of the running code has caused. Some
 * libraries throw such an AbortError without a cause.
 */
export function isOwnCancel(error: unknown): boolean {
  return isCancelled(error) || currentFrame()?.isOwnAbort(error) === true
}

/** Returns how many cancels of the running task were requested and not taken back. */
export function cancelsSoFar(): number {
  return currentTask()?.cancelling() ?? 0
}

/**
 * Whether the running code is being cancelled: its task was cancelled after the code began, or a scope around it is
 * cancelled. `before` is what `cancelsSoFar()` has returned when the code began.
 */
export function isUnderCancel(before: number): boolean {
  return cancelsSoFar() > before || effectiveDeadline() === -Infinity
}

/**
 * Whether work has ended with `error` because it was cancelled. `before` is what `cancelsSoFar()` has returned when the
 * work began. Cancelled code may throw another error in its clean-up, and that error is not a reason to repeat the
 * work.
 */
export function wasCancelled(error: unknown, before: number): boolean {
  return isCancel(error) || isUnderCancel(before)
}
