import { describe, isThenable } from '../arguments.ts'
import { type Awaitable, isCoroutine } from './coroutine.ts'
import { isCancelled } from '../errors/errors.ts'
import { Future } from '../futures/future.ts'
import { DetailedFuture } from '../futures/detailed-future.ts'
import { foreignPromise } from '../futures/wait-details.ts'
import type { EventLoop } from '../loop/loop.ts'
import { createTask } from './task.ts'

/**
 * A Future for anything that can be awaited: a Future or Task as it is, a function or Coroutine as a
 * new task, a promise as a Future that gives the promise up when it is cancelled. What an abandoned
 * promise throws later goes to the loop's exception handler, unless that is the cancel itself.
 *
 * @throws {TypeError} for anything else
 *
 * Source: asyncio.ensure_future
 */
export function ensureFuture<T>(
  awaitable: Awaitable<T>,
  options?: { loop?: EventLoop },
): Future<T> {
  if (awaitable instanceof Future) return awaitable
  if (typeof awaitable === 'function' || isCoroutine(awaitable)) {
    return createTask(awaitable as Parameters<typeof createTask<T>>[0], options)
  }
  checkAwaitable(awaitable)
  const future = new DetailedFuture<T>(() => foreignPromise, options)
  awaitable.then(
    (value) => {
      if (!future.done()) future.setResult(value)
    },
    (exception: unknown) => {
      if (!future.done()) future.setException(exception)
      else if (!isOfCancel(exception)) {
        future.getLoop().callExceptionHandler({
          message: 'Exception of a promise that a cancel had abandoned',
          exception,
        })
      }
    },
  )
  return future
}

/** @throws {TypeError} for what `ensureFuture` does not take */
export function checkAwaitable(x: unknown): void {
  if (typeof x === 'function' || isCoroutine(x) || isThenable(x)) return
  throw new TypeError(`expected a future, coroutine, promise or function, got ${describe(x)}`)
}

/** What work that was given the task's signal ends with. */
function isOfCancel(exception: unknown): boolean {
  return isCancelled(exception) || (exception instanceof Error && isCancelled(exception.cause))
}
