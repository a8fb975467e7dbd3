import { checkBody, describe, checkDelay } from '../arguments.ts'
import { type Awaitable, Coroutine, runInline } from '../tasks/coroutine.ts'
import { checkAwaitable, ensureFuture } from '../tasks/ensure-future.ts'
import { startAtCaller } from '../errors/caller-stack.ts'
import { isCancelled, RuntimeError, TimeoutError } from '../errors/errors.ts'
import { Future } from '../futures/future.ts'
import { Deadline } from './deadline.ts'
import type { Frame } from '../tasks/frame.ts'
import type { ScopeFrame } from '../tasks/scope-frame.ts'
import { findCancelledScope } from '../tasks/level-cancel.ts'
import { cancelFrame } from '../tasks/propagate-cancel.ts'
import { endFrame, enterFrame, inFrame, throwEnd, throwOut } from './open-frame.ts'

/**
 * The deadline of a `timeout`. `timeout` passes this object to its body.
 *
 * @example
 *     const result = await timeout(5, async (scope) => {
 *       scope.reschedule(getRunningLoop().time() + 60_000) // a minute more
 *       return await sleep(20, 'in time')
 *     })
 *     console.log(result) // in time
 *
 * Source: asyncio.Timeout
 */
export class Timeout {
  readonly #frame: ScopeFrame
  /**
   * @internal The number of cancels, of the task and of the scopes around this one, that were asked for and not taken
   * back before the body began. When the body has ended, `end` takes the cancel by this timeout back, and counts the
   * cancels again. If the new number is larger, a cancel came from outside.
   */
  readonly outerCancels: number
  #state: 'active' | 'expiring' | 'expired' | 'finished' = 'active'
  #deadline: number | null = null
  #timer: Deadline | null = null

  /** @internal */
  constructor(frame: ScopeFrame, deadline: number | null) {
    this.#frame = frame
    this.outerCancels = frame.visibleCancels()
    frame.scope = this
    this.reschedule(deadline)
  }

  /**
   * @internal The deadline in milliseconds of the loop's clock; Infinity if there is no deadline. `effectiveDeadline`
   * takes the earliest deadline of the scopes around the running code. When the timeout has cancelled the body or the
   * body has ended, no time is left, so the value is -Infinity.
   */
  get deadline(): number {
    return this.#state === 'active' ? (this.#deadline ?? Infinity) : -Infinity
  }

  /** Returns the deadline in milliseconds of the loop's clock, or null if there is none. */
  when(): number | null {
    return this.#deadline
  }

  /**
   * Moves the deadline; null removes it. If the new deadline has passed already, the body is cancelled in a later step
   * of the loop, and not inside this call.
   *
   * @throws {RuntimeError} when the body has ended or the timeout has cancelled it
   * @throws {TypeError} when `deadline` is NaN
   */
  reschedule(deadline: number | null): void {
    if (this.#state !== 'active') {
      throw new RuntimeError(`cannot change the deadline of a timeout that is ${this.#state}`)
    }
    checkDeadline(deadline)
    this.#deadline = deadline
    this.#timer?.cancel()
    this.#timer = null
    if (deadline === null) return
    this.#timer = new Deadline(this.#frame.loop, deadline, () => {
      this.#timer = null
      // `cancelFrame` calls the listeners of AbortSignals, and these may call methods of this object.
      this.#state = 'expiring'
      cancelFrame(this.#frame, undefined)
    })
  }

  /**
   * Whether the timeout has cancelled the body because the deadline passed. Also true if the body has returned a value
   * all the same.
   */
  expired(): boolean {
    return this.#state === 'expiring' || this.#state === 'expired'
  }

  /**
   * @internal Called when the body has ended; `threw` says whether it threw an error, of any kind. Returns true if the
   * body threw after the deadline had cancelled it, and no cancel came from outside. If the error of the body is then a
   * CancelledError, or an AbortError that the cancel has caused, the caller must throw a TimeoutError in its place. Any
   * other error is thrown unchanged.
   */
  end(threw: boolean): boolean {
    this.#timer?.cancel()
    this.#timer = null
    if (this.#state === 'active') {
      this.#state = 'finished'
      return false
    }
    this.#state = 'expired'
    this.#frame.uncancel()
    if (!threw || findCancelledScope(this.#frame) !== null) return false
    return this.#frame.visibleCancels() <= this.outerCancels
  }
}

async function attempt<T>(
  frame: ScopeFrame,
  deadline: number | null,
  body: (scope: Timeout) => PromiseLike<T>,
): Promise<T> {
  const scope = new Timeout(frame, deadline)
  const before = scope.outerCancels
  let value: T
  try {
    value = await enterFrame(frame, body, scope)
  } catch (error) {
    const isCancel = frame.cancelOf(error) !== null
    const closing = endFrame(frame, before)
    const interrupted = closing === null ? null : await closing
    const isOwn = scope.end(true)
    if (isOwn && isCancel && interrupted === null)
      throw startAtCaller(new TimeoutError('the time allowed has passed', { cause: error }))
    return throwEnd(frame, error, isCancel, interrupted)
  }
  const closing = endFrame(frame, before)
  const interrupted = closing === null ? null : await closing
  scope.end(false)
  if (interrupted !== null) return throwOut(frame, interrupted)
  return value
}

/**
 * Returns the deadline that is `ms` milliseconds from now, as a time of the loop's clock. Returns null, which means no
 * deadline, if `ms` is null or Infinity. `frame` is the object for the scope that gets the deadline.
 */
function after(frame: Frame, ms: number | null): number | null {
  return ms === null || ms === Infinity ? null : frame.loop.time() + ms
}

/**
 * Checks and returns `ms`, the time limit of a body; null means no limit. The limit may be negative: the deadline has
 * then passed before the body begins.
 */
function checkLimit(ms: number | null): number | null {
  if (ms !== null) checkDelay(ms)
  return ms
}

function checkDeadline(deadline: number | null): void {
  if (deadline === null || (typeof deadline === 'number' && !Number.isNaN(deadline))) return
  throw new TypeError(
    `a deadline must be a number of milliseconds or null, got ${describe(deadline)}`,
  )
}

/**
 * Runs `body` for at most `ms` milliseconds; null or Infinity means no limit. After that time, `body` is cancelled, and
 * when its clean-up has ended, `timeout` throws a TimeoutError. If the task, or a scope around the call, was cancelled
 * too, `timeout` throws a CancelledError instead. If the body catches the CancelledError and returns a value, `timeout`
 * returns that value. Outside of a task, the body runs in a new task.
 *
 * @throws {TypeError} when `ms` is NaN or `body` is not a function
 *
 * @example
 *     try {
 *       await timeout(10, () => sleepForever())
 *     } catch (error) {
 *       if (!(error instanceof TimeoutError)) throw error
 *       console.log('too slow') // too slow
 *     }
 *
 * Source: asyncio.timeout. Differs: takes the body as a function, so that it can see how the body ends.
 */
export function timeout<T>(
  ms: number | null,
  body: (scope: Timeout) => PromiseLike<T>,
): Promise<T> {
  const limit = checkLimit(ms)
  checkBody('timeout', body)
  return inFrame('timeout', undefined, (frame) => attempt(frame, after(frame, limit), body))
}

/**
 * Works as `timeout`, but takes a deadline in place of a duration: `when` is a time of the loop's clock in
 * milliseconds, and null means no deadline.
 *
 * @throws {TypeError} when `when` is NaN or `body` is not a function
 *
 * @example
 *     const deadline = getRunningLoop().time() + 1_000
 *     // Both steps share one deadline.
 *     await timeoutAt(deadline, () => sleep(5))
 *     console.log(await timeoutAt(deadline, () => sleep(5, 'in time'))) // in time
 *
 * Source: asyncio.timeout_at
 */
export function timeoutAt<T>(
  when: number | null,
  body: (scope: Timeout) => PromiseLike<T>,
): Promise<T> {
  checkDeadline(when)
  checkBody('timeoutAt', body)
  return inFrame('timeout', undefined, (frame) => attempt(frame, when, body))
}

/**
 * Awaits `aw` for at most `ms` milliseconds; null or Infinity means no limit. After that time, `aw` is cancelled, and
 * when `aw` has ended, `waitFor` throws a TimeoutError. A plain promise cannot be cancelled, so only the wait for it
 * ends. If `aw` ends in time, or catches the cancel, its outcome is returned or thrown. If `aw` is a function, it is
 * called in the current task. If `ms` is 0 or less, it is not called.
 *
 * @throws {TypeError} when `ms` is NaN or `aw` cannot be awaited
 *
 * @example
 *     const task = createTask(() => sleepForever())
 *     const error = await waitFor(task, 10).catch((reason: unknown) => reason)
 *     console.log(error instanceof TimeoutError, task.cancelled()) // true true
 *
 * Source: asyncio.wait_for
 */
export function waitFor<T>(aw: Awaitable<T>, ms: number | null): Promise<T> {
  const limit = checkLimit(ms)
  checkAwaitable(aw)
  if (limit === null || limit > 0) {
    // If `aw` is a function or a Coroutine, its code runs in the body, so the timeout cancels its waits. If `aw` is a
    // plain promise, a cancel cannot end its work: the timeout ends only the wait for the promise.
    const runs = typeof aw === 'function' || aw instanceof Coroutine
    // If `runs` is true, the body that `timeout` gets is an async function, because `timeout` waits for the clean-up of
    // an async body. Otherwise the body only returns a future, which the timeout cancels.
    return timeout(limit, runs ? async () => runInline(aw) : () => ensureFuture(aw))
  }
  return ifDone(aw)
}

/**
 * Does the work of `waitFor` for a time limit of 0 or less: returns the outcome of `aw` if `aw` is done already.
 * Otherwise cancels `aw`, waits until it has ended, and throws a TimeoutError if it has ended as cancelled.
 */
async function ifDone<T>(aw: Awaitable<T>): Promise<T> {
  const future = ensureFuture(aw)
  if (future.done()) return future.result()
  await cancelled(future)
  try {
    return future.result()
  } catch (error) {
    if (isCancelled(error)) {
      throw startAtCaller(new TimeoutError('no time was allowed', { cause: error }))
    }
    throw error
  }
}

/** Cancels `future` and waits until it has ended, or until a cancel ends this wait. */
async function cancelled(future: Future<unknown>): Promise<void> {
  const waiter = new Future<void>()
  const reaction = future.onDone(() => {
    if (!waiter.done()) waiter.setResult()
  })
  try {
    future.cancel()
    // The code waits on a new future and not on `future`. So if the waiting task was cancelled before, this wait throws
    // even if `future` has ended already.
    await waiter
  } finally {
    future.removeReaction(reaction)
  }
}
