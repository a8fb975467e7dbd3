import {
  CancelledError,
  checkpoint,
  currentTask,
  effectiveDeadline,
  isCancelled,
} from '@tasktree/core'
import { currentFrame } from '@tasktree/core/lowlevel'

/**
 * Whether `error` is the error of a cancel: a CancelledError, or an AbortError that a CancelledError has caused. The
 * APIs of Node throw such an AbortError if they were given the signal of the cancelled task.
 */
export function isCancel(error: unknown): boolean {
  return isOwnCancel(error) || isAbortByCancel(error)
}

function isAbortByCancel(error: unknown): boolean {
  try {
    return error instanceof Error && error.name === 'AbortError' && isCancelled(error.cause)
  } catch {
    // The thrown value is a Proxy or has a getter, and reading a property of it throws.
    return false
  }
}

/**
 * Whether `error` is a CancelledError, or an AbortError that the cancelled signal of the running code has caused. Some
 * libraries throw such an AbortError without a cause.
 */
export function isOwnCancel(error: unknown): boolean {
  return isCancelled(error) || currentFrame()?.isOwnAbort(error) === true
}

/**
 * Returns how many cancels of the running task, and of the scopes around the running code, were not taken back. The
 * cancel of a `cancelScope` does not count.
 */
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

/** Whether the running code is in a cancelled `cancelScope` or similar scope, in which every wait throws. */
export function isInCancelledScope(): boolean {
  return currentFrame()?.isLevelCancelled() === true
}

/**
 * Throws CancelledError in code that was cancelled and goes on. No wait has thrown the cancel yet if the code has
 * awaited only promises that are not futures: then `checkpoint` throws it. Otherwise the code has called a function that
 * has caught the CancelledError.
 */
export async function throwCancel(): Promise<never> {
  await checkpoint()
  throw new CancelledError()
}

/**
 * Whether work has ended with `error` because it was cancelled. `before` is what `cancelsSoFar()` has returned when the
 * work began. Cancelled code may throw another error in its clean-up, and that error is not a reason to repeat the
 * work.
 */
export function wasCancelled(error: unknown, before: number): boolean {
  return isCancel(error) || isUnderCancel(before)
}
