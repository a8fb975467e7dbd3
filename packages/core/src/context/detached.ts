import { checkBody } from '../arguments.ts'
import { getEventLoop } from './current.ts'

/**
 * Calls `fn` outside of every task and scope, in the outermost frame of the loop, and returns the result of `fn`. Use
 * this for a singleton that must live longer than the request that happens to create it. For example, if the first
 * request creates a connection pool inside its `timeout`, the pool does not end with that request. Listeners that `fn`
 * adds run outside of every task, too.
 *
 * `currentTask()` is null in `fn`. Waits that begin in `fn` are cancelled when the run of the loop ends.
 *
 * @throws {TypeError} when `fn` is not a function
 *
 * @example
 *     let refresher: Task<never> | null = null
 *     // Started by the first task that needs it, and not ended with that task.
 *     const getRefresher = () => (refresher ??= detached(() => createTask(() => sleepForever())))
 *     console.log(getRefresher() === getRefresher()) // true
 *     getRefresher().cancel()
 */
export function detached<T>(fn: () => T): T {
  checkBody('detached', fn)
  return getEventLoop().runDetached(fn)
}
