import {
  cancelScope,
  type CancelScope,
  createTask,
  detached,
  isCancelled,
  shield,
  shielded,
  type Task,
} from '@tasktree/core'

/**
 * The orderly end of a server. It happens once, however many callers ask for it: a second end would change the jobs' file
 * although another server may use the file by that time.
 */
export class ServerEnd {
  readonly #drain: () => Promise<void>
  readonly #end: () => Promise<void>
  #draining: Task<void> | null = null
  #scope: CancelScope | null = null
  #ending: Task<void> | null = null

  /** `drain` gives running jobs time to end, and may be cancelled. `end` ends the server after that. */
  constructor(drain: () => Promise<void>, end: () => Promise<void>) {
    this.#drain = drain
    this.#end = end
  }

  /**
   * Ends the server, and waits until it has ended. A cancel of the caller ends the wait for running jobs, but the
   * server is ended nevertheless.
   */
  async complete(): Promise<void> {
    this.#draining ??= begin('drain of jobd', () => this.#drainInScope())
    try {
      await shield(this.#draining)
    } catch (error) {
      if (isCancelled(error)) this.#scope?.cancel()
      throw error
    } finally {
      this.#ending ??= begin('end of jobd', this.#end)
      const ending = this.#ending
      await shielded(() => shield(ending))
    }
  }

  async #drainInScope(): Promise<void> {
    await cancelScope((scope) => {
      this.#scope = scope
      return this.#drain()
    })
  }
}

/** Starts a task that does not belong to the caller, because other callers wait for it too. */
function begin(name: string, work: () => Promise<void>): Task<void> {
  return detached(() => createTask(work, { name, eager: true }))
}
