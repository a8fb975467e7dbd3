import type { EncodedError } from '../jobs/encode-error.ts'
import type { PendingJob } from '../jobs/pending-job.ts'
import type { WorkerHandle } from './worker-handle.ts'
import type { WorkerExit } from './worker-link.ts'

/** The calls that a WorkerHandle makes to its pool. */
export interface WorkerOwner {
  onReady(worker: WorkerHandle): void
  onStartFailed(worker: WorkerHandle, error: EncodedError): void
  /** Called when the worker cannot decode the arguments of its initializer. */
  onInitUnreadable(worker: WorkerHandle, why: string): void
  onStarted(worker: WorkerHandle, job: PendingJob): void
  /** Called when `job` has ended with the result `value`. */
  onResult(worker: WorkerHandle, job: PendingJob, value: unknown): void
  onError(worker: WorkerHandle, job: PendingJob, error: EncodedError): void
  /** Called when a message of `job` cannot be decoded here. The code of the job may still run. */
  onUnreadable(worker: WorkerHandle, job: PendingJob, why: unknown): void
  /** Called when the worker cannot decode the arguments of `job`. The job has not started. */
  onUnreceived(worker: WorkerHandle, job: PendingJob, why: string): void
  /** Called each time a job has ended, after the call for its outcome. */
  onEnded(worker: WorkerHandle): void
  /** Called when the worker gave these jobs back before they started. */
  onReturned(worker: WorkerHandle, jobs: PendingJob[]): void
  onExit(worker: WorkerHandle, exit: WorkerExit, left: LeftJobs): void
}

/** The jobs that a worker had when it ended. */
export interface LeftJobs {
  /** The job that was running; null when there was none. */
  readonly running: PendingJob | null
  /** The jobs in the message that the worker was about to receive when it ended. */
  readonly receiving: PendingJob[]
  readonly unstarted: PendingJob[]
}
