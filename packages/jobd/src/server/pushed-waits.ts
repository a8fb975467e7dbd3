import { createTask, currentTask, type Task } from '@tasktree/core'
import { Lock } from '@tasktree/sync'
import type { Reply } from '../protocol/resp.ts'
import { CommandError } from './arguments.ts'

/** How many jobs a client may wait for at the same time on one connection. */
const most = 100_000

/** The most characters of a ticket. The server keeps the tickets of all waits. */
const longestTicket = 256

/** The connection to which the messages go. */
export interface Pushing {
  push(message: Reply[]): void
  /** Whether the client reads fast enough that a message can be sent now. */
  hasRoom(): boolean
  /** Waits until the client has read what was sent. */
  room(): Promise<void>
}

/**
 * The waits of one connection that have a ticket. Such a JOB.WAIT is answered at once, so that it does not hold up later
 * commands. When the job has ended, the client gets a message with the ticket.
 *
 * A message holds the whole job. While the client reads slowly, only the tickets are kept, and the jobs are read again, one
 * after the other, when there is room. Otherwise a client that waits for many large jobs and reads nothing would fill the
 * memory.
 */
export class PushedWaits implements Disposable {
  readonly #tasks = new Map<string, Task<void>>()
  readonly #client: Pushing
  /** While there is no room for messages, the wait whose message is sent next holds this lock. */
  readonly #line = new Lock()

  constructor(client: Pushing) {
    this.#client = client
  }

  /**
   * Begins a wait. `wait` may be called a second time, after the job has ended.
   *
   * @throws {CommandError} for a ticket that is in use or too long, and for too many waits
   */
  begin(ticket: string, wait: () => PromiseLike<Reply>): void {
    if (ticket.length > longestTicket)
      throw new CommandError(`a ticket has at most ${longestTicket} characters`)
    if (this.#tasks.has(ticket))
      throw new CommandError(`the ticket '${ticket.slice(0, 64)}' is in use`)
    if (this.#tasks.size >= most)
      throw new CommandError(`a connection waits for at most ${most} jobs`, 'BUSY')
    const task = createTask(async () => {
      if (!this.#client.hasRoom()) await this.#line.runExclusive(() => this.#client.room())
      if (this.#sent(ticket, await wait())) return
      await this.#line.runExclusive(async () => {
        await this.#client.room()
        this.#send(ticket, await wait())
      })
    })
    this.#tasks.set(ticket, task)
  }

  /** Sends a message if there is room for it. Returns whether it was sent. */
  #sent(ticket: string, reply: Reply): boolean {
    if (!this.#client.hasRoom()) return false
    this.#send(ticket, reply)
    return true
  }

  #send(ticket: string, reply: Reply): void {
    // A cancel does not interrupt every await, so a wait that `end` has ended may still come here.
    if (this.#tasks.get(ticket) !== currentTask()) return
    this.#tasks.delete(ticket)
    this.#client.push(['wait', ticket, reply])
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
