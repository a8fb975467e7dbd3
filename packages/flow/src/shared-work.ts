import { createTask, shield, shielded, type Task } from '@tasktree/core'

/**
 * Work that several callers wait for together. It runs in a task that belongs to none of them: a caller that is cancelled
 * leaves, and the work goes on for the others. When the last caller leaves, the work is cancelled, and that caller's wait
 * ends when the work has ended.
 */
export class SharedWork<T> {
  readonly #task: Task<T>
  readonly #abandoned: () => void
  #callers = 0

  /** @param abandoned is called when the last caller has left, before the work is cancelled: nobody may join it any more */
  constructor(work: () => PromiseLike<T>, abandoned: () => void) {
    this.#abandoned = abandoned
    this.#task = createTask(work)
  }

  /** Waits for the result. */
  async join(): Promise<T> {
    const task = this.#task
    this.#callers++
    try {
      return await shield(task)
    } catch (error) {
      // The caller was cancelled, and not the work, if the work goes on.
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
