import { Broadcast } from '@tasktree/sync'
import type { Job } from '../jobs/job.ts'

/** What happened to a job. */
export type JobChange =
  /** Long texts are cut. */
  | { type: 'state'; job: Job }
  | { type: 'progress'; id: number; done: number; total: number }
  /** `offset`: how many characters of output the job had before. */
  | { type: 'output'; id: number; text: string; offset: number }

/** So many changes a subscriber may lag behind; then it loses the oldest. */
const capacity = 10_000

/** Everything that happens to jobs, for who subscribes. It outlives the actors that publish and listen. */
export class JobFeed {
  readonly #changes = new Broadcast<JobChange>({ lag: 'drop-oldest', capacity })
  readonly #states = new Broadcast<Job>({ lag: 'drop-oldest', capacity })

  publish(change: JobChange): void {
    void this.#changes.publish(change)
    if (change.type === 'state') void this.#states.publish(change.job)
  }

  /** From here on. */
  subscribe(): AsyncIterable<JobChange> & Disposable {
    return this.#changes.subscribe()
  }

  /** Jobs in each new state, from here on: who is slow holds no output meanwhile. */
  subscribeStates(): AsyncIterable<Job> & Disposable {
    return this.#states.subscribe()
  }
}
