import { channel, type Channel } from 'node:diagnostics_channel'
import { Tracing } from '@tasktree/core/lowlevel'
import type { Executor } from './executor.ts'
import type { JobFuture } from '../jobs/job-future.ts'

/** The messages of the executor channels. */
export interface JobEvent {
  readonly executor: Executor
  readonly future: JobFuture<unknown, unknown>
  /** The worker that runs it; null before it has one. */
  readonly worker: number | null
}

/** A channel without a subscriber costs the check of one field. */
export const jobSubmit: Channel = channel('tasktree:executor:submit')
export const jobStart: Channel = channel('tasktree:executor:start')
export const jobEnd: Channel = channel('tasktree:executor:end')

/** A job, from its submission to its outcome, on the side of the caller. */
export interface JobTrace {
  readonly executor: Executor
  readonly future: JobFuture<unknown, unknown>
  /** The name of its function. */
  readonly job: string
  /** The worker that runs it; null before it has one. */
  worker: number | null
}

export const jobTracing: Tracing<JobTrace> = new Tracing('tasktree:executor.job')
