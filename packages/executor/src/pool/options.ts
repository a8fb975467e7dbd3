import { availableParallelism } from 'node:os'
import type { ResourceLimits } from 'node:worker_threads'
import { checkCount, checkDuration, describe } from '@tasktree/core/lowlevel'
import type { Job } from '../jobs/job.ts'

export interface PoolOptions {
  /** By default as many as the machine runs in parallel. */
  maxWorkers?: number
  /** Workers that start at once, and are kept when they are idle. Default 0. */
  minWorkers?: number
  /** Milliseconds after which an idle worker ends. Default Infinity; an idle worker does not keep the process alive. */
  idleTimeout?: number
  /** How many jobs may wait for a worker; `submit` throws ExecutorQueueFull beyond. Default Infinity. */
  maxQueue?: number
  /** After this many jobs a worker is replaced. Default Infinity. */
  maxTasksPerWorker?: number
  /** Milliseconds that a cancelled job has to end before its worker is terminated. Default 100. */
  cancelGrace?: number
  /**
   * Milliseconds that an idle worker has to end by itself, when the pool does not need it any more: its exit
   * listeners run and its output is written. Then it is terminated. Default 1000.
   */
  exitGrace?: number
  /** Runs first in each worker; when it fails the pool is broken. */
  // oxlint-disable-next-line typescript/no-explicit-any -- its arguments are initargs
  initializer?: Job<any[], unknown>
  initargs?: readonly unknown[]
  /** What the workers are called. */
  name?: string
  /** Of each worker's heap and stack, in megabytes. */
  resourceLimits?: ResourceLimits
  /** The workers' environment variables; by default this process's. */
  env?: NodeJS.ProcessEnv
  /**
   * The file that workers run, for a program that a bundler has put into one file: a copy of this package's
   * `worker-entry.js`. By default it is looked for beside the running file, then where the package is installed.
   */
  workerEntry?: URL | string
}

export interface CheckedPoolOptions {
  readonly maxWorkers: number
  readonly minWorkers: number
  readonly idleTimeout: number
  readonly maxQueue: number
  readonly maxTasksPerWorker: number
  readonly cancelGrace: number
  readonly exitGrace: number
}

/** @throws {TypeError} for a wrong type @throws {RangeError} for a wrong number */
export function checkPoolOptions(options: PoolOptions): CheckedPoolOptions {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`an executor takes an options object, got ${describe(options)}`)
  }
  const { initializer, initargs } = options
  if (
    initializer !== undefined &&
    typeof initializer !== 'function' &&
    typeof initializer !== 'object'
  ) {
    throw new TypeError(
      `initializer must be a function or a job reference, got ${describe(initializer)}`,
    )
  }
  if (initargs !== undefined && !Array.isArray(initargs)) {
    throw new TypeError(`initargs must be an array, got ${describe(initargs)}`)
  }
  const maxWorkers = checkCount('maxWorkers', options.maxWorkers ?? availableParallelism(), 1)
  const minWorkers = checkCount('minWorkers', options.minWorkers ?? 0, 0)
  if (minWorkers > maxWorkers) {
    throw new RangeError(`minWorkers must be at most maxWorkers (${maxWorkers}), got ${minWorkers}`)
  }
  return {
    maxWorkers,
    minWorkers,
    idleTimeout: checkDuration('idleTimeout', options.idleTimeout ?? Infinity),
    maxQueue: checkCount('maxQueue', options.maxQueue ?? Infinity, 0),
    maxTasksPerWorker: checkCount('maxTasksPerWorker', options.maxTasksPerWorker ?? Infinity, 1),
    cancelGrace: checkDuration('cancelGrace', options.cancelGrace ?? 100),
    exitGrace: checkDuration('exitGrace', options.exitGrace ?? 1_000),
  }
}
