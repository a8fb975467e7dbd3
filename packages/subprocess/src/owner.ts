import { currentTask, type Task } from '@tasktree/core'
import { currentFrame, type Frame, hasFailed, observe } from '@tasktree/core/lowlevel'
import { AsyncLocalStorage } from 'node:async_hooks'

/** The task that has started a process. The process ends when this task is cancelled or fails. */
export class Owner {
  /** Null when code outside of a task has started the process. */
  readonly task: Task | null = currentTask()
  /** The scope or task that has started the process. */
  readonly #frame: Frame | null = currentFrame()
  /** Runs a function as if the code that has started the process called it. */
  readonly #asAtStart = AsyncLocalStorage.snapshot()

  /**
   * Whether the owner calls this method, and a cancel has come to the owner or to a scope in which the owner has
   * started the process. A timeout scope that the owner has opened after the start does not count: it only ends the
   * waiting.
   */
  isCallerAndCancelled(): boolean {
    const { task } = this
    if (task === null || task !== currentTask()) return false
    // `cancelling` counts the cancels of the task, and of the scopes around the code that calls `cancelling`.
    return this.#asAtStart(() => task.cancelling()) > 0 || this.#isScopeCancelled()
  }

  /** Whether the caller is in a cancelled `cancelScope` in which the process was started. */
  #isScopeCancelled(): boolean {
    let frame = currentFrame()
    while (frame !== null && !this.#hasStartedIn(frame)) frame = frame.parent
    return frame?.isLevelCancelled() === true
  }

  #hasStartedIn(scope: Frame): boolean {
    let frame = this.#frame
    while (frame !== null && frame !== scope) frame = frame.parent
    return frame === scope
  }

  /**
   * Calls `callback` when the owner is cancelled or fails. Returns a function that removes the callback; null when there
   * is no owner.
   */
  onFailure(callback: () => void): (() => void) | null {
    if (this.task === null) return null
    return observe(this.task, (task) => {
      if (task.cancelled() || hasFailed(task)) callback()
    })
  }
}
