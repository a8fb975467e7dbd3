/**
 * Starts the workers of a pool when jobs need them, ends workers that are not used, and replaces workers that die.
 *
 * What happens to a job when its worker dies:
 * - A job that ran fails with WorkerCrashedError. If the pool killed the worker because of a cancel of the job, the job
 *   ends as cancelled.
 * - A job that the worker was about to receive is sent once more, alone. If a second worker dies, the job fails.
 * - All other jobs go back to the front of the queue.
 */
import { detached, getEventLoop } from '@tasktree/core'
import { afterDelay } from '@tasktree/core/lowlevel'
import { explainUncloneable, sayWhy } from '../jobs/explain-uncloneable.ts'
import { decodeError, type EncodedError } from '../jobs/encode-error.ts'
import { BrokenExecutor, JobSerializationError, WorkerCrashedError } from '../jobs/errors.ts'
import type { PendingJob } from '../jobs/pending-job.ts'
import { stackText } from '../jobs/submit-stack.ts'
import type { JobTarget } from '../transport/protocol.ts'
import { WorkerHandle } from '../transport/worker-handle.ts'
import type { LeftJobs, WorkerOwner } from '../transport/worker-owner.ts'
import type { StartWorker, WorkerExit } from '../transport/worker-link.ts'
import { Dispatch, type Workforce as DispatchWorkforce } from './dispatch.ts'
import { addLivePool, type LivePool, removeLivePool } from './live-pools.ts'
import type { CheckedPoolOptions } from './options.ts'
import type { Outcomes } from './outcomes.ts'
import { WorkerSet } from './worker-set.ts'

/** When this many workers in succession have died before they were ready, the pool is broken. */
const startAttempts = 3
/** A job is not tried again after this many workers have died while they received it. */
const deathsByArgument = 2

export interface Initializer {
  readonly target: JobTarget | null
  readonly args: readonly unknown[]
}

export class Workforce implements DispatchWorkforce, WorkerOwner, LivePool {
  readonly #startWorker: StartWorker
  readonly #options: CheckedPoolOptions
  readonly #initializer: Initializer
  readonly #outcomes: Outcomes
  readonly workers: WorkerSet = new WorkerSet()
  readonly dispatch: Dispatch
  #workersMade = 0
  #startsFailed = 0
  starting = 0
  /** How many workers have died unexpectedly. */
  crashed = 0
  broken: BrokenExecutor | null = null
  isShutDown = false
  /**
   * The message of a shutdown that cancels waiting jobs; null before such a shutdown. Jobs that a worker gives back
   * later are cancelled with this message too.
   */
  cancelMessage: string | null = null
  /**
   * True after the pool has ended its idle workers, because the program is ending or the pool was shut down. Then a
   * worker is started only for a job, and not to keep `minWorkers` workers.
   */
  #isResting = false
  /** Called when the last worker has ended. */
  readonly #onEmpty: () => void

  constructor(
    startWorker: StartWorker,
    options: CheckedPoolOptions,
    initializer: Initializer,
    outcomes: Outcomes,
    onEmpty: () => void,
  ) {
    this.#startWorker = startWorker
    this.#options = options
    this.#initializer = initializer
    this.#outcomes = outcomes
    this.#onEmpty = onEmpty
    this.dispatch = new Dispatch(options, this.workers, outcomes, this)
    this.#keepMinimum()
    this.dispatch.updateHold()
  }

  get isBroken(): boolean {
    return this.broken !== null
  }

  start(): void {
    this.#isResting = false
    this.starting++
    let worker: WorkerHandle
    try {
      const { cancelGrace } = this.#options
      // The worker lives longer than the task that runs now. Messages of the worker must not be handled in that task,
      // because the task would refuse the waits of progress callbacks after its end.
      worker = detached(
        () => new WorkerHandle(++this.#workersMade, this.#startWorker, this, cancelGrace),
      )
    } catch (error) {
      this.starting--
      this.#break('a worker cannot be started', error)
      return
    }
    this.workers.add(worker)
    addLivePool(this)
    const { target, args } = this.#initializer
    try {
      worker.initialize(target, args)
    } catch (error) {
      const tryClone = (value: unknown): void => worker.tryClone(value)
      const why = explainUncloneable(args, 'initargs', tryClone, error)
      this.#break(`cannot send the initializer's arguments: ${why}`, error)
    }
  }

  #keepMinimum(): void {
    while (this.broken === null && this.workers.size < this.#options.minWorkers) this.start()
  }

  /** Ends the workers that have no jobs, if the queue is empty. */
  endIdleWorkers(): void {
    if (this.dispatch.waiting > 0) return
    this.#isResting = true
    for (const worker of this.workers) if (worker.load === 0) worker.end(this.#options.exitGrace)
  }

  onReady(worker: WorkerHandle): void {
    this.starting--
    this.#startsFailed = 0
    this.dispatch.onFree(worker)
  }

  onStartFailed(_worker: WorkerHandle, error: EncodedError): void {
    this.#break('the initializer of a worker failed', decodeError(error, ''))
  }

  onInitUnreadable(_worker: WorkerHandle, why: string): void {
    const error = new JobSerializationError(why)
    this.#break("a worker cannot read the initializer's arguments", error)
  }

  onStarted(worker: WorkerHandle, job: PendingJob): void {
    worker.endedBefore = this.#outcomes.ended
    this.#outcomes.started(job, worker)
  }

  onResult(worker: WorkerHandle, job: PendingJob, value: unknown): void {
    this.#outcomes.complete(job, value, worker)
  }

  onError(worker: WorkerHandle, job: PendingJob, error: EncodedError): void {
    this.#outcomes.fail(job, decodeError(error, stackText(job.submitted)), worker)
  }

  onUnreadable(worker: WorkerHandle, job: PendingJob, why: unknown): void {
    const message = `what the job gave cannot be read here: ${sayWhy(why)}`
    this.#outcomes.fail(job, new JobSerializationError(message, { cause: why }), worker)
  }

  onUnreceived(_worker: WorkerHandle, job: PendingJob, why: string): void {
    const message = `the worker cannot read the job's arguments: ${why}`
    this.#outcomes.fail(job, new JobSerializationError(message))
  }

  onEnded(worker: WorkerHandle): void {
    this.dispatch.onFree(worker)
  }

  onReturned(worker: WorkerHandle, jobs: PendingJob[]): void {
    this.#putBack(jobs)
    if (worker.load === 0) this.dispatch.onFree(worker)
    else this.dispatch.schedulePump()
  }

  #putBack(jobs: readonly PendingJob[]): void {
    this.dispatch.putBack(jobs)
    if (this.cancelMessage === null) return
    for (const job of this.dispatch.takeAll()) job.future.cancel(this.cancelMessage)
  }

  onUnused(worker: WorkerHandle): void {
    const { idleTimeout, exitGrace, minWorkers } = this.#options
    if (this.isShutDown) {
      this.endIdleWorkers()
      return
    }
    if (idleTimeout === Infinity) return
    worker.stopIdling?.()
    const end = (): void => {
      if (worker.load === 0 && this.workers.size > minWorkers) worker.end(exitGrace)
    }
    worker.stopIdling = afterDelay(idleTimeout, end, { hold: false })
  }

  onExit(worker: WorkerHandle, exit: WorkerExit, left: LeftJobs): void {
    this.workers.delete(worker)
    if (!worker.isReady) this.starting--
    if (!worker.isKilled) this.#onCrash(worker, exit, left)
    else if (left.running !== null) this.#endStopped(left.running)
    this.#putBack(left.unstarted)
    if (this.broken !== null) this.#failWaiting(this.broken)
    else if (!this.isShutDown && !this.#isResting) this.#keepMinimum()
    this.dispatch.recallOthers(null)
    this.dispatch.pump()
    if (this.workers.size > 0) return
    removeLivePool(this)
    this.#onEmpty()
  }

  /** Ends a job whose worker the pool has terminated, because the job was cancelled or the pool is broken. */
  #endStopped(job: PendingJob): void {
    if (this.broken !== null) this.#outcomes.fail(job, copyError(this.broken))
    else job.future.cancel('the job was stopped')
  }

  #onCrash(worker: WorkerHandle, exit: WorkerExit, left: LeftJobs): void {
    this.crashed++
    if (left.running !== null) this.#failCrashed(left.running, worker, exit, 'ran')
    if (!worker.isReady) {
      this.#startsFailed++
      if (this.#startsFailed < startAttempts) return
      const how = exit.signal ?? `exit code ${exit.exitCode}`
      this.#break(`${startAttempts} workers in a row died on start (${how})`, exit.error)
      return
    }
    for (const job of left.receiving) {
      job.isSuspect = true
      if (++job.deaths >= deathsByArgument) this.#failCrashed(job, worker, exit, 'received')
    }
    if (left.running === null && left.receiving.length === 0 && exit.error !== undefined) {
      getEventLoop().callExceptionHandler({
        message: 'An idle worker of an executor died',
        exception: exit.error,
      })
    }
  }

  #failCrashed(
    job: PendingJob,
    worker: WorkerHandle,
    { exitCode, signal, error: cause }: WorkerExit,
    during: 'ran' | 'received',
  ): void {
    const options = cause === undefined ? { during } : { during, cause }
    const error = new WorkerCrashedError(exitCode, signal, options)
    error.stack += `\n    --- submitted ---\n${stackText(job.submitted)}`
    this.#outcomes.fail(job, error, during === 'ran' ? worker : null)
  }

  #break(reason: string, cause: unknown): void {
    if (this.broken !== null) return
    const why = cause instanceof Error ? `: ${cause.message}` : ''
    this.broken = new BrokenExecutor(`the pool cannot run jobs: ${reason}${why}`, { cause })
    for (const worker of this.workers) worker.kill()
    this.#failWaiting(this.broken)
  }

  #failWaiting(broken: BrokenExecutor): void {
    for (const job of this.dispatch.takeAll()) this.#outcomes.fail(job, copyError(broken))
  }
}

/** Makes a new error with the same message, so that each caller gets a separate object. */
export function copyError({ message, cause }: BrokenExecutor): BrokenExecutor {
  return new BrokenExecutor(message, { cause })
}
