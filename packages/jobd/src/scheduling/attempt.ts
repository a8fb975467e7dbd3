import type { QueuedJob } from '../jobs/job.ts'
import type { StoredResult } from '../jobs/stored-value.ts'
import type { Place } from './limits.ts'

/** How an attempt ended. */
export type Outcome = { result: StoredResult } | { error: string } | { cancelled: true }

/** A job that was given to a worker. The attempt lasts until its end is written to the file. */
export interface Attempt {
  readonly queued: QueuedJob
  readonly place: Place
  /** When the attempt began, by the loop's clock. */
  begunAt: number
  isCancelled: boolean
  /** The number of the attempt; 0 until its beginning is written. */
  attempts: number
  isEnding: boolean
}
