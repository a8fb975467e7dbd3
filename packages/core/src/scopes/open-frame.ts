import { runningScope } from '../context/async-context.ts'
import { checkBody } from '../arguments.ts'
import { type CancelledError, isCancelled, RuntimeError } from '../errors/errors.ts'
import { awaitHere, ChainedPromise } from '../futures/chained-promise.ts'
import { Future } from '../futures/future.ts'
import { Cancellation } from '../tasks/cancellation.ts'
import { isAsyncFunction } from '../tasks/coroutine.ts'
import { awaitAnyway, deliverWith } from '../tasks/deliver-cancel.ts'
import type { Frame } from '../tasks/frame.ts'
import { ENDED } from '../tasks/frame-state.ts'
import { close, hasWaits } from '../tasks/frame-end.ts'
import { callNotingPromises } from '../tasks/promise-hook.ts'
import { ScopeFrame } from '../tasks/scope-frame.ts'
import { createTask } from '../tasks/task.ts'
import { type ScopeKind, scopeTracing, traceScope } from './scope-tracing.ts'

/**
 * Makes a frame for a new scope, inside the frame of the running code, and calls `fn` with the new frame. A frame is
 * the object that records the waits of a scope's body, so that a cancel can end them. Outside of every task, `fn` runs
 * in a new task. `kind` and `name` are passed to tracing tools.
 */
export function inFrame<T>(
  kind: ScopeKind,
  name: string | undefined,
  fn: (frame: ScopeFrame) => Promise<T>,
): Promise<T> {
  const scope = runningScope()
  const enclosing = scope?.frame ?? null
  if (scope === undefined || enclosing === null || enclosing.task === null) {
    return runInOwnTask(() => inFrame(kind, name, fn))
  }
  const frame = new ScopeFrame(scope, enclosing)
  if (!scopeTracing.isOn) return fn(frame)
  return traceScope({ task: enclosing.task, kind, name: name ?? null }, () => fn(frame))
}

async function runInOwnTask<T>(fn: () => Promise<T>): Promise<T> {
  return createTask(fn)
}

/**
 * Calls `fn` in a new frame inside the running frame, and returns what `fn` returns. One task can have several calls in
 * progress at the same time, and each can have a frame of its own: in the code that `fn` begins, `currentFrame()`
 * returns the new frame, even after an await. The frame is not a scope. It ends with the last wait inside it, and a
 * cancel of a frame around it ends the waits inside it.
 *
 * @throws {TypeError} when `fn` is not a function
 * @throws {RuntimeError} outside of a loop
 */
export function runInNewFrame<T>(fn: () => T): T {
  checkBody('runInNewFrame', fn)
  const scope = runningScope()
  const enclosing = scope?.frame ?? null
  if (scope === undefined || enclosing === null) {
    throw new RuntimeError('runInNewFrame() needs a running loop: call it in a task or a callback')
  }
  const frame = new ScopeFrame(scope, enclosing)
  frame.state = ENDED
  frame.unlink()
  return frame.enter(fn)
}

/**
 * Calls `body` with `argument` in `frame`, and returns a promise of the body's outcome.
 *
 * If the body is an async function, its promise stands for work that the body has begun, so after a cancel the scope
 * waits until that work has ended. If the body is another function, its promise may stand for work that was begun
 * elsewhere. Then a cancel ends only the wait for the promise, and the work continues.
 */
export function enterFrame<A, T>(
  frame: ScopeFrame,
  body: (argument: A) => PromiseLike<T>,
  argument: A,
): Promise<T> {
  return frame.enter(() => enterBody(frame, body, argument))
}

/**
 * Calls `body` with `argument` and returns a promise of its outcome. Unlike `enterFrame`, it does not enter `frame`:
 * the caller must run in `frame` already.
 */
export function enterBody<A, T>(
  frame: ScopeFrame,
  body: (argument: A) => PromiseLike<T>,
  argument: A,
): Promise<T> {
  try {
    if (isAsyncFunction(body)) return body(argument) as Promise<T>
    const { returned, isOwn } = callNotingPromises(body, argument)
    if (!(returned instanceof Promise) || returned instanceof ChainedPromise) {
      return awaitHere(returned)
    }
    return isOwn ? returned : untilAbandoned(frame, returned)
  } catch (error) {
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the program may throw any value, and it is passed on unchanged
    return Promise.reject(error)
  }
}

/**
 * Returns a promise of the outcome of `promise`, which stands for work that was begun outside of the scope. A cancel
 * of the scope rejects the returned promise at once.
 */
function untilAbandoned<T>(frame: ScopeFrame, promise: Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    frame.awaitReturned(promise, reject)
    promise.then(resolve, reject)
  })
}

/**
 * Ends `frame` when its body has ended. If the scope was cancelled while the body ran, the scope must wait until the
 * other calls that the body began, such as the other branches of a `Promise.all`, have ended their clean-up.
 * `cancelsBefore` is the number of cancels from outside when the body began. If the number is larger now, the scope
 * counts as cancelled too.
 *
 * Returns null if there is nothing to wait for. Otherwise returns a promise that is fulfilled when those calls have
 * ended. Its value is the CancelledError of a cancel that came from outside during the wait, or null if no cancel came.
 */
export function endFrame(
  frame: ScopeFrame,
  cancelsBefore: number,
): Promise<CancelledError | null> | null {
  frame.cancellation?.confirm()
  frame.awaitReturned(null, null)
  if (frame.cancellation?.wasAsked === true || frame.visibleCancels() > cancelsBefore) {
    close(frame)
    if (hasWaits(frame)) return untilQuiet(frame)
  } else {
    frame.state = ENDED
    frame.scopeLoop.monitor?.scopeEnded(frame)
  }
  if (!frame.hasOwnWaits() && frame.firstChild === null) frame.unlink()
  return null
}

async function untilQuiet(frame: Frame): Promise<CancelledError | null> {
  frame.cancellation ??= new Cancellation(frame)
  const { cancellation } = frame
  let interrupted: CancelledError | null = null
  while (hasWaits(frame)) {
    const quiet = new Future<void>({ loop: frame.scopeLoop })
    cancellation.onQuiet = () => {
      if (!quiet.done()) quiet.setResult()
    }
    try {
      // This wait belongs to the frame around `frame`. So a cancel from outside ends this wait, and is not lost.
      await awaitAnyway(frame, quiet)
    } catch (error) {
      if (!isCancelled(error)) throw error
      interrupted = error
    }
  }
  frame.unlink()
  return interrupted
}

/**
 * Throws `error` to the code around the scope of `frame`. If `error` is a CancelledError, and a cancel of a frame
 * around `frame` is pending, that cancel counts as delivered by `error`. So the cancel is not thrown a second time.
 */
export function throwOut(frame: Frame, error: unknown): never {
  if (isCancelled(error)) deliverWith(frame)
  // oxlint-disable-next-line typescript/only-throw-error -- the value that the body threw is passed on unchanged
  throw error
}
