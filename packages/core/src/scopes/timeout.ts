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
 * The deadline of a `timeout` body: what it is handed.
 *
 * Source: asyncio.Timeout
 */
export class Timeout {
  readonly #frame: ScopeFrame
  /** @internal what `cancelling()` said before: cancels beyond that and its own came from outside */
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

  /** @internal for `effectiveDeadline` */
  get deadline(): number {
    return this.#state === 'active' ? (this.#deadline ?? Infinity) : -Infinity
  }

  /** The deadline in milliseconds of the loop's clock, or null. */
  when(): number | null {
    return this.#deadline
  }

  /**
   * Moves the deadline; null takes it away, one that has passed ends the body in the next turn.
   *
   * @throws {RuntimeError} when the body has ended or the deadline has struck
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

  /** Whether the deadline has struck, also when the body ended in the same instant. */
  expired(): boolean {
    return this.#state === 'expiring' || this.#state === 'expired'
  }

  /** @internal the body has ended; true when a CancelledError that it threw is this timeout's own */
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

/** Runs `body` until `deadline`. */
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

/** Null or Infinity: no deadline. */
function after(frame: Frame, ms: number | null): number | null {
  return ms === null || ms === Infinity ? null : frame.scopeLoop.time() + ms
}

/** Unlike a delay it may be negative: then the deadline has passed before the body begins. */
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
 * Runs `body`; after `ms` milliseconds it is cancelled, and once it has unwound TimeoutError is thrown.
 * Null or Infinity: no limit. A cancel from outside stays a CancelledError; a body that swallows the
 * cancel and returns gives its value. Outside a task it makes one.
 *
 * @throws {TypeError} when `ms` is NaN or `body` is not a function
 *
 * Source: asyncio.timeout. Differs: takes the body, so that it can see how it ends.
 */
export function timeout<T>(
  ms: number | null,
  body: (scope: Timeout) => PromiseLike<T>,
): Promise<T> {
  const limit = checkLimit(ms)
  checkBody('timeout', body)
  return inFrame((frame) => attempt(frame, after(frame, limit), body))
}

/**
 * As `timeout`, with a deadline in milliseconds of the loop's clock.
 *
 * @throws {TypeError} when `when` is NaN or `body` is not a function
 *
 * Source: asyncio.timeout_at
 */
export function timeoutAt<T>(
  when: number | null,
  body: (scope: Timeout) => PromiseLike<T>,
): Promise<T> {
  checkDeadline(when)
  checkBody('timeoutAt', body)
  return inFrame((frame) => attempt(frame, when, body))
}

/**
 * Awaits `aw` for at most `ms` milliseconds; then cancels it, waits for its end and throws
 * TimeoutError. Null or Infinity: no limit. A function runs inline, in the current task; when `ms` is 0 or
 * less it never begins.
 *
 * @throws {TypeError} when `ms` is NaN or `aw` cannot be awaited
 *
 * Source: asyncio.wait_for
 */
export function waitFor<T>(aw: Awaitable<T>, ms: number | null): Promise<T> {
  const limit = checkLimit(ms)
  checkAwaitable(aw)
  if (limit === null || limit > 0) {
    // A bare promise is given up by the cancel; a function runs in this task.
    const runs = typeof aw === 'function' || aw instanceof Coroutine
    // An async body, because what it returns is work that it has begun.
    return timeout(limit, runs ? async () => runInline(aw) : () => ensureFuture(aw))
  }
  return ifDone(aw)
}

/** What `aw` gives if it is done already; else cancels it. */
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

/** Cancels `future` and waits until it has ended, or the waiting task is itself cancelled. */
async function cancelled(future: Future<unknown>): Promise<void> {
  const waiter = new Future<void>()
  const reaction = future.onDone(() => {
    if (!waiter.done()) waiter.setResult()
  })
  try {
    future.cancel()
    // Not on the future: a cancel that is yet to be delivered strikes here, also when it has ended already.
    await waiter
  } finally {
    future.removeReaction(reaction)
  }
}
