import { createTask, type Task } from '@tasktree/core'
import type { Reply } from '../protocol/resp.ts'
import { CommandError } from './arguments.ts'

/** How many jobs a client may wait for at the same time on one connection. */
const most = 100_000

/**
 * The waits of one connection that have a ticket. Such a JOB.WAIT is answered at once, so that it does not hold up later
 * commands. When the job has ended, the client gets a message with the ticket.
 */
export class PushedWaits implements Disposable {
  readonly #tasks = new Map<string, Task<void>>()
  readonly #push: (message: Reply[]) => void

  constructor(push: (message: Reply[]) => void) {
    this.#push = push
  }

  /** @throws {CommandError} for a ticket that is in use, and for too many waits */
  begin(ticket: string, wait: () => PromiseLike<Reply>): void {
    if (this.#tasks.has(ticket))
      throw new CommandError(`the ticket '${ticket.slice(0, 64)}' is in use`)
    if (this.#tasks.size >= most)
      throw new CommandError(`a connection waits for at most ${most} jobs`, 'BUSY')
    const task = createTask(async () => {
      const reply = await wait()
      this.#tasks.delete(ticket)
      this.#push(['wait', ticket, reply])
    })
    this.#tasks.set(ticket, task)
  }

  /** Ends a wait without a message. Returns whether there was one. */
  end(ticket: string): boolean {
    this.#tasks.get(ticket)?.cancel()
    return this.#tasks.delete(ticket)
  }

  [Symbol.dispose](): void {
    for (const task of this.#tasks.values()) task.cancel()
    this.#tasks.clear()
  }
}
