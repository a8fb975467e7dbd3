import { AsyncLocalStorage } from 'node:async_hooks'
import { workerData } from 'node:worker_threads'
import { RuntimeError } from '@tasktree/core'
import { identityKey, type ThreadIdentity, type WatchIdentity } from '../transport/protocol.ts'

/** The parts of a running job that the code of the job can use. */
export interface RunningJob {
  readonly signal: AbortSignal
  reportProgress(value: unknown): void
}

const currentKey = Symbol.for('@tasktree/executor.currentJob')

/**
 * Finds the one storage that all copies of this package in a worker share, because a job's module may have loaded
 * another copy of the package.
 */
function findStorage(): AsyncLocalStorage<RunningJob> {
  const home = globalThis as { [currentKey]?: AsyncLocalStorage<RunningJob> }
  return (home[currentKey] ??= new AsyncLocalStorage<RunningJob>())
}

/** Holds the job that the running code belongs to, even after an await. */
export const currentJob: AsyncLocalStorage<RunningJob> = findStorage()

/** The identity of a worker process: a number, which is passed on its command line. */
interface ProcessIdentity {
  readonly id: number
}

/** The identity of a worker, or of the watch thread of a worker process; null in any other thread or process. */
export const identity: ThreadIdentity | WatchIdentity | ProcessIdentity | null = findIdentity()

function findIdentity(): ThreadIdentity | WatchIdentity | ProcessIdentity | null {
  const data: unknown = workerData
  if (typeof data === 'object' && data !== null && identityKey in data) {
    return data[identityKey] as ThreadIdentity | WatchIdentity
  }
  const [, , mark, id] = process.argv
  return mark === identityKey ? { id: Number(id) } : null
}

/**
 * In a worker, its number in the pool, from 1; elsewhere null. The number of a worker that was replaced is not used
 * again.
 *
 * @example
 *     console.log(workerId, (await toThread(() => workerId)) !== null) // null true
 */
export const workerId: number | null = identity !== null && 'id' in identity ? identity.id : null

/**
 * Returns a signal that aborts when the running job is cancelled. A job may also poll `aborted`, which changes even
 * while the job's code blocks.
 *
 * @throws {RuntimeError} outside a job
 *
 * @example
 *     const job = toThread(() => {
 *       let turns = 0
 *       while (!workerSignal().aborted) turns++ // ends at once when the job is cancelled
 *       return turns
 *     })
 *     await sleep(50)
 *     job.cancel()
 *     console.log(job.cancelled()) // true
 */
export function workerSignal(): AbortSignal {
  return getJob('workerSignal').signal
}

/**
 * Sends `value` to the callbacks that the caller passed to `onProgress` of the job's future.
 *
 * @throws {RuntimeError} outside a job
 * @throws {JobSerializationError} when `value` cannot be cloned
 *
 * @example
 *     const job = toThread(() => {
 *       for (const percent of [50, 100]) reportProgress(percent)
 *     })
 *     job.onProgress((percent) => console.log(percent)) // 50, then 100
 *     await job
 */
export function reportProgress(value: unknown): void {
  getJob('reportProgress').reportProgress(value)
}

function getJob(call: string): RunningJob {
  const job = currentJob.getStore()
  if (job === undefined) throw new RuntimeError(`${call}() works only inside a job of an executor`)
  return job
}
