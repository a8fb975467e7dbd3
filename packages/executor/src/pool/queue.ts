import type { PendingJob } from '../jobs/pending-job.ts'

/**
 * The jobs that wait for a worker, first in, first out. The list is linked, so that a cancelled job leaves it from
 * anywhere in constant time.
 */
export class PoolQueue {
  #first: PendingJob | null = null
  #last: PendingJob | null = null
  #size = 0

  get size(): number {
    return this.#size
  }

  peek(): PendingJob | null {
    return this.#first
  }

  push(job: PendingJob): void {
    this.#insert(job, this.#last, null)
  }

  /** Puts jobs that had left back, before all others and in their order. */
  putBack(jobs: readonly PendingJob[]): void {
    for (const job of jobs.toReversed()) this.#insert(job, null, this.#first)
  }

  #insert(job: PendingJob, previous: PendingJob | null, next: PendingJob | null): void {
    job.isQueued = true
    job.previous = previous
    job.next = next
    if (previous === null) this.#first = job
    else previous.next = job
    if (next === null) this.#last = job
    else next.previous = job
    this.#size++
  }

  shift(): PendingJob | null {
    const first = this.#first
    if (first !== null) this.remove(first)
    return first
  }

  remove(job: PendingJob): void {
    const { previous, next } = job
    if (previous === null) this.#first = next
    else previous.next = next
    if (next === null) this.#last = previous
    else next.previous = previous
    job.previous = null
    job.next = null
    job.isQueued = false
    this.#size--
  }

  takeAll(): PendingJob[] {
    const jobs: PendingJob[] = []
    for (let job = this.shift(); job !== null; job = this.shift()) jobs.push(job)
    return jobs
  }
}
