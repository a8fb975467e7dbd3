import type { ActorRef } from '@tasktree/actor'
import type { StoredQueuedJob } from '../store/job-rows.ts'
import type { Store } from '../store/store.ts'
import type { JobQueue } from './job-queue.ts'
import { longestRetryDelay } from './retry-delay.ts'

/** A job that ran when a server died waits at least this many milliseconds after clients can connect, so that they can cancel it. */
const pauseAfterDeath = 500

/** How many queued jobs one request reads from the jobs' file. */
const chunk = 10_000

/**
 * Loads the queued jobs from the jobs' file into the queue when the scheduler starts. No job may begin before clients
 * can connect, so that a client can cancel a job that brings the server down. The code in `server-deaths.ts` has
 * counted the deaths of the server before the scheduler starts.
 */
export class QueueLoader {
  readonly #queue: JobQueue
  /** The jobs that ran when a server died. They wait until clients can connect; null after that. */
  #survivors: StoredQueuedJob[] | null = []

  constructor(queue: JobQueue) {
    this.#queue = queue
  }

  /** Whether jobs may begin, because clients can connect. */
  get isOpen(): boolean {
    return this.#survivors === null
  }

  /** Reads the queued jobs from the jobs' file. After a failure, `read` may be called again. */
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

  #add(job: StoredQueuedJob): void {
    if (this.#queue.get(job.id) !== undefined) return
    if (job.deaths > 0 && this.#survivors !== null) {
      this.#survivors.push(job)
      this.#queue.add(job, Infinity)
      return
    }
    this.#queue.add(job, delayOf(job))
  }

  /** Called when clients can connect. */
  open(): void {
    const survivors = this.#survivors ?? []
    this.#survivors = null
    for (const job of survivors)
      if (this.#queue.get(job.id)?.dueAt === Infinity)
        this.#queue.add(job, Math.max(pauseAfterDeath, delayOf(job)))
  }
}

/**
 * Returns how many milliseconds a job must still wait. The wall clock may have been set back while the server was down,
 * so that the job would wait too long. Therefore it waits at most for its own delay or, after a failed attempt, for the
 * longest delay between attempts.
 */
function delayOf({ notBefore, attempts, delay }: StoredQueuedJob): number {
  const longest = attempts === 0 ? delay : Math.max(delay, longestRetryDelay)
  return Math.min(Math.max(0, notBefore - Date.now()), longest)
}
