import type { QueuedJob } from '../jobs/job.ts'
import type { StoredResult } from '../jobs/stored-value.ts'
import type { Place } from './limits.ts'

/** How an attempt ended. */
export type Outcome = { result: StoredResult } | { error: string } | { cancelled: true }

/** A job that a worker has, from when it is handed out until its end is written. */
export interface Attempt {
  readonly queued: QueuedJob
  readonly place: Place
  /** When it began, on the loop's clock. */
  begunAt: number
  isCancelled: boolean
  /** Counted for the job, once that is written. */
  attempts: number
  isEnding: boolean
}
