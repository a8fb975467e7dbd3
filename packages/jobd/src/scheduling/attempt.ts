import type { Releaser } from '@tasktree/sync'
import type { QueuedJob } from '../jobs/job.ts'

/** How an attempt ended. */
export type Outcome = { result: string } | { error: string } | { cancelled: true }

/** A job that a worker has, from when it is handed out until its end is written. */
export interface Attempt {
  readonly queued: QueuedJob
  readonly place: Releaser
  /** When it began, on the loop's clock. */
  begunAt: number
  isCancelled: boolean
  /** Counted for the job, once that is written. */
  attempts: number
  isEnding: boolean
}
