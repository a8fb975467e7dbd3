import { availableParallelism } from 'node:os'
import type { ResourceLimits } from 'node:worker_threads'
import { describe } from '@tasktree/core/lowlevel'
import type { Job } from '../jobs/job.ts'

export interface PoolOptions {
  /** By default as many as the machine runs in parallel. */
  maxWorkers?: number
  /** Started at once, and kept when idle. Default 0. */
  minWorkers?: number
  /** Milliseconds after which an idle worker ends. Default Infinity; an idle worker does not keep the process alive. */
  idleTimeout?: number
  /** How many jobs may wait for a worker; `submit` throws ExecutorQueueFull beyond. Default Infinity. */
  maxQueue?: number
  /** After so many jobs a worker is replaced. Default Infinity. */
  maxTasksPerWorker?: number
  /** Milliseconds that a cancelled job has to end before its worker is terminated. Default 100. */
  cancelGrace?: number
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
}

export interface CheckedPoolOptions {
  readonly maxWorkers: number
  readonly minWorkers: number
  readonly idleTimeout: number
  readonly maxQueue: number
  readonly maxTasksPerWorker: number
  readonly cancelGrace: number
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
  }
}

export function checkCount(name: string, value: unknown, least: number): number {
  if (typeof value !== 'number') {
    throw new TypeError(`${name} must be a number, got ${describe(value)}`)
  }
  if (!(value >= least) || (value !== Infinity && !Number.isInteger(value))) {
    throw new RangeError(`${name} must be a whole number of at least ${least}, got ${value}`)
  }
  return value
}

export function checkDuration(name: string, value: unknown): number {
  if (typeof value !== 'number') {
    throw new TypeError(`${name} must be a number of milliseconds, got ${describe(value)}`)
  }
  if (!(value >= 0)) throw new RangeError(`${name} must be at least 0 ms, got ${value}`)
  return value
}
