import { createTask, getEventLoop, shield, shielded, type Task } from '@tasktree/core'
import { cancelsSoFar, isUnderCancel } from './cancels.ts'

/**
 * Work for which several callers wait. It runs in a separate task, so if one caller is cancelled, the work goes on for
 * the other callers. If the last caller is cancelled, the work is cancelled too, and the wait of that caller ends when
 * the work has ended.
 */
export class SharedWork<T> {
  readonly #task: Task<T>
  readonly #abandoned: () => void
  #callers = 0

  /**
   * Starts `work`.
   *
   * @param abandoned is called when the last caller was cancelled, before the work is cancelled. From then on, no new
   * caller may call `join`.
   */
  constructor(work: () => PromiseLike<T>, abandoned: () => void) {
    this.#abandoned = abandoned
    this.#task = createTask(work)
  }

  /**
   * Whether the work has ended, or can never end because its loop was closed. No new caller may call `join` then. The
   * work may have ended before its code has begun, when other code has cancelled its task.
   */
  get isOver(): boolean {
    return this.#task.done() || this.#task.getLoop().isClosed()
  }

  /**
   * Whether the work was cancelled in another run than the run of the calling code. This happens when that run ends: it
   * cancels its tasks.
   */
  get wasCancelledElsewhere(): boolean {
    const task = this.#task
    return task.done() && task.cancelling() > 0 && task.getLoop() !== getEventLoop()
  }

  /** Waits for the work, and returns its result. */
  async join(): Promise<T> {
    const task = this.#task
    this.#callers++
    try {
      return await shield(task)
    } catch (error) {
      // If the work goes on, it was this caller that was cancelled. If it was the last caller, the work is cancelled.
      if (!task.done() && this.#callers === 1) {
        this.#abandoned()
        await shielded(() => task[Symbol.asyncDispose]())
      }
      throw error
    } finally {
      this.#callers--
    }
  }
}

/**
 * Waits for the work that `find` returns, and returns its result. If the work ends because another run has cancelled it,
 * calls `find` again, which must then begin the work anew. Otherwise the end of the run that has called first would
 * cancel callers in other runs.
 */
export async function joinWork<T>(find: () => SharedWork<T>): Promise<T> {
  for (;;) {
    const cancels = cancelsSoFar()
    const work = find()
    try {
      return await work.join()
    } catch (error) {
      if (!work.wasCancelledElsewhere || isUnderCancel(cancels)) throw error
    }
  }
}
