import { Broadcast } from '@tasktree/sync'
import type { Job } from '../jobs/job.ts'

/** What happened to a job. */
export type JobChange =
  /**
   * Long texts are cut. `waited`: how long a job that begins has waited since it could; `ran`: how long an attempt took
   * that has ended. Both are milliseconds of a clock that no change of the wall clock moves.
   */
  | { type: 'state'; job: Job; waited?: number; ran?: number }
  | { type: 'deleted'; ids: readonly number[] }
  | { type: 'progress'; id: number; done: number; total: number }
  /** `offset`: how many bytes of output the attempt had before. */
  | { type: 'output'; id: number; attempt: number; text: string; offset: number }

/** A subscriber may lag behind by this many changes; then it loses the oldest. */
const capacity = 10_000

/** Everything that happens to jobs, for its subscribers. It outlives the actors that publish and listen. */
export class JobFeed {
  readonly #changes = new Broadcast<JobChange>({ lag: 'drop-oldest', capacity })
  readonly #states = new Broadcast<Job>({ lag: 'drop-oldest', capacity })

  publish(change: JobChange): void {
    void this.#changes.publish(change)
    if (change.type === 'state') void this.#states.publish(change.job)
  }

  /** All changes from now on. */
  subscribe(): AsyncIterable<JobChange> & Disposable {
    return this.#changes.subscribe()
  }

  /** The changes of state from now on. A slow subscriber of it does not keep the outputs of jobs in memory. */
  subscribeStates(): AsyncIterable<Job> & Disposable {
    return this.#states.subscribe()
  }
}
