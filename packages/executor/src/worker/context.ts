import { AsyncLocalStorage } from 'node:async_hooks'
import { workerData } from 'node:worker_threads'
import { RuntimeError } from '@tasktree/core'
import { identityKey, type ThreadIdentity, type WatchIdentity } from '../transport/protocol.ts'

/** What the code of a running job can reach. */
export interface RunningJob {
  readonly signal: AbortSignal
  reportProgress(value: unknown): void
}

const currentKey = Symbol.for('@tasktree/executor.currentJob')

/** One for all copies of this package in a worker: a job's module may have loaded a copy of its own. */
function findStorage(): AsyncLocalStorage<RunningJob> {
  const home = globalThis as { [currentKey]?: AsyncLocalStorage<RunningJob> }
  return (home[currentKey] ??= new AsyncLocalStorage<RunningJob>())
}

/** The job that the running code belongs to, through every await. */
export const currentJob: AsyncLocalStorage<RunningJob> = findStorage()

/** The identity of a worker process: a number, which the process gets by its command line. */
interface ProcessIdentity {
  readonly id: number
}

/** In a worker, or in the watch thread of a worker process, what it is; elsewhere null. */
export const identity: ThreadIdentity | WatchIdentity | ProcessIdentity | null = findIdentity()

function findIdentity(): ThreadIdentity | WatchIdentity | ProcessIdentity | null {
  const data: unknown = workerData
  if (typeof data === 'object' && data !== null && identityKey in data) {
    return data[identityKey] as ThreadIdentity | WatchIdentity
  }
  const [, , mark, id] = process.argv
  return mark === identityKey ? { id: Number(id) } : null
}

/** In a worker its number in its pool, from 1; elsewhere null. A replaced worker's number is not used again. */
export const workerId: number | null = identity !== null && 'id' in identity ? identity.id : null

/**
 * Aborts when the running job is cancelled. It can also be polled: `aborted` changes while the job's
 * code blocks.
 *
 * @throws {RuntimeError} outside a job
 */
export function workerSignal(): AbortSignal {
  return getJob('workerSignal').signal
}

/**
 * Sends `value` to the `onProgress` callbacks of the job's future.
 *
 * @throws {RuntimeError} outside a job
 * @throws {JobSerializationError} when `value` cannot be cloned
 */
export function reportProgress(value: unknown): void {
  getJob('reportProgress').reportProgress(value)
}

function getJob(call: string): RunningJob {
  const job = currentJob.getStore()
  if (job === undefined) throw new RuntimeError(`${call}() works only inside a job of an executor`)
  return job
}
