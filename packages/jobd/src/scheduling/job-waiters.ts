import type { ActorContext, ReplyPort } from '@tasktree/actor'
import { finalStates, type Job } from '../jobs/job.ts'
import { passOn } from './pass-on-error.ts'

/** A request that is answered when a job has ended. */
export interface Waiter {
  readonly port: ReplyPort<Job | null>
  /** The timer that ends the wait; null if the wait has no time limit. */
  timer: Disposable | null
  /** A name that no other wait has. The asker ends the wait by this name; null if the asker never ends the wait. */
  readonly ticket: string | null
  /** Whether the asker wants the job to be cancelled. */
  readonly cancels: boolean
}

/**
 * The requests that wait until a job has ended, by job. The end of a wait also ends its timer, so that a million waits
 * of one connection leave nothing in memory.
 */
export class JobWaiters {
  readonly #waiters = new Map<number, Set<Waiter>>()
  /** The waiters that have a ticket. Thousands of them may wait for one job and end together. */
  readonly #byTicket = new Map<string, Waiter>()

  add(id: number, waiter: Waiter): void {
    const waiters = this.#waiters.get(id) ?? new Set()
    waiters.add(waiter)
    this.#waiters.set(id, waiters)
    if (waiter.ticket !== null) this.#byTicket.set(waiter.ticket, waiter)
  }

  /**
   * Reads the job of a waiter from `reply`. If the job has ended before the wait began, or if there is no such job,
   * answers the waiter.
   */
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

  /**
   * Removes a waiter. If it was still waiting, the caller must settle its port. Returns whether the waiter was still
   * waiting.
   */
  remove(id: number, waiter: Waiter): boolean {
    const waiters = this.#waiters.get(id)
    if (waiters?.delete(waiter) !== true) return false
    this.#forget(waiter)
    if (waiters.size === 0) this.#waiters.delete(id)
    return true
  }

  /**
   * Called when the asker with this ticket does not wait any more. The port is settled nevertheless, because an actor
   * keeps every port that is not settled.
   */
  removeTicket(id: number, ticket: string): void {
    const waiter = this.#byTicket.get(ticket)
    if (waiter !== undefined && this.remove(id, waiter)) waiter.port.resolve(null)
  }

  #forget({ ticket, timer }: Waiter): void {
    if (ticket !== null) this.#byTicket.delete(ticket)
    timer?.[Symbol.dispose]()
  }

  /** Called when a job has ended. Answers all its waiters. */
  tell(job: Job): void {
    const waiters = this.#waiters.get(job.id) ?? []
    this.#waiters.delete(job.id)
    for (const waiter of waiters) {
      this.#forget(waiter)
      waiter.port.resolve(job)
    }
  }

  /** Whether a request that cancels the job waits for the job's end. */
  isCancelled(id: number): boolean {
    for (const waiter of this.#waiters.get(id) ?? []) if (waiter.cancels) return true
    return false
  }

  /** The jobs for whose end at least one request waits. */
  get jobs(): number[] {
    return [...this.#waiters.keys()]
  }

  /** How many requests wait. */
  get size(): number {
    let size = 0
    for (const waiters of this.#waiters.values()) size += waiters.size
    return size
  }
}
