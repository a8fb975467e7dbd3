import type { GeneratorJob, Job } from '../jobs/job.ts'
import type { JobFuture } from '../jobs/job-future.ts'

export interface ExecutorStats {
  /** How many workers are running or starting. */
  readonly workers: number
  readonly idle: number
  readonly queued: number
  readonly running: number
  /** How many jobs have succeeded since the pool was made. */
  readonly completed: number
  /** How many jobs have failed since the pool was made. */
  readonly failed: number
  /** How many workers have died unexpectedly since the pool was made. */
  readonly crashed: number
}

export interface MapOptions {
  /**
   * Whether results come in the order of the items. When false, each result comes as soon as it is ready. Default true.
   */
  ordered?: boolean
  /**
   * How many items are read and submitted ahead of the reader of the results. By default 16 for each worker, or
   * `maxQueue` items if that is less, but at least one for each worker.
   */
  buffer?: number
  /** How many items are sent as one job. Default 1. */
  chunksize?: number
  /**
   * If the next result is not there when this many milliseconds have passed since the start of the iteration, the
   * iteration throws TimeoutError. A result that is ready is yielded even after that time. Default Infinity.
   */
  timeout?: number
}

/**
 * Runs jobs in other threads, processes or machines. The interface does not depend on the place: a job is a function's
 * source or the name of a module's export, arguments and results are data, and errors can be sent.
 *
 * Source: concurrent.futures.Executor
 */
export interface Executor extends AsyncDisposable {
  submit<A extends unknown[], Y, R>(job: GeneratorJob<A, Y, R>, ...args: A): JobFuture<R, Y>
  submit<A extends unknown[], R>(job: Job<A, R>, ...args: A): JobFuture<R>
  map<T, R>(
    job: Job<[T], R>,
    items: Iterable<T> | AsyncIterable<T>,
    options?: MapOptions,
  ): AsyncIterable<R>
  shutdown(options?: { wait?: boolean; cancelFutures?: boolean }): Promise<void>
  readonly stats: ExecutorStats
}
