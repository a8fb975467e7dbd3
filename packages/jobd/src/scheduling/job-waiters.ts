import type { ActorContext, ReplyPort } from '@tasktree/actor'
import { finalStates, type Job } from '../jobs/job.ts'
import { passOn } from './pass-on-error.ts'

/** An answer that is given when a job has ended. */
export interface Waiter {
  readonly port: ReplyPort<Job | null>
  /** Ends the wait after its time limit; null: it has none. */
  timer: Disposable | null
  /** What the asker calls this wait, to end it; null: it never does. */
  readonly ticket: string | null
}

/**
 * The waits for the ends of jobs, by job. Whatever ends a wait also ends its timer: a million waits of one connection
 * must leave nothing behind.
 */
export class JobWaiters {
  readonly #waiters = new Map<number, Set<Waiter>>()

  add(id: number, waiter: Waiter): void {
    const waiters = this.#waiters.get(id) ?? new Set()
    waiters.add(waiter)
    this.#waiters.set(id, waiters)
  }

  /** Answers a waiter at once if its job has ended before it was added, or if there is no such job. */
  settleIfOver(
    id: number,
    waiter: Waiter,
    reply: PromiseLike<Job | null>,
    ctx: ActorContext,
  ): void {
    ctx.pipe(
      reply,
      (job) => {
        const isOver = job === null || finalStates.has(job.state)
        if (isOver && this.remove(id, waiter)) waiter.port.resolve(job)
      },
      (error) => {
        if (this.remove(id, waiter)) waiter.port.reject(passOn(error))
      },
    )
  }

  /** Whether it was still waiting. */
  remove(id: number, waiter: Waiter): boolean {
    const waiters = this.#waiters.get(id)
    if (waiters?.delete(waiter) !== true) return false
    waiter.timer?.[Symbol.dispose]()
    if (waiters.size === 0) this.#waiters.delete(id)
    return true
  }

  /** The asker has gone. */
  removeTicket(id: number, ticket: string): void {
    for (const waiter of this.#waiters.get(id) ?? [])
      if (waiter.ticket === ticket) this.remove(id, waiter)
  }

  /** The job has ended. */
  tell(job: Job): void {
    const waiters = this.#waiters.get(job.id) ?? []
    this.#waiters.delete(job.id)
    for (const { port, timer } of waiters) {
      timer?.[Symbol.dispose]()
      port.resolve(job)
    }
  }

  /** How many wait. */
  get size(): number {
    let size = 0
    for (const waiters of this.#waiters.values()) size += waiters.size
    return size
  }
}
