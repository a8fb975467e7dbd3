import { type Future, isCancelled, RuntimeError } from '@tasktree/core'
import {
  addSnapshotPart,
  checkFlag,
  checkOptions,
  currentFrame,
  DetailedFuture,
  LiveList,
  waitAnyway,
} from '@tasktree/core/lowlevel'
import { JobSerializationError, ExecutorQueueFull } from '../jobs/errors.ts'
import type { GeneratorJob, Job } from '../jobs/job.ts'
import type { JobFuture } from '../jobs/job-future.ts'
import { type JobKind, JobKinds } from '../jobs/job-kind.ts'
import { readTarget } from '../jobs/job-target.ts'
import { mapJobs } from '../jobs/map-jobs.ts'
import { type JobOwner, PendingJob } from '../jobs/pending-job.ts'
import { captureStack, type SubmitStack } from '../jobs/submit-stack.ts'
import type { StartWorker } from '../transport/worker-link.ts'
import type { Executor, ExecutorStats, MapOptions } from './executor.ts'
import { type CheckedPoolOptions, checkPoolOptions, type PoolOptions } from './options.ts'
import { Outcomes } from './outcomes.ts'
import { copyError, Workforce } from './workforce.ts'

const shutDownMessage = 'the executor was shut down'

/** One pool in the result of `snapshot()` of core, which describes all loops and tasks of this thread. */
export interface PoolSnapshot extends ExecutorStats {
  readonly name: string
  readonly kind: string
  /** The jobs that are running, each with the number of its worker. */
  readonly jobs: readonly { readonly worker: number; readonly job: string }[]
}

const pools = new LiveList<WorkerPool>((pool) => pool.isLive())
addSnapshotPart('pools', () => pools.list().map((pool) => pool.shown()))

/**
 * The base class of ThreadPoolExecutor and ProcessPoolExecutor, which have workers of one kind each. The parts of a
 * pool are Dispatch, Workforce and Outcomes.
 */
export abstract class WorkerPool implements Executor, JobOwner {
  readonly #options: CheckedPoolOptions
  readonly #outcomes: Outcomes = new Outcomes(this)
  readonly #workforce: Workforce
  readonly #kinds = new JobKinds()
  readonly #name: string
  readonly #shutdowns: Future<void>[] = []

  constructor(startWorker: StartWorker, options: PoolOptions) {
    this.#options = checkPoolOptions(options)
    const { initializer, initargs = [] } = options
    this.#name = options.name ?? 'executor'
    const target = initializer === undefined ? null : readTarget(initializer)
    this.#workforce = new Workforce(
      startWorker,
      this.#options,
      { target, args: [...initargs] },
      this.#outcomes,
      () => this.#endShutdowns(),
    )
    pools.add(this)
  }

  /** @internal returns what `snapshot()` of core shows about this pool */
  shown(): PoolSnapshot {
    return {
      name: this.#name,
      kind: this.constructor.name,
      ...this.stats,
      jobs: [...this.#workforce.workers].flatMap(({ id, first }) =>
        first === null ? [] : { worker: id, job: first.kind.name },
      ),
    }
  }

  /** @internal whether this pool accepts jobs or still has workers */
  isLive(): boolean {
    return !this.#workforce.isShutDown || this.#workforce.workers.size > 0
  }

  /**
   * Adds a job to the queue and returns the future of its result. The arguments are copied when the job is sent to a
   * worker.
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
    return this.#submit(this.#kinds.find(job), args, false).future
  }

  /**
   * Returns an async iterable with the result of `job` for each item. The first item is read when the iteration starts.
   * At most `buffer` items are read ahead of the reader, so the items may be endless. While `maxQueue` jobs wait, no
   * item is read. A result that is ready is yielded at once, even if the items come slowly. The first failure is thrown,
   * and ends the iteration. If the items fail, the results of the items before that come first. Leaving the iteration
   * early cancels the jobs that have not ended.
   *
   * @throws {RuntimeError} after shutdown; from the iteration, for items that were not read before a shutdown
   * @throws {BrokenExecutor} when the pool is broken; also from the iteration
   * @throws {TypeError} when `job` is neither a function nor a reference made by `jobs`, or for wrong items or options
   * @throws {TimeoutError} from the iteration, when the next result is not there after `timeout`
   *
   * Source: concurrent.futures.Executor.map. Differs: `map` is lazy, takes one iterable of items, and loses no result
   * when the items fail.
   */
  map<T, R>(
    job: Job<[T], R>,
    items: Iterable<T> | AsyncIterable<T>,
    options: MapOptions = {},
  ): AsyncIterable<R> {
    checkOptions(options)
    this.#assertOpen()
    const kind = this.#kinds.find(job)
    const { maxQueue, maxWorkers } = this.#options
    // The jobs are submitted later, by the code that reads the results, so the stack is captured now, once for all
    // jobs.
    const submitted = captureStack(mapFrame)
    return mapJobs<T, R>(
      (args, chunked) => this.#submit(kind, args, chunked, submitted),
      items,
      options,
      Math.max(maxWorkers, Math.min(16 * maxWorkers, maxQueue)),
      () => this.#whenRoom(),
    )
  }

  /**
   * Returns null if a job can be submitted now, or if its submission would throw for another reason than a full queue.
   * Otherwise returns a future that is done when there may be room in the queue.
   */
  #whenRoom(): Future<void> | null {
    const { dispatch, isBroken, isShutDown } = this.#workforce
    return isBroken || isShutDown || dispatch.hasRoom() ? null : dispatch.whenRoom()
  }

  /** Submits one job. `submitted` is the stack of the call of `map`; undefined for a call of `submit`. */
  #submit(
    kind: JobKind,
    args: readonly unknown[],
    chunked: boolean,
    submitted?: SubmitStack,
  ): PendingJob {
    this.#assertOpen()
    const { dispatch } = this.#workforce
    if (!dispatch.hasRoom()) throw new ExecutorQueueFull(this.#options.maxQueue)
    const job = new PendingJob(this, kind, args, chunked)
    this.#outcomes.submitted(job)
    if (kind.problem !== null) {
      this.#outcomes.fail(job, new JobSerializationError(kind.problem))
      return job
    }
    dispatch.add(job)
    // The stack is captured after the job was sent, because a capture takes as long as a small job, which meanwhile
    // runs in its worker.
    job.submitted = submitted ?? kind.stacks.capture(submitFrame)
    return job
  }

  #assertOpen(): void {
    const { broken, isShutDown } = this.#workforce
    if (broken !== null) throw copyError(broken)
    if (isShutDown) throw new RuntimeError('cannot schedule new jobs: the executor was shut down')
  }

  get stats(): ExecutorStats {
    const { crashed, dispatch } = this.#workforce
    const workers = [...this.#workforce.workers]
    const { completed, failed } = this.#outcomes
    return {
      workers: workers.length,
      idle: workers.filter((worker) => worker.state === 'ready' && worker.load === 0).length,
      queued: dispatch.waiting + workers.flatMap((worker) => worker.listUnstarted()).length,
      running: workers.filter((worker) => worker.isRunning).length,
      completed,
      failed,
      crashed,
    }
  }

  /**
   * Refuses new jobs, lets the submitted jobs end, and ends every worker. With `cancelFutures` waiting jobs are
   * cancelled, and running jobs are asked to stop: a job that has not ended after `cancelGrace` milliseconds is
   * cancelled as well. With `wait: false` the call does not wait for these ends. A worker ends by itself, so that its
   * exit listeners run and its output is written; after `exitGrace` milliseconds it is terminated.
   *
   * If the waiting task is cancelled, the call throws the CancelledError, and the pool goes on to end. In a cancelled
   * scope the call still waits: it cancels the jobs as with `cancelFutures`, and throws when every worker has ended.
   *
   * Source: concurrent.futures.Executor.shutdown. Differs: cancelFutures also ends jobs that do not end by themselves.
   */
  shutdown(options: { wait?: boolean; cancelFutures?: boolean } = {}): Promise<void> {
    checkOptions(options)
    const { wait = true, cancelFutures = false } = options
    checkFlag('wait', wait)
    checkFlag('cancelFutures', cancelFutures)
    return this.#shutdown(wait, cancelFutures)
  }

  async #shutdown(wait: boolean, cancelFutures: boolean): Promise<void> {
    const { dispatch, workers } = this.#workforce
    this.#workforce.isShutDown = true
    if (cancelFutures) this.#cancelAll()
    this.#workforce.endIdleWorkers()
    dispatch.pump()
    if (!wait || workers.size === 0) return
    try {
      await this.#workersEnded()
    } catch (error) {
      if (currentFrame()?.isLevelCancelled() === true) await this.#endAnyway()
      throw error
    }
  }

  /**
   * Shuts down, and waits until every worker has ended. If the wait is cancelled, the jobs are cancelled as with
   * `cancelFutures`, and the CancelledError is thrown when every worker has ended.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.shutdown()
    } catch (error) {
      if (isCancelled(error)) await this.#endAnyway()
      throw error
    }
  }

  /** Cancels the jobs, and waits until every worker has ended. A cancel does not cut this wait short. */
  async #endAnyway(): Promise<void> {
    const { dispatch, workers } = this.#workforce
    if (workers.size === 0) return
    this.#cancelAll()
    this.#workforce.endIdleWorkers()
    dispatch.pump()
    await waitAnyway(() => this.#workersEnded())
  }

  /** Waits for the shutdown. Each caller gets a separate future, because a cancel of a caller ends its future. */
  async #workersEnded(): Promise<void> {
    const { dispatch, workers } = this.#workforce
    if (workers.size === 0) return
    const ended = new DetailedFuture<void>(() => ({
      kind: 'pool',
      label: `the end of pool '${this.#name}'`,
      note: `${workers.size} workers left`,
    }))
    this.#shutdowns.push(ended)
    dispatch.isAwaited = true
    dispatch.updateHold()
    await ended
  }

  #cancelAll(): void {
    const { dispatch, workers } = this.#workforce
    this.#workforce.cancelMessage = shutDownMessage
    for (const worker of workers) worker.recall(1)
    for (const job of dispatch.takeAll()) job.future.cancel(shutDownMessage)
    for (const worker of workers) {
      const { first } = worker
      for (const job of worker.listUnstarted())
        if (job !== first) job.future.cancel(shutDownMessage)
      if (first !== null) worker.cancel(first)
    }
  }

  #endShutdowns(): void {
    this.#workforce.dispatch.isAwaited = false
    for (const ended of this.#shutdowns.splice(0)) if (!ended.done()) ended.setResult()
  }

  abandonJob(job: PendingJob): void {
    this.#outcomes.cancelled(job)
    if (this.#workforce.dispatch.remove(job)) {
      if (this.#workforce.isShutDown) this.#workforce.endIdleWorkers()
    } else job.worker?.cancel(job)
  }
}

// oxlint-disable-next-line typescript/unbound-method -- only compared: a stack leaves out the frames of these methods
const { submit: submitFrame, map: mapFrame } = WorkerPool.prototype
