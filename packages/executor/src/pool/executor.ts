import type { GeneratorJob, Job } from '../jobs/job.ts'
import type { JobFuture } from '../jobs/job-future.ts'

export interface ExecutorStats {
  /** Alive or starting. */
  readonly workers: number
  readonly idle: number
  readonly queued: number
  readonly running: number
  /** Jobs since the pool was made. */
  readonly completed: number
  /** Jobs since the pool was made. */
  readonly failed: number
  /** Workers since the pool was made that died without being told to. */
  readonly crashed: number
}

export interface MapOptions {
  /** Whether results come in the order of the items. When false, they come as they are ready. Default true. */
  ordered?: boolean
  /** How many items are taken ahead of the reader of the results; by default 16 for each worker. */
  buffer?: number
  /** How many items are sent as one job. Default 1. */
  chunksize?: number
  /** Milliseconds from the start of the iteration to the last result, after which it throws TimeoutError. */
  timeout?: number
}

/**
 * Runs jobs somewhere else. Nothing in this interface is bound to one machine: a job is a function's source or the
 * name of a module's export, arguments and results are data, and errors can be sent.
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
