import { Broadcast } from '@tasktree/sync'
import type { Job } from '../jobs/job.ts'

/** A change of a job. */
export type JobChange =
  /**
   * The job has a new state. Its long texts are shortened. `waited` is how long a job that begins has waited since it
   * could begin. `ran` is how long an attempt that has ended took. Both are milliseconds of the loop's clock, which
   * does not change when the wall clock is set.
   */
  | { type: 'state'; job: Job; waited?: number; ran?: number }
  | { type: 'deleted'; ids: readonly number[] }
  | { type: 'progress'; id: number; done: number; total: number }
  /** The attempt has written `text`. `offset` is how many bytes of output it had before. */
  | { type: 'output'; id: number; attempt: number; text: string; offset: number }

/** How many changes wait for a slow subscriber. If there are more, it does not get the oldest ones. */
const capacity = 10_000

/** Publishes all changes of jobs to subscribers. It outlives the actors that use it. */
export class JobFeed {
  readonly #changes = new Broadcast<JobChange>({ lag: 'drop-oldest', capacity })
  readonly #states = new Broadcast<Job>({ lag: 'drop-oldest', capacity })

  publish(change: JobChange): void {
    void this.#changes.publish(change)
    if (change.type === 'state') void this.#states.publish(change.job)
  }

  /** Returns all changes from now on. */
  subscribe(): AsyncIterable<JobChange> & Disposable {
    return this.#changes.subscribe()
  }

  /**
   * Returns the jobs with a new state from now on. A slow subscriber of states does not keep the outputs of jobs in
   * memory.
   */
  subscribeStates(): AsyncIterable<Job> & Disposable {
    return this.#states.subscribe()
  }
}
