import { runningScope } from '../context/async-context.ts'
import { checkBody } from '../arguments.ts'
import { type CancelledError, isCancelled, RuntimeError } from '../errors/errors.ts'
import { awaitHere, ChainedPromise } from '../futures/chained-promise.ts'
import { Future } from '../futures/future.ts'
import { Cancellation } from '../tasks/cancellation.ts'
import { isAsyncFunction } from '../tasks/coroutine.ts'
import { awaitAnyway, deliverWith } from '../tasks/deliver-cancel.ts'
import { type Frame, ScopeFrame } from '../tasks/frame.ts'
import { ENDED } from '../tasks/frame-state.ts'
import { close, hasWaits } from '../tasks/frame-end.ts'
import { callAndLook } from '../tasks/promise-hook.ts'
import { createTask } from '../tasks/task.ts'
import { type ScopeKind, scopeTracing, traceScope } from './scope-tracing.ts'

/**
 * Opens a frame for a scope, inside the running frame, and calls `fn` with it. (A frame knows the waits of the scope's
 * body, so that a cancel finds them.) Outside of every task, `fn` runs in a new task. Tracing tools get `kind` and
 * `name`.
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
 * Calls `fn` in a new frame inside the running frame, and returns what `fn` returns. A frame tells the flows of one
 * task apart: code that `fn` begins gets the new frame from `currentFrame()`, after every await too. The frame is not
 * a scope: it ends with the last wait inside it, and cancels of the frames around it reach those waits.
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
 * If the body is an async function, its promise stands for work that the body has begun, so a cancel waits for that
 * work. A promise that another function returns may stand for work that was begun elsewhere: a cancel then ends the
 * wait for the promise and not the work.
 */
export function enterFrame<A, T>(
  frame: ScopeFrame,
  body: (argument: A) => PromiseLike<T>,
  argument: A,
): Promise<T> {
  return frame.enter(() => enterBody(frame, body, argument))
}

/**
 * Calls `body` with `argument` and returns a promise of its outcome, as `enterFrame` does, for a caller that runs in
 * `frame` already.
 */
export function enterBody<A, T>(
  frame: ScopeFrame,
  body: (argument: A) => PromiseLike<T>,
  argument: A,
): Promise<T> {
  try {
    if (isAsyncFunction(body)) return body(argument) as Promise<T>
    const { returned, isOwn } = callAndLook(body, argument)
    if (!(returned instanceof Promise) || returned instanceof ChainedPromise) {
      return awaitHere(returned)
    }
    return isOwn ? returned : orGivenUp(frame, returned)
  } catch (error) {
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- whatever was thrown
    return Promise.reject(error)
  }
}

/**
 * Returns a promise of the outcome of `promise`, which stands for work that was begun outside of the scope. A cancel
 * of the scope rejects the returned promise at once.
 */
function orGivenUp<T>(frame: ScopeFrame, promise: Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    frame.awaitReturned(promise, reject)
    promise.then(resolve, reject)
  })
}

/**
 * Ends `frame` when its body has ended. If the scope was cancelled while the body ran, the scope must wait until its
 * other flows, such as the other branches of a `Promise.all`, have ended their clean-up. `cancelsBefore` is the number
 * of cancels from outside when the body began; if there are more now, the scope counts as cancelled too.
 *
 * Returns null if there is nothing to wait for. Otherwise returns a promise that waits for the end of those flows. It
 * gives the CancelledError of a cancel from outside that came during the wait, or null.
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
      // This wait belongs to the frame around `frame`, so a cancel from outside ends it and is not lost.
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
 * Throws `error` out of the scope of `frame`. If `error` is a CancelledError and a cancel of a frame further out is
 * pending, `error` counts as the delivery of that cancel, which is then not thrown a second time.
 */
export function throwOut(frame: Frame, error: unknown): never {
  if (isCancelled(error)) deliverWith(frame)
  // oxlint-disable-next-line typescript/only-throw-error -- whatever the body threw
  throw error
}
