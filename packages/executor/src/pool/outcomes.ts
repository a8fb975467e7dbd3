import type { TraceOutcome } from '@tasktree/core/lowlevel'
import type { PendingJob } from '../jobs/pending-job.ts'
import type { WorkerHandle } from '../transport/worker-handle.ts'
import type { Executor } from './executor.ts'
import { carriedTrace } from '../jobs/traceparent.ts'
import { noteFailure } from './forgotten-jobs.ts'
import { jobEnd, jobStart, jobSubmit, type JobTrace, jobTracing } from './tracing.ts'

/**
 * Handles the ends of the jobs of one pool: completes their futures, counts them, and publishes to the diagnostics
 * channels.
 */
export class Outcomes {
  readonly #executor: Executor
  completed = 0
  failed = 0

  constructor(executor: Executor) {
    this.#executor = executor
  }

  get ended(): number {
    return this.completed + this.failed
  }

  submitted(job: PendingJob): void {
    const { future, kind } = job
    if (jobTracing.isOn) {
      const trace: JobTrace = { executor: this.#executor, future, job: kind.name, worker: null }
      job.trace = trace
      jobTracing.run(future, trace, () => {})
      job.carrier = trace.carrier ?? null
    }
    job.carrier ??= carriedTrace()
    if (jobSubmit.hasSubscribers) {
      jobSubmit.publish({ executor: this.#executor, future, worker: null })
    }
  }

  started({ future }: PendingJob, worker: WorkerHandle): void {
    if (jobStart.hasSubscribers) {
      jobStart.publish({ executor: this.#executor, future, worker: worker.id })
    }
  }

  complete(job: PendingJob, value: unknown, worker: WorkerHandle): void {
    if (job.future.done()) return
    this.completed++
    job.kind.stacks.noteSuccess(job.submitted)
    job.future.setResult(value)
    this.#publishEnd(job, worker, { result: value })
  }

  fail(job: PendingJob, error: unknown, worker: WorkerHandle | null = null): void {
    if (job.future.done()) return
    this.failed++
    job.kind.stacks.noteFailure()
    job.future.setException(error)
    noteFailure(job.future)
    this.#publishEnd(job, worker, { error })
  }

  cancelled(job: PendingJob): void {
    this.#publishEnd(job, job.isStarted ? job.worker : null, { cancelled: true })
  }

  /** `worker` is the worker that has run the job; null if the job was not run. */
  #publishEnd(job: PendingJob, worker: WorkerHandle | null, outcome: TraceOutcome): void {
    const id = worker?.id ?? null
    if (job.trace !== null) {
      job.trace.worker = id
      jobTracing.settle(job.future, outcome)
    }
    if (!jobEnd.hasSubscribers) return
    jobEnd.publish({ executor: this.#executor, future: job.future, worker: id })
  }
}
