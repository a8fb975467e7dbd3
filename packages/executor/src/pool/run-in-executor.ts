import { type EventLoop, getEventLoop } from '@tasktree/core'
import { describe } from '@tasktree/core/lowlevel'
import type { Executor } from './executor.ts'
import type { GeneratorJob, Job } from '../jobs/job.ts'
import type { JobFuture } from '../jobs/job-future.ts'
import { ThreadPoolExecutor } from './thread-pool.ts'

let defaultPool: ThreadPoolExecutor | null = null
const hooked = new WeakSet<EventLoop>()

/**
 * Returns the default pool of this process, which `runInExecutor(null, …)` and `toThread` use. The pool ends at the end
 * of the run that used it, and the next run makes a new one. In plain code without a run, its idle workers end with the
 * program.
 */
function getDefaultPool(): ThreadPoolExecutor {
  defaultPool ??= new ThreadPoolExecutor({ name: 'default-executor' })
  const loop = getEventLoop()
  if (!hooked.has(loop)) {
    hooked.add(loop)
    loop.addShutdownHook(async () => {
      hooked.delete(loop)
      const pool = defaultPool
      defaultPool = null
      await pool?.shutdown()
    })
  }
  return defaultPool
}

/**
 * Runs a job in `executor`, or in the default thread pool of the process when `executor` is null.
 *
 * @throws {TypeError} when `executor` is neither an executor nor null
 * @throws the errors of the executor's `submit`
 *
 * @example
 *     await using pool = new ThreadPoolExecutor({ maxWorkers: 1 })
 *     console.log(await runInExecutor(pool, (n: number) => n * 2, 21)) // 42
 *
 * Source: loop.run_in_executor
 */
export function runInExecutor<A extends unknown[], Y, R>(
  executor: Executor | null,
  job: GeneratorJob<A, Y, R>,
  ...args: A
): JobFuture<R, Y>
export function runInExecutor<A extends unknown[], R>(
  executor: Executor | null,
  job: Job<A, R>,
  ...args: A
): JobFuture<R>
export function runInExecutor(
  executor: Executor | null,
  job: Job<unknown[], unknown>,
  ...args: unknown[]
): JobFuture<unknown> {
  if (executor !== null && typeof executor?.submit !== 'function') {
    throw new TypeError(`runInExecutor() takes an executor or null, got ${describe(executor)}`)
  }
  return (executor ?? getDefaultPool()).submit(job, ...args)
}

/**
 * Runs a job in the process's default thread pool.
 *
 * @example
 *     const countTo = (limit: number) => {
 *       let n = 0
 *       while (n < limit) n++
 *       return n
 *     }
 *     console.log(await toThread(countTo, 1_000_000)) // 1000000
 *
 * Source: asyncio.to_thread. Differs: the job does not see the caller's context variables, except `traceparent`,
 * because a thread has separate memory.
 */
export function toThread<A extends unknown[], Y, R>(
  job: GeneratorJob<A, Y, R>,
  ...args: A
): JobFuture<R, Y>
export function toThread<A extends unknown[], R>(job: Job<A, R>, ...args: A): JobFuture<R>
export function toThread(job: Job<unknown[], unknown>, ...args: unknown[]): JobFuture<unknown> {
  return getDefaultPool().submit(job, ...args)
}
