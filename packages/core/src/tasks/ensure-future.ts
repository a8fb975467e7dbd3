import { describe, isThenable } from '../arguments.ts'
import { type Awaitable, isCoroutine } from './coroutine.ts'
import { currentFrame } from '../context/current.ts'
import { cancelBehind, isCancelled } from '../errors/errors.ts'
import { Future } from '../futures/future.ts'
import { DetailedFuture } from '../futures/detailed-future.ts'
import { foreignPromise } from '../futures/wait-details.ts'
import type { EventLoop } from '../loop/loop.ts'
import { createTask } from './task.ts'

/**
 * Returns a Future for anything that can be awaited. A Future or Task is returned as it is. A function, Coroutine or
 * generator becomes a new task. A promise becomes a Future with the same outcome. A cancel of that Future ends the wait
 * for the promise, but not the work behind the promise. If the promise rejects after that, its error goes to the
 * exception handler of the loop, unless a cancel has caused the error.
 *
 * @throws {TypeError} for anything else
 *
 * @example
 *     const answer = ensureFuture(Promise.resolve(42)) // a promise has no cancel, a Future has
 *     console.log(isFuture(answer), await answer) // true 42
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
  const fail = (exception: unknown): void => {
    if (!future.done()) future.setException(exception)
    else if (!isOfCancel(exception) && currentFrame()?.isOfAbort(exception) !== true) {
      future.getLoop().callExceptionHandler({
        message: 'Exception of a promise that a cancel had abandoned',
        exception,
      })
    }
  }
  try {
    awaitable.then((value) => {
      if (!future.done()) future.setResult(value)
    }, fail)
  } catch (exception) {
    // The object is not a real promise, and its `then` has thrown. A native promise would reject with this error too.
    fail(exception)
  }
  return future
}

/** @throws {TypeError} when `ensureFuture` does not accept `x` */
export function checkAwaitable(x: unknown): void {
  if (typeof x === 'function' || isCoroutine(x) || isThenable(x)) return
  throw new TypeError(`expected a future, coroutine, promise or function, got ${describe(x)}`)
}

/**
 * Whether `exception` is a CancelledError or has one as its cause. An operation that was given the signal of a
 * cancelled task, such as a `fetch`, may fail with an error that has such a cause. Such an error is not passed to the
 * exception handler of the loop.
 */
function isOfCancel(exception: unknown): boolean {
  return isCancelled(exception) || cancelBehind(exception) !== null
}
