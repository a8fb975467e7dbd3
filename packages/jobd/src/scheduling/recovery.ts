import type { ActorRef } from '@tasktree/actor'
import type { StoredQueuedJob } from '../store/job-rows.ts'
import type { Store } from '../store/store.ts'
import type { JobQueue } from './job-queue.ts'
import { longestRetryDelay } from './retry-delay.ts'

/** A job that ran when the server died begins this long after clients can connect again, so that it can be cancelled. */
const pauseAfterDeath = 500

/** How many queued jobs are read from the file at a time. */
const chunk = 10_000

/** Brings the queued jobs of the file back into the queue, and holds every job until clients can connect. */
export class Recovery {
  readonly #queue: JobQueue
  /** Jobs that ran when a server died, until clients can connect; null from then on. */
  #survivors: StoredQueuedJob[] | null = []

  constructor(queue: JobQueue) {
    this.#queue = queue
  }

  /** Whether jobs may be begun. */
  get isOpen(): boolean {
    return this.#survivors === null
  }

  /** Reads the file; it may be called again after it failed. */
  async read(asks: ActorRef<Store>['ask']): Promise<void> {
    await asks.requeueRunning()
    let last = 0
    for (;;) {
      const jobs = await asks.queued(last, chunk)
      for (const job of jobs) this.#add(job)
      if (jobs.length < chunk) break
      last = jobs.at(-1)?.id ?? last
    }
  }

  /** How long a job still waits is known by the wall clock alone. Wherever that stands, it is not longer than it was at first. */
  #add(job: StoredQueuedJob): void {
    if (this.#queue.get(job.id) !== undefined) return
    if (job.deaths > 0 && this.#survivors !== null) {
      this.#survivors.push(job)
      this.#queue.add(job, Infinity)
      return
    }
    const longest = job.attempts === 0 ? job.delay : Math.max(job.delay, longestRetryDelay)
    this.#queue.add(job, Math.min(Math.max(0, job.notBefore - Date.now()), longest))
  }

  /** Clients can connect. */
  open(): void {
    const survivors = this.#survivors ?? []
    this.#survivors = null
    for (const job of survivors)
      if (this.#queue.get(job.id)?.dueAt === Infinity) this.#queue.add(job, pauseAfterDeath)
  }
}
