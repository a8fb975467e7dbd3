import { currentEnvironment } from '../context/async-context.ts'
import { checkBody } from '../arguments.ts'
import { type CancelledError, isCancelled, RuntimeError } from '../errors/errors.ts'
import { awaitHere, ChainedPromise } from '../futures/chained-promise.ts'
import { Future } from '../futures/future.ts'
import { Cancellation } from '../tasks/cancellation.ts'
import { isAsyncFunction } from '../tasks/coroutine.ts'
import { awaitAnyway, deliverWith } from '../tasks/deliver-cancel.ts'
import { deliverKeptOut } from '../tasks/level-cancel.ts'
import type { Frame } from '../tasks/frame.ts'
import { ENDED } from '../tasks/frame-state.ts'
import { close, hasWaits } from '../tasks/frame-end.ts'
import { callNotingPromises } from '../tasks/promise-hook.ts'
import { ScopeFrame } from '../tasks/scope-frame.ts'
import { createTask, type Task } from '../tasks/task.ts'
import { type ScopeKind, scopeTracing, traceScope } from './scope-tracing.ts'

/**
 * Calls `fn` with a new frame: the object that records the waits of a scope's body, so that a cancel can end them. The
 * new frame is inside the frame of the running code. If the running code belongs to no task, `fn` is called in a new
 * task. `kind` and `name` are passed to tracing tools. Returns what `fn` returns.
 */
export function inFrame<T>(
  kind: ScopeKind,
  name: string | undefined,
  fn: (frame: ScopeFrame) => Promise<T>,
): Promise<T> {
  const environment = currentEnvironment()
  const enclosing = environment?.frame ?? null
  if (environment === undefined || enclosing === null || enclosing.task === null) {
    return inOwnTask(kind, name, fn)
  }
  const frame = new ScopeFrame(environment, enclosing)
  return scopeTracing.isOn ? traced(frame, kind, name, fn) : fn(frame)
}

// `inOwnTask` and `traced` contain closures, so they are not part of `inFrame`, which each scope calls: V8 would
// allocate an object for the variables of a closure at each call of `inFrame`, even if the closure is not made.

async function inOwnTask<T>(
  kind: ScopeKind,
  name: string | undefined,
  fn: (frame: ScopeFrame) => Promise<T>,
): Promise<T> {
  return createTask(() => inFrame(kind, name, fn))
}

function traced<T>(
  frame: ScopeFrame,
  kind: ScopeKind,
  name: string | undefined,
  fn: (frame: ScopeFrame) => Promise<T>,
): Promise<T> {
  const message = { task: frame.task as Task, kind, name: name ?? null }
  return traceScope(
    message,
    () => fn(frame),
    () => frame.scope?.cancelledCaught === true,
  )
}

/**
 * Calls `fn` in a new frame, and returns what `fn` returns. A frame is an object that lists the waits of some code. In
 * the code that `fn` begins, `currentFrame()` returns the new frame, even after an `await`. So if a task has several
 * calls in progress at the same time, a library can tell which of them runs. The new frame is inside the frame of the
 * running code, so a cancel of the task or of a scope around the call ends the waits in the new frame too. The frame
 * ends with the last wait in it.
 *
 * @throws {TypeError} when `fn` is not a function
 * @throws {RuntimeError} outside of a loop
 */
export function runInNewFrame<T>(fn: () => T): T {
  checkBody('runInNewFrame', fn)
  const environment = currentEnvironment()
  const enclosing = environment?.frame ?? null
  if (environment === undefined || enclosing === null) {
    throw new RuntimeError('runInNewFrame() needs a running loop: call it in a task or a callback')
  }
  const frame = new ScopeFrame(environment, enclosing)
  frame.state = ENDED
  frame.unlink()
  return frame.enter(fn)
}

/**
 * Calls `body`, the body of a scope, with `argument`, and returns a promise of the outcome of the body. The waits of
 * the body are listed in `frame`, so that a cancel of the scope ends them.
 *
 * If the body itself has made the promise that it returns, as an async function does, the promise stands for work that
 * the body has begun. So after a cancel the scope waits until that work has ended. If the promise was made before the
 * call of the body, a cancel ends only the wait for the promise, and the work continues.
 */
export function enterFrame<A, T>(
  frame: ScopeFrame,
  body: (argument: A) => PromiseLike<T>,
  argument: A,
): Promise<T> {
  return frame.enter(() => enterBody(frame, body, argument))
}

/**
 * Calls `body` with `argument` and returns a promise of the outcome of the body. Unlike `enterFrame`, this function
 * does not make `frame` the current frame (the object that lists the waits of the running code): the caller must have
 * done that.
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
 * Returns a promise of the outcome of `promise`, which stands for work that was begun outside of the scope. A cancel of
 * the scope rejects the returned promise at once, and the work continues. `frame` is the object for the scope.
 */
function untilAbandoned<T>(frame: ScopeFrame, promise: Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    frame.awaitReturned(promise, reject)
    promise.then(resolve, reject)
    // A cancel that came before this wait ends it in a later turn (one step of the loop). If `promise` has settled
    // already, its outcome comes first.
    if (frame.mustCancel || frame.isLevelCancelled()) {
      frame.loop.push({ run: () => void (frame.awaitsReturned(promise) && deliverKeptOut(frame)) })
    }
  })
}

/**
 * Called when the body of a scope has ended; `frame` is the object that lists the waits of this body. If the scope was
 * cancelled while the body ran, the scope must wait until the async calls that the body began and did not await, such
 * as the other branches of a `Promise.all`, have ended their clean-up. `cancelsBefore` is the number of cancels of the
 * scope, of the scopes around it and of the task when the body began. If the number is larger now, the scope counts as
 * cancelled too.
 *
 * Returns null if there is nothing to wait for. Otherwise returns a promise that is fulfilled when those calls have
 * ended. The value of the promise is a CancelledError if a cancel from outside has ended the wait, and otherwise null.
 */
export function endFrame(
  frame: ScopeFrame,
  cancelsBefore: number,
): Promise<CancelledError | null> | null {
  frame.cancellation?.confirm()
  frame.awaitReturned(null, null)
  frame.endShield()
  if (frame.cancellation?.wasAsked === true || frame.visibleCancels() > cancelsBefore) {
    close(frame)
    if (hasWaits(frame)) return untilQuiet(frame)
  } else {
    frame.state = ENDED
    frame.loop.monitor?.scopeEnded(frame)
  }
  if (!frame.hasOwnWaits() && frame.firstChild === null) frame.unlink()
  return null
}

async function untilQuiet(frame: Frame): Promise<CancelledError | null> {
  frame.cancellation ??= new Cancellation(frame)
  const { cancellation } = frame
  let interrupted: CancelledError | null = null
  while (hasWaits(frame)) {
    const quiet = new Future<void>({ loop: frame.loop })
    cancellation.onQuiet = () => {
      if (!quiet.done()) quiet.setResult()
    }
    try {
      // `quiet` is awaited as part of the scope or task around `frame`, and not as part of `frame`. So a cancel from
      // outside ends this wait, and is not lost. In a cancelled scope no cancel ends this wait.
      await awaitAnyway(frame.parent ?? frame, quiet)
    } catch (error) {
      if (!isCancelled(error)) throw error
      interrupted = error
    }
  }
  frame.unlink()
  return interrupted
}

/**
 * Throws to the code around a scope whose body has thrown `error`; `frame` is the object for the scope. `isCancel` says
 * whether `error` stands for a cancel. `interrupted` is the result of `endFrame`: the CancelledError that has ended the
 * wait for other calls, or null. A failure of the body is thrown in place of this CancelledError. Then the next wait
 * throws the cancel again, because it would otherwise be lost.
 */
export function throwEnd(
  frame: Frame,
  error: unknown,
  isCancel: boolean,
  interrupted: CancelledError | null,
): never {
  if (interrupted === null) return throwOut(frame, error)
  if (isCancel) return throwOut(frame, interrupted)
  frame.cancelAgain()
  // oxlint-disable-next-line typescript/only-throw-error -- the value that the body threw is passed on unchanged
  throw error
}

/**
 * Throws `error` to the code around a scope; `frame` is the object for the scope. If `error` is an AbortError that a
 * cancel has caused, its CancelledError is thrown. The task, or a scope around this one, may have a cancel that has
 * ended no wait yet. If a CancelledError is thrown, `deliverWith` notes that the error has delivered that cancel, so
 * that the cancel is not thrown a second time.
 */
export function throwOut(frame: Frame, error: unknown): never {
  const cancel = frame.cancelOf(error)
  if (cancel !== null) deliverWith(frame)
  // oxlint-disable-next-line typescript/only-throw-error -- the value that the body threw is passed on unchanged
  throw cancel ?? error
}
