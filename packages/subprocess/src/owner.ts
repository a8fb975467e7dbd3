import { currentTask, type Task, taskSignal } from '@tasktree/core'
import { hasFailed, observe } from '@tasktree/core/lowlevel'

/** The task that has started a process. The process ends when this task is cancelled or fails. */
export class Owner {
  /** Null when code outside of a task has started the process. */
  readonly task: Task | null = currentTask()
  /** Aborts when the owner, or the scope of the owner in which the process was started, is cancelled. */
  readonly #signal: AbortSignal | null = this.task === null ? null : taskSignal()

  /**
   * Whether the owner is the caller and is cancelled. A timeout scope that the owner opened after the start does not
   * count: it only ends the waiting.
   */
  isCallerAndCancelled(): boolean {
    return this.#signal?.aborted === true && this.task === currentTask()
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
