import { channel, type Channel } from 'node:diagnostics_channel'
import { Tracing } from '@tasktree/core/lowlevel'
import type { Executor } from './executor.ts'
import type { JobFuture } from '../jobs/job-future.ts'
import type { Carrier } from '../transport/protocol.ts'

/**
 * A message about one job on the diagnostics channel `tasktree:executor:submit`, `tasktree:executor:start` or
 * `tasktree:executor:end`.
 */
export interface JobEvent {
  readonly executor: Executor
  readonly future: JobFuture<unknown, unknown>
  /** The number of the worker that runs the job; null if no worker runs the job. */
  readonly worker: number | null
}

/**
 * The channel on which a message is published for each submitted job. While the channel has no subscriber, a submission
 * only checks one field.
 */
export const jobSubmit: Channel = channel('tasktree:executor:submit')
export const jobStart: Channel = channel('tasktree:executor:start')
export const jobEnd: Channel = channel('tasktree:executor:end')

/** What the trace of a job contains. The trace begins at the submission and ends with the outcome. */
export interface JobTrace {
  readonly executor: Executor
  readonly future: JobFuture<unknown, unknown>
  /** The name of the function that the job runs. */
  readonly job: string
  /**
   * Null until the outcome is published. Then the number of the worker that has run the job, or null if no worker has
   * run it.
   */
  worker: number | null
  /** A subscriber of the event `start` may set this to text fields, which then travel to the worker with the job. */
  carrier?: Carrier
}

export const jobTracing: Tracing<JobTrace> = new Tracing('tasktree:executor.job')
