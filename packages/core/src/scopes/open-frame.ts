import { runningScope } from '../context/async-context.ts'
import { checkBody } from '../arguments.ts'
import { type CancelledError, isCancelled, RuntimeError } from '../errors/errors.ts'
import { Future } from '../futures/future.ts'
import { Cancellation } from '../tasks/cancellation.ts'
import { isAsyncFunction } from '../tasks/coroutine.ts'
import { awaitAnyway, deliverWith } from '../tasks/deliver-cancel.ts'
import { type Frame, ScopeFrame } from '../tasks/frame.ts'
import { close, ENDED, hasWaits } from '../tasks/frame-waits.ts'
import { callAndLook } from '../tasks/promise-hook.ts'
import { createTask } from '../tasks/task.ts'

/**
 * Opens a frame for a scope, inside the one that is running, and calls `fn` with it. Where no task is running, `fn` runs
 * in a task of its own.
 */
export function inFrame<T>(fn: (frame: ScopeFrame) => Promise<T>): Promise<T> {
  const scope = runningScope()
  const enclosing = scope?.frame ?? null
  if (scope === undefined || enclosing === null || enclosing.task === null) {
    return runInOwnTask(() => inFrame(fn))
  }
  return fn(new ScopeFrame(scope, enclosing))
}

async function runInOwnTask<T>(fn: () => Promise<T>): Promise<T> {
  return createTask(fn)
}

/**
 * Calls `fn` in a new frame inside the running one, and returns what it returns. A frame tells the flows of one task
 * apart: code that `fn` begins finds it by `currentFrame()`, after every await too. It is no scope: it ends when the last
 * wait inside it has, and a cancel of the frames around it reaches it.
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
 * Calls `body` with `argument` in `frame`, and awaits there what it returns. A promise that an async function returns is
 * of work that the body has begun; another promise may be of work from outside.
 */
export function enterFrame<A, T>(
  frame: ScopeFrame,
  body: (argument: A) => PromiseLike<T>,
  argument: A,
): Promise<T> {
  return frame.enter(() => enterBody(frame, body, argument))
}

/** The same for code that runs in `frame` already. */
export function enterBody<A, T>(
  frame: ScopeFrame,
  body: (argument: A) => PromiseLike<T>,
  argument: A,
): Promise<T> {
  try {
    if (isAsyncFunction(body)) return body(argument) as Promise<T>
    const { returned, isOwn } = callAndLook(body, argument)
    if (!(returned instanceof Promise)) return awaitHere(returned)
    return isOwn ? returned : orGivenUp(frame, returned)
  } catch (error) {
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- whatever was thrown
    return Promise.reject(error)
  }
}

async function awaitHere<T>(awaitable: PromiseLike<T>): Promise<T> {
  return await awaitable
}

/** The body has returned a promise of work that was begun outside: a cancel ends the scope's own wait for it. */
function orGivenUp<T>(frame: ScopeFrame, promise: Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    frame.awaitReturned(promise, reject)
    promise.then(resolve, reject)
  })
}

/**
 * The body has ended. A scope that was cancelled while the body ran waits until its other flows, such as the other
 * branches of a `Promise.all`, have ended their clean-up. Null when there is nothing to wait for; else a promise of the
 * cancel from outside that came meanwhile.
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
      // A wait of the frame around this one: a cancel from outside is not lost.
      await awaitAnyway(frame, quiet)
    } catch (error) {
      if (!isCancelled(error)) throw error
      interrupted = error
    }
  }
  frame.unlink()
  return interrupted
}

/** Throws `error` out of a scope. A CancelledError takes a remembered cancel from outside with it. */
export function throwOut(frame: Frame, error: unknown): never {
  if (isCancelled(error)) deliverWith(frame)
  // oxlint-disable-next-line typescript/only-throw-error -- whatever the body threw
  throw error
}
