import { checkBody } from '../arguments.ts'
import { getEventLoop } from './current.ts'

/**
 * Calls `fn` outside of every task and scope, and returns the result of `fn`. Use `detached` for a singleton that must
 * live longer than the request that happens to create it. For example, if the first request creates a connection pool
 * with `detached` inside a `timeout`, the pool does not end with that request. The callbacks of timers and sockets that
 * `fn` makes run outside of every task, too.
 *
 * `currentTask()` is null in `fn`. At its end, `run` cancels the waits that have begun in `fn`.
 *
 * @throws {TypeError} when `fn` is not a function
 *
 * @example
 *     let refresher: Task<never> | null = null
 *     // The first caller starts this task, and the task does not end with the first caller.
 *     const getRefresher = () => (refresher ??= detached(() => createTask(() => sleepForever())))
 *     console.log(getRefresher() === getRefresher()) // true
 *     getRefresher().cancel()
 */
export function detached<T>(fn: () => T): T {
  checkBody('detached', fn)
  return getEventLoop().runDetached(fn)
}
