import { currentTask, effectiveDeadline, isCancelled } from '@tasktree/core'

/**
 * Whether `error` says that the work was cancelled. Node's own APIs, when they were given the task's signal, throw an
 * AbortError whose cause is the CancelledError.
 */
export function isCancel(error: unknown): boolean {
  return (
    isCancelled(error) ||
    (error instanceof Error && error.name === 'AbortError' && isCancelled(error.cause))
  )
}

/** How many cancels of the running code were asked for and not taken back. */
export function cancelsSoFar(): number {
  return currentTask()?.cancelling() ?? 0
}

/**
 * Whether code that began when `cancelsSoFar()` was `before` is being cancelled: by a cancel of its task, or by a cancelled
 * scope around it.
 */
export function isUnderCancel(before: number): boolean {
  return cancelsSoFar() > before || effectiveDeadline() === -Infinity
}

/**
 * Whether work that began when `cancelsSoFar()` was `before` has ended because of a cancel. Code that is cancelled may
 * throw another error on its way out. Such an error is no reason to try again.
 */
export function wasCancelled(error: unknown, before: number): boolean {
  return isCancel(error) || isUnderCancel(before)
}
