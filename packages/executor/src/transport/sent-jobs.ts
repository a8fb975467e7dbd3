import { type JobKind, maxKinds } from '../jobs/job-kind.ts'
import type { PendingJob } from '../jobs/pending-job.ts'
import type { JobMessage, JobsMessage } from './protocol.ts'
import type { WorkerHandle } from './worker-handle.ts'

/**
 * The jobs that were sent to one worker and have neither ended nor been taken back, in the order in which the worker
 * runs them. Gives each job its number, and records which functions the worker already has, because a message contains
 * only the functions that the worker lacks.
 */
export class SentJobs {
  readonly #jobs: PendingJob[] = []
  /** The job kinds whose functions the worker already has. */
  readonly #known = new Set<JobKind>()
  #lastSeq = 0
  #taken = 0

  get size(): number {
    return this.#jobs.length
  }

  /** How many jobs were sent and not taken back. The jobs that have ended count too. */
  get taken(): number {
    return this.#taken
  }

  /** The number of the job that was sent last; 0 if no job was sent. */
  get lastSeq(): number {
    return this.#lastSeq
  }

  get first(): PendingJob | null {
    return this.#jobs[0] ?? null
  }

  list(): readonly PendingJob[] {
    return this.#jobs
  }

  find(seq: number): PendingJob | null {
    return this.#jobs.find((job) => job.seq === seq) ?? null
  }

  /** Whether the worker has many functions, and no job that needs them. */
  get hasTooManyKinds(): boolean {
    return this.#known.size >= maxKinds && this.#jobs.length === 0
  }

  /** Called when the worker no longer has its functions. */
  forgetKinds(): void {
    this.#known.clear()
  }

  /** Returns the message for `jobs`, with the numbers that `add` will give to them. */
  wrap(jobs: readonly PendingJob[]): JobsMessage {
    const first = this.#lastSeq + 1
    if (jobs.length === 1) {
      const [{ kind, args, mode }] = jobs as [PendingJob]
      return [first, kind.id, this.#known.has(kind) ? null : kind.target, mode, ...args]
    }
    return jobs.map(({ kind, args, mode }, index): JobMessage => {
      const target = this.#known.has(kind) ? null : kind.target
      return [first + index, kind.id, args, target, mode]
    })
  }

  /** Adds `jobs`, which were sent to `worker` in message number `message`. */
  add(jobs: readonly PendingJob[], worker: WorkerHandle, message: number): void {
    this.#taken += jobs.length
    for (const job of jobs) {
      this.#known.add(job.kind)
      job.worker = worker
      job.seq = ++this.#lastSeq
      job.message = message
      job.sent()
      this.#jobs.push(job)
    }
  }

  /** Removes job `seq`, which has ended, and returns it; null if it was removed before. */
  takeEnded(seq: number): PendingJob | null {
    const index = this.#jobs.findIndex((job) => job.seq === seq)
    if (index === -1) return null
    const [job] = this.#jobs.splice(index, 1) as [PendingJob]
    job.worker = null
    return job
  }

  /** Removes and returns the jobs for which `isMeant` is true. The worker has not started them. */
  takeBack(isMeant: (job: PendingJob) => boolean): PendingJob[] {
    const returned = this.#jobs.filter(isMeant)
    const kept = this.#jobs.filter((job) => !isMeant(job))
    this.#jobs.splice(0, this.#jobs.length, ...kept)
    this.#taken -= returned.length
    for (const job of returned) {
      job.worker = null
      job.isStarted = false
    }
    return returned
  }
}
