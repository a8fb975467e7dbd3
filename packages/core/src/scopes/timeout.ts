import { checkBody, describe, checkDelay } from '../arguments.ts'
import { type Awaitable, Coroutine, runInline } from '../tasks/coroutine.ts'
import { checkAwaitable, ensureFuture } from '../tasks/ensure-future.ts'
import { startAtCaller } from '../errors/caller-stack.ts'
import { isCancelled, RuntimeError, TimeoutError } from '../errors/errors.ts'
import { Future } from '../futures/future.ts'
import { Deadline } from './deadline.ts'
import type { Frame, ScopeFrame } from '../tasks/frame.ts'
import { levelOf } from '../tasks/level-cancel.ts'
import { cancelFrame } from '../tasks/propagate-cancel.ts'
import { endFrame, enterFrame, inFrame, throwOut } from './open-frame.ts'

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
   * @internal the number of cancels from outside that were not taken back when the body began. `end` compares it with
   * the number at the end: if there are more, apart from the cancel by this timeout, a cancel came from outside.
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
   * @internal the deadline for `effectiveDeadline`, in milliseconds of the loop's clock: Infinity without one,
   * -Infinity when the time is over
   */
  get deadline(): number {
    return this.#state === 'active' ? (this.#deadline ?? Infinity) : -Infinity
  }

  /** Returns the deadline in milliseconds of the loop's clock, or null if there is none. */
  when(): number | null {
    return this.#deadline
  }

  /**
   * Moves the deadline; null removes it. A deadline that has passed already ends the body in the next turn of the
   * loop.
   *
   * @throws {RuntimeError} when the body has ended or the deadline has passed
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
    this.#timer = new Deadline(this.#frame.scopeLoop, deadline, () => {
      this.#timer = null
      cancelFrame(this.#frame, undefined)
      this.#state = 'expiring'
    })
  }

  /**
   * Whether the time was over before the body ended. This is also true if the body ended in the very turn of the
   * deadline.
   */
  expired(): boolean {
    return this.#state === 'expiring' || this.#state === 'expired'
  }

  /**
   * @internal notes that the body has ended. Returns true if the body threw (`threw`) because of this timeout, and no
   * cancel came from outside.
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
    if (!threw || levelOf(this.#frame) !== null) return false
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
    const isCancel = isCancelled(error) || frame.isOwnAbort(error)
    const closing = endFrame(frame, before)
    const interrupted = closing === null ? null : await closing
    const isOwn = scope.end(true)
    if (interrupted !== null) return throwOut(frame, interrupted)
    if (isOwn && isCancel)
      throw startAtCaller(new TimeoutError('the time allowed has passed', { cause: error }))
    return throwOut(frame, error)
  }
  const closing = endFrame(frame, before)
  const interrupted = closing === null ? null : await closing
  scope.end(false)
  if (interrupted !== null) return throwOut(frame, interrupted)
  return value
}

/** Returns the time `ms` milliseconds from now; null for no deadline, if `ms` is null or Infinity. */
function after(frame: Frame, ms: number | null): number | null {
  return ms === null || ms === Infinity ? null : frame.scopeLoop.time() + ms
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
 * Runs `body` and cancels it after `ms` milliseconds; when the body has ended its clean-up, TimeoutError is thrown.
 * Null or Infinity means no limit. A cancel from outside stays a CancelledError. A body that swallows the cancel and
 * returns gives its value. Outside of a task, the body runs in a new task.
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
 * Source: asyncio.timeout. Differs: takes the body, so that it can see how the body ends.
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
 * Works as `timeout`, with a deadline in milliseconds of the loop's clock.
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
 * Awaits `aw` for at most `ms` milliseconds. Then `aw` is cancelled, and when it has ended, TimeoutError is thrown.
 * Null or Infinity means no limit. A function is called in the current task; if `ms` is 0 or less, it is never called.
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
    // When the time is over, a function is cancelled with the body. A plain promise cannot be cancelled: only the
    // wait for it ends.
    const runs = typeof aw === 'function' || aw instanceof Coroutine
    // `aw` is called in an async function, because a cancel of the scope then waits until the work that `aw` has begun
    // has ended its clean-up (see `enterFrame`).
    return timeout(limit, runs ? async () => runInline(aw) : () => ensureFuture(aw))
  }
  return ifDone(aw)
}

/**
 * Returns the outcome of `aw` if it is done already. Otherwise cancels it, waits for its end and throws TimeoutError.
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

/** Cancels `future` and waits until it has ended, or until the waiting task is cancelled. */
async function cancelled(future: Future<unknown>): Promise<void> {
  const waiter = new Future<void>()
  const reaction = future.onDone(() => {
    if (!waiter.done()) waiter.setResult()
  })
  try {
    future.cancel()
    // The wait is on a new future, because a pending cancel of this task must end this wait even if `future` has ended
    // already.
    await waiter
  } finally {
    future.removeReaction(reaction)
  }
}
