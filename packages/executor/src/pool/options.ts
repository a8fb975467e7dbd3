import { availableParallelism } from 'node:os'
import type { ResourceLimits } from 'node:worker_threads'
import { checkCount, checkDuration, describe } from '@tasktree/core/lowlevel'
import type { Job } from '../jobs/job.ts'

export interface PoolOptions {
  /** The most workers that run at once. By default the number of processor cores that this process may use. */
  maxWorkers?: number
  /** How many workers start together with the pool, and stay when they are idle. Default 0. */
  minWorkers?: number
  /**
   * After this many idle milliseconds a worker ends. Default Infinity. An idle worker does not keep the process alive.
   */
  idleTimeout?: number
  /**
   * How many jobs may wait for a worker. With more, `submit` throws ExecutorQueueFull, and `map` waits before it reads
   * the next item. Default Infinity.
   */
  maxQueue?: number
  /** After this many jobs a worker ends, and a new one takes its place. Default Infinity. */
  maxTasksPerWorker?: number
  /** How many milliseconds a cancelled job may go on before its worker is terminated. Default 100. */
  cancelGrace?: number
  /**
   * When the pool no longer needs an idle worker, the worker ends by itself: its exit listeners run and its output is
   * written. If this takes longer than this many milliseconds, the worker is terminated. Default 1000.
   */
  exitGrace?: number
  /** A function that each worker runs before its first job. If it fails, the pool is broken. */
  // oxlint-disable-next-line typescript/no-explicit-any -- its arguments are initargs
  initializer?: Job<any[], unknown>
  initargs?: readonly unknown[]
  /** The name of the workers, shown in debuggers and messages. */
  name?: string
  /** Limits for the heap and the stack of each worker, in megabytes. */
  resourceLimits?: ResourceLimits
  /** The environment variables of the workers; by default those of this process. */
  env?: NodeJS.ProcessEnv
  /**
   * The file that workers run, for a program that a bundler has put into one file: a copy of this package's
   * `worker-entry.js`. By default the pool looks for that file beside the running file, and then where the package is
   * installed.
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

/**
 * Checks the options of a pool.
 *
 * @throws {TypeError} when an option has a wrong type
 * @throws {RangeError} when a number is out of range
 */
export function checkPoolOptions(options: PoolOptions): CheckedPoolOptions {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`an executor takes an options object, got ${describe(options)}`)
  }
  const { initializer, initargs, name, resourceLimits, env } = options
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
  if (name !== undefined && typeof name !== 'string') {
    throw new TypeError(`name must be a string, got ${describe(name)}`)
  }
  checkObject('resourceLimits', resourceLimits)
  checkObject('env', env)
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

/** Copies the options that each start of a worker reads, so that a later change by the caller has no effect. */
export function copyWorkerOptions({
  resourceLimits,
  env,
}: PoolOptions): Pick<PoolOptions, 'resourceLimits' | 'env'> {
  return {
    ...(resourceLimits !== undefined && { resourceLimits: { ...resourceLimits } }),
    ...(env !== undefined && { env: { ...env } }),
  }
}

function checkObject(name: string, value: unknown): void {
  if (value === undefined || (typeof value === 'object' && value !== null)) return
  throw new TypeError(`${name} must be an object, got ${describe(value)}`)
}
