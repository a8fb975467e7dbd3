import { Future, getEventLoop, RuntimeError } from '@tasktree/core'
import { findUncloneable } from '../jobs/clone-path.ts'
import { decodeError, type EncodedError } from '../jobs/encode-error.ts'
import {
  BrokenExecutor,
  ExecutorQueueFull,
  JobSerializationError,
  WorkerCrashedError,
} from '../jobs/errors.ts'
import type { Executor, ExecutorStats, MapOptions } from './executor.ts'
import { jobEnd, jobStart, jobSubmit } from './instrument.ts'
import type { GeneratorJob, Job } from '../jobs/job.ts'
import type { JobFuture } from '../jobs/job-future.ts'
import { type JobKind, JobKinds } from '../jobs/job-kind.ts'
import { readTarget } from '../jobs/job-target.ts'
import { mapJobs } from '../jobs/map-jobs.ts'
import { type JobOwner, PendingJob } from '../jobs/pending-job.ts'
import { type CheckedPoolOptions, checkPoolOptions, type PoolOptions } from './options.ts'
import { PoolQueue } from './queue.ts'
import type { JobTarget } from '../transport/protocol.ts'
import { afterDelay } from '../transport/real-timer.ts'
import { captureStack, stackText } from '../jobs/submit-stack.ts'
import { type LeftJobs, WorkerHandle, type WorkerOwner } from '../transport/worker-handle.ts'
import type { WorkerExit, WorkerKind } from '../transport/worker-link.ts'
import { WorkerSet } from './worker-set.ts'

/** So many workers in a row that die before they are ready break the pool. */
const startAttempts = 3
const shutDownMessage = 'the executor was shut down'

/**
 * Runs jobs in workers: the queue, the workers' lives, and what becomes of jobs whose worker dies.
 *
 * A job is in one place at a time: in the queue, or in one worker's list. Jobs that are short are sent
 * several at once, ahead of the one that runs, and taken back when another worker is free, when the
 * running one is cancelled, or when the worker dies: only what has started is ever lost.
 */
export abstract class WorkerPool implements Executor, JobOwner, WorkerOwner {
  readonly #kind: WorkerKind
  readonly #options: CheckedPoolOptions
  readonly #initializer: JobTarget | null
  readonly #initargs: readonly unknown[]
  readonly #queue = new PoolQueue()
  readonly #workers = new WorkerSet()
  readonly #kinds = new JobKinds()
  #workersMade = 0
  #startsFailed = 0
  #starting = 0
  #broken: BrokenExecutor | null = null
  #isShutDown = false
  /** Shut down with `cancelFutures`. */
  #cancelsWaiting = false
  #pumpScheduled = false
  #completed = 0
  #failed = 0
  #crashed = 0
  #ended: Future<void>[] = []

  constructor(kind: WorkerKind, options: PoolOptions) {
    this.#options = checkPoolOptions(options)
    this.#kind = kind
    const { initializer } = options
    this.#initializer = initializer === undefined ? null : readTarget(initializer)
    this.#initargs = options.initargs ?? []
    while (this.#workers.size < this.#options.minWorkers) this.#startWorker()
    this.#updateHold()
  }

  /**
   * Queues a job, in the order of the calls. Its arguments are copied when it is sent to a worker.
   *
   * @throws {RuntimeError} after shutdown
   * @throws {BrokenExecutor} when the pool is broken
   * @throws {ExecutorQueueFull} when `maxQueue` jobs wait already
   * @throws {TypeError} when `job` is neither a function nor a reference made by `jobs`
   *
   * Source: concurrent.futures.Executor.submit
   */
  submit<A extends unknown[], Y, R>(job: GeneratorJob<A, Y, R>, ...args: A): JobFuture<R, Y>
  submit<A extends unknown[], R>(job: Job<A, R>, ...args: A): JobFuture<R>
  submit(job: unknown, ...args: unknown[]): JobFuture<unknown, unknown> {
    return this.#submit(this.#kinds.find(job), args, false)
  }

  /**
   * The results of `job` for each item. Nothing starts before the iteration does; then at most
   * `buffer` items are taken ahead of who reads, so that the items may be endless. The first failure
   * is thrown, and ends the iteration; leaving it early cancels what is under way.
   *
   * @throws {RuntimeError} from the iteration, for items that were not taken before a shutdown
   * @throws {TimeoutError} from the iteration, when it has not ended within `timeout`
   *
   * Source: concurrent.futures.Executor.map. Differs: it is lazy, and one iterable of items.
   */
  map<T, R>(
    job: Job<[T], R>,
    items: Iterable<T> | AsyncIterable<T>,
    options: MapOptions = {},
  ): AsyncIterable<R> {
    this.#assertOpen()
    const kind = this.#kinds.find(job)
    const { maxQueue, maxWorkers } = this.#options
    return mapJobs<T, R>(
      (args, chunked) => this.#submit(kind, args, chunked),
      items,
      options,
      Math.max(1, Math.min(16 * maxWorkers, maxQueue)),
    )
  }

  #submit(kind: JobKind, args: readonly unknown[], chunked: boolean): JobFuture<unknown, unknown> {
    this.#assertOpen()
    if (this.#queue.size >= this.#options.maxQueue) this.#assertRoom()
    const pending = new PendingJob(this, kind, args, chunked)
    const { future } = pending
    if (jobSubmit.hasSubscribers) jobSubmit.publish({ executor: this, future, worker: null })
    if (!kind.hasSource) {
      const why = 'the job is a built-in or bound function, which has no source that could be sent'
      this.#fail(pending, new JobSerializationError(`${why}: wrap it in a function, or use jobs()`))
      return future
    }
    const idle = this.#queue.size === 0 ? this.#workers.findIdle() : null
    if (idle === null) {
      this.#queue.push(pending)
      this.#schedulePump()
    } else {
      this.#send(idle, [pending])
    }
    // Last, since it takes as long as a small job: that runs meanwhile.
    pending.submitted = captureStack(submitFrame)
    return future
  }

  #assertRoom(): void {
    this.#pump()
    if (this.#queue.size >= Math.max(this.#options.maxQueue, this.#freeSoon())) {
      throw new ExecutorQueueFull(this.#options.maxQueue)
    }
  }

  /** Jobs that wait for a worker that is only starting are not waiting for their turn. */
  #freeSoon(): number {
    return this.#starting === 0 ? 0 : this.#options.maxQueue + this.#starting
  }

  #assertOpen(): void {
    if (this.#broken !== null) throw this.#sayBroken(this.#broken)
    if (this.#isShutDown) {
      throw new RuntimeError('cannot schedule new jobs: the executor was shut down')
    }
  }

  get #endedCount(): number {
    return this.#completed + this.#failed
  }

  get stats(): ExecutorStats {
    const workers = [...this.#workers]
    return {
      workers: workers.length,
      idle: workers.filter((worker) => worker.state === 'ready' && worker.load === 0).length,
      queued: this.#queue.size + workers.flatMap((worker) => worker.listUnstarted()).length,
      running: workers.filter((worker) => worker.isRunning).length,
      completed: this.#completed,
      failed: this.#failed,
      crashed: this.#crashed,
    }
  }

  /**
   * Refuses new jobs, lets those that were submitted end, and ends every worker. With
   * `cancelFutures` those that wait are cancelled, and those that run are asked to stop: they have
   * `cancelGrace` to end with a result, then they are cancelled as well. With `wait: false` it does not
   * wait for that.
   *
   * Source: concurrent.futures.Executor.shutdown. Differs: cancelFutures also ends jobs that do not end by themselves.
   */
  async shutdown(options: { wait?: boolean; cancelFutures?: boolean } = {}): Promise<void> {
    const { wait = true, cancelFutures = false } = options
    this.#isShutDown = true
    if (cancelFutures) this.#cancelAll()
    this.#endIdleWorkers()
    this.#pump()
    if (!wait || this.#workers.size === 0) return
    const ended = new Future<void>()
    this.#ended.push(ended)
    this.#updateHold()
    await ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown()
  }

  #cancelAll(): void {
    this.#cancelsWaiting = true
    for (const worker of this.#workers) worker.recall(1)
    this.#cancelQueued()
    for (const worker of this.#workers) {
      const { first } = worker
      for (const job of worker.listUnstarted())
        if (job !== first) job.future.cancel(shutDownMessage)
      if (first !== null) worker.cancel(first)
    }
  }

  #cancelQueued(): void {
    for (const job of this.#queue.takeAll()) job.future.cancel(shutDownMessage)
  }

  #endIdleWorkers(): void {
    if (!this.#isShutDown || this.#queue.size > 0) return
    for (const worker of this.#workers) if (worker.load === 0) worker.kill()
  }

  abandonJob(job: PendingJob): void {
    this.#publishEnd(job)
    if (job.isQueued) {
      this.#queue.remove(job)
      this.#updateHold()
      this.#endIdleWorkers()
    } else job.worker?.cancel(job)
  }

  #schedulePump(): void {
    if (this.#pumpScheduled) return
    this.#pumpScheduled = true
    queueMicrotask(() => {
      this.#pumpScheduled = false
      this.#pump()
    })
  }

  /** Sends what can be sent, and starts the workers that are missing. */
  #pump(): void {
    if (this.#broken !== null) return
    // What is behind it comes before what is in the queue.
    for (const worker of this.#workers) if (worker.isOvertaken(this.#endedCount)) worker.recall()
    while (this.#queue.size > 0) {
      const worker = this.#chooseWorker()
      if (worker === null) break
      this.#fill(worker)
    }
    const wanted = Math.min(
      this.#queue.size - this.#starting,
      this.#options.maxWorkers - this.#workers.size,
    )
    for (let i = 0; i < wanted; i++) this.#startWorker()
    this.#updateHold()
  }

  /** An idle one, else, when no other can be had, one that soon runs out of jobs. */
  #chooseWorker(): WorkerHandle | null {
    const idle = this.#workers.findIdle()
    if (idle !== null) return idle
    const canGrow = this.#starting > 0 || this.#workers.size < this.#options.maxWorkers
    if (canGrow || !this.#canFollow()) return null
    const spare = this.#workers.findSpare((worker) => this.#depth(worker))
    return spare?.isShort === true ? spare : null
  }

  /** How many jobs a worker may have at once, when they are done in a moment. */
  #depth(worker: WorkerHandle): number {
    if (worker.isOvertaken(this.#endedCount)) return 0
    const { maxTasksPerWorker } = this.#options
    return Math.min(this.#kind.maxAhead, maxTasksPerWorker - worker.taken + worker.load)
  }

  /**
   * Whether the next job may be behind others. What moves with a job is gone when its worker dies: it goes
   * alone, and starts at once.
   */
  #canFollow(): boolean {
    const next = this.#queue.peek()
    return next !== null && next.kind.isShort && next.transferList.length === 0
  }

  #fill(worker: WorkerHandle): void {
    // Spread what there is: a worker that is alone with many jobs leaves the others idle.
    const share = Math.ceil(this.#queue.size / this.#options.maxWorkers)
    const room = Math.max(1, Math.min(this.#depth(worker) - worker.load, share))
    const batch: PendingJob[] = []
    let isAlone = worker.load === 0
    while (batch.length < room) {
      const mayBeFollowed = this.#canFollow()
      if (!isAlone && !mayBeFollowed) break
      batch.push(this.#queue.shift() as PendingJob)
      if (!mayBeFollowed) break
      isAlone = false
    }
    this.#send(worker, batch)
  }

  #send(worker: WorkerHandle, batch: PendingJob[]): void {
    worker.stopIdling?.()
    worker.stopIdling = null
    worker.hold(true)
    try {
      worker.send(batch)
    } catch (error) {
      if (batch.length > 1) {
        for (const job of batch) this.#send(worker, [job])
        return
      }
      const [job] = batch as [PendingJob]
      const what = findUncloneable(job.args, 'args', (value) => worker.tryClone(value))
      const because = what === null ? (error as Error).message : `${what}, which cannot be cloned`
      this.#fail(
        job,
        new JobSerializationError(`cannot send the job: ${because}`, { cause: error }),
      )
      // Nothing will come back from it that could tell that it is free.
      if (worker.load === 0) this.#onFree(worker)
    }
  }

  #startWorker(): void {
    this.#starting++
    let worker: WorkerHandle
    try {
      const { cancelGrace } = this.#options
      worker = new WorkerHandle(++this.#workersMade, this.#kind.start, this, cancelGrace)
    } catch (error) {
      this.#starting--
      this.#break('a worker cannot be started', error)
      return
    }
    this.#workers.add(worker)
    try {
      worker.initialize(this.#initializer, this.#initargs)
    } catch (error) {
      const what = findUncloneable(this.#initargs, 'initargs', (value) => worker.tryClone(value))
      this.#break(
        `cannot send the initializer's arguments: ${what ?? 'they cannot be cloned'}`,
        error,
      )
    }
  }

  onReady(worker: WorkerHandle): void {
    this.#starting--
    this.#startsFailed = 0
    if (this.#isShutDown && this.#queue.size === 0) worker.kill()
    else this.#onFree(worker)
  }

  onStartFailed(_worker: WorkerHandle, error: EncodedError): void {
    this.#break('the initializer of a worker failed', decodeError(error, ''))
  }

  onStarted(worker: WorkerHandle, job: PendingJob): void {
    worker.endedBefore = this.#endedCount
    if (jobStart.hasSubscribers) {
      jobStart.publish({ executor: this, future: job.future, worker: worker.id })
    }
  }

  onResult(worker: WorkerHandle, job: PendingJob, value: unknown): void {
    if (job.future.done()) return
    this.#completed++
    job.future.setResult(value)
    this.#publishEnd(job, worker)
  }

  onError(worker: WorkerHandle, job: PendingJob, error: EncodedError): void {
    this.#fail(job, decodeError(error, stackText(job.submitted)), worker)
  }

  onEnded(worker: WorkerHandle): void {
    if (worker.load === 0) this.#onFree(worker)
    else if (this.#queue.size > 0) this.#schedulePump()
  }

  onReturned(worker: WorkerHandle, jobs: PendingJob[]): void {
    this.#queue.putBack(jobs.filter((job) => !job.future.done()))
    if (this.#cancelsWaiting) this.#cancelQueued()
    if (worker.load === 0) this.#onFree(worker)
    else this.#schedulePump()
  }

  #fail(job: PendingJob, error: unknown, worker: WorkerHandle | null = null): void {
    if (job.future.done()) return
    this.#failed++
    job.future.setException(error)
    this.#publishEnd(job, worker)
  }

  #publishEnd(job: PendingJob, worker: WorkerHandle | null = job.worker): void {
    if (!jobEnd.hasSubscribers) return
    jobEnd.publish({ executor: this, future: job.future, worker: worker?.id ?? null })
  }

  /** A worker has nothing to do. */
  #onFree(worker: WorkerHandle): void {
    if (worker.taken >= this.#options.maxTasksPerWorker) {
      worker.kill()
      return
    }
    this.#workers.noteFree(worker)
    if (this.#queue.size === 0) {
      for (const other of this.#workers) if (other !== worker) other.recall()
    }
    if (this.#queue.size > 0) this.#schedulePump()
    else {
      this.#updateHold()
      this.#endIdleWorkers()
      this.#startIdling(worker)
    }
  }

  #startIdling(worker: WorkerHandle): void {
    const { idleTimeout, minWorkers } = this.#options
    if (idleTimeout === Infinity) return
    worker.stopIdling?.()
    const end = (): void => {
      if (worker.load === 0 && this.#workers.size > minWorkers) worker.kill()
    }
    worker.stopIdling = afterDelay(idleTimeout, end, { hold: false })
  }

  onExit(worker: WorkerHandle, exit: WorkerExit, left: LeftJobs): void {
    this.#workers.delete(worker)
    if (!worker.isReady) this.#starting--
    if (!worker.isKilled) this.#onCrash(worker, exit, left.running)
    else if (left.running !== null) this.#endStopped(left.running)
    this.#queue.putBack(left.unstarted.filter((job) => !job.future.done()))
    if (this.#cancelsWaiting) this.#cancelQueued()
    if (this.#broken !== null) this.#failAll(this.#broken)
    else if (!this.#isShutDown) this.#keepMinimum()
    // Its place is free for what waits behind a job that may not end.
    if (this.#queue.size === 0) for (const other of this.#workers) other.recall()
    this.#pump()
    this.#tellEnded()
  }

  /** Its worker was told to end: after its cancel, or since the pool is broken. */
  #endStopped(job: PendingJob): void {
    if (this.#broken !== null) this.#fail(job, this.#sayBroken(this.#broken))
    else job.future.cancel('the job was stopped')
  }

  #onCrash(worker: WorkerHandle, exit: WorkerExit, running: PendingJob | null): void {
    this.#crashed++
    const options = exit.error === undefined ? {} : { cause: exit.error }
    if (running !== null) {
      const error = new WorkerCrashedError(exit.exitCode, exit.signal, options)
      error.stack += `\n    --- submitted ---\n${stackText(running.submitted)}`
      this.#fail(running, error, worker)
    }
    if (!worker.isReady) {
      this.#startsFailed++
      if (this.#startsFailed < startAttempts) return
      const how = exit.signal ?? `exit code ${exit.exitCode}`
      this.#break(`${startAttempts} workers in a row died on start (${how})`, exit.error)
    } else if (running === null && exit.error !== undefined) {
      getEventLoop().callExceptionHandler({
        message: 'An idle worker of an executor died',
        exception: exit.error,
      })
    }
  }

  #keepMinimum(): void {
    while (this.#broken === null && this.#workers.size < this.#options.minWorkers)
      this.#startWorker()
  }

  #break(reason: string, cause: unknown): void {
    if (this.#broken !== null) return
    const why = cause instanceof Error ? `: ${cause.message}` : ''
    this.#broken = new BrokenExecutor(`the pool cannot run jobs: ${reason}${why}`, { cause })
    for (const worker of this.#workers) worker.kill()
    this.#failAll(this.#broken)
  }

  #failAll(broken: BrokenExecutor): void {
    for (const job of this.#queue.takeAll()) {
      this.#fail(job, this.#sayBroken(broken))
    }
  }

  /** One for each who is told. */
  #sayBroken({ message, cause }: BrokenExecutor): BrokenExecutor {
    return new BrokenExecutor(message, { cause })
  }

  #tellEnded(): void {
    if (this.#workers.size > 0) return
    for (const ended of this.#ended.splice(0)) if (!ended.done()) ended.setResult()
  }

  /** Jobs under way, and a shutdown that is awaited, keep the process alive; nothing else does. */
  #updateHold(): void {
    const waited = this.#queue.size > 0 || this.#ended.length > 0
    for (const worker of this.#workers) worker.hold(waited || worker.load > 0)
  }
}

// oxlint-disable-next-line typescript/unbound-method -- only named, as the frame that a stack leaves out
const submitFrame = WorkerPool.prototype.submit
