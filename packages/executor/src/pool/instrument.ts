import { channel, type Channel } from 'node:diagnostics_channel'
import type { Executor } from './executor.ts'
import type { JobFuture } from '../jobs/job-future.ts'

/** The messages of the executor channels. */
export interface JobEvent {
  readonly executor: Executor
  readonly future: JobFuture<unknown, unknown>
  /** The worker that runs it; null before it has one. */
  readonly worker: number | null
}

/** Told nothing, and costing a check of a field, while nobody has subscribed. */
export const jobSubmit: Channel = channel('tasktree:executor:submit')
export const jobStart: Channel = channel('tasktree:executor:start')
export const jobEnd: Channel = channel('tasktree:executor:end')
