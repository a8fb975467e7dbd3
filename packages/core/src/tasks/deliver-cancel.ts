import { currentFrame } from '../context/current.ts'
import { type CancelledError, isCancelled, toCancelledError } from '../errors/errors.ts'
import { Future } from '../futures/future.ts'
import type { Reaction } from '../futures/reaction.ts'
import { ChainWait } from './chain-wait.ts'
import type { Frame } from './frame.ts'
import { ABANDONED, CLEANING, CLOSING, OPEN } from './frame-state.ts'
import { cancelRest, noteOuterCancel } from './cancel-rest.ts'
import { beginCleanup, endCleanup } from './frame-end.ts'
import { Interruption } from './frame-waits.ts'
import { callLaterUnref } from '../loop/clock.ts'
import { unwatchRejections, watchRejections } from '../loop/unhandled-rejections.ts'
import { findCancelledScope, cancelNewWait } from './level-cancel.ts'
import { Cancellation } from './cancellation.ts'
import { cancelWait, cancelWaits, endOtherWork, noteCancel } from './propagate-cancel.ts'
import { canSeePromises, watchPromises } from './promise-hook.ts'

/**
 * Called when code has begun to wait on `future`. `frame` is the object for the task or scope of that code, and
 * `reaction` is the object that the loop calls to resume the code. If `frame` was not cancelled, has not ended, and is
 * not inside another frame, then no cancel can end the new wait, and `beginWait` need not be called.
 *
 * If a cancel is pending and the code has not got it before, it ends the new wait, and each other wait that such code
 * begins in this turn (one step of the loop). If a cancel was thrown in this turn, the new wait shows that the body has
 * got the cancel, so the cancel is not thrown again.
 */
export function beginWait(frame: Frame, reaction: Reaction, future: Future<unknown>): void {
  let due: Frame | null = null
  /**
   * Whether the `for` loop has passed a shield (a scope that keeps out cancels from outside). If so, cancels of the
   * scopes around the shield, and of the task, do not end the new wait.
   */
  let isShut = false
  let isEnding = false
  const key = frame.keyOf(reaction)
  for (let each: Frame | null = frame; each !== null; each = each.parent) {
    if (each.state !== OPEN) {
      each.link()
      isEnding = true
    }
    const { cancellation } = each
    if (cancellation !== null) {
      cancellation.confirm()
      if (!isShut && cancellation.takeDue()) due ??= each
      cancellation.noteWaitBegun(key)
    }
    isShut ||= each.isShielded
  }
  // A scope or task whose body has ended must not wait for a call of `then` that only looks like an `await`.
  if (isEnding && !future.done() && frame.dropIfFalse(reaction)) return
  const cancelledScope = findCancelledScope(frame)
  if (due === null || !isWaitOf(frame, reaction)) {
    if (cancelledScope !== null) cancelNewWait(frame, reaction, future, cancelledScope)
    return
  }
  const message = due.cancellation?.remembered
  const isAccepted = cancelWait(frame, future, message)
  // If both an inner and an outer scope have a pending cancel, the CancelledError of this wait counts for both.
  for (let each: Frame | null = due; each !== null; each = each.parent) {
    const { cancellation } = each
    if (cancellation?.pending === true && !cancellation.isCleaningUp) {
      if (cancellation.takeForNewWait()) holdTakingTurn(frame, cancellation)
      noteCancel(cancellation, isAccepted, key, frame.numberOf(key), message)
    }
    if (each.isShielded) break
  }
  noteOuterCancel(frame, due)
  if (frame.task !== null) frame.loop.monitor?.cancelDelivered(frame.task)
}

/**
 * Called when the scope of `frame` (the object for this scope) has stopped keeping out cancels from outside, or when
 * its body has returned a promise. `outer` is `frame` or a frame around it, with a pending cancel. This cancel now ends
 * the waits of `frame`, and aborts its AbortSignals. If no code of `frame` gets to know of the cancel in this way, the
 * cancel stays pending.
 */
export function deliverPending(frame: Frame, outer: Frame): void {
  const cancellation = outer.cancellation as Cancellation
  const message = cancellation.remembered
  // `cancelWaits` needs this call.
  frame.dropFalseWaits()
  const isAccepted = cancelWaits(frame, message, cancellation)
  const isTaken = endOtherWork(frame, message, cancellation)
  if (isAccepted || isTaken) cancellation.pending = false
}

/**
 * Called when the scope of `frame` (the object for this scope) has stopped keeping out cancels from outside, and other
 * code of the task has got a cancel that was kept out. This cancel now ends the waits of `frame` too, and aborts its
 * AbortSignals. If no code of `frame` gets to know of the cancel in this way, the cancel will end the next wait of
 * `frame`.
 */
export function deliverMissed(frame: Frame): void {
  frame.cancellation ??= new Cancellation(frame)
  const { cancellation } = frame
  const message = frame.newestMessage()
  const isAccepted = cancelRest(frame)
  const isTaken = endOtherWork(frame, message, cancellation)
  if (isAccepted || isTaken) return
  cancellation.pending = true
  cancellation.remembered = message
}

/**
 * Called when the body of a scope has ended that has kept out cancels from outside; `frame` is the object for the
 * scope. Its code has not got a cancel that was kept out. If that cancel is not pending any more, because other code of
 * the task has got it, it ends the waits that begin around `frame` in this turn (one step of the loop).
 */
export function deliverAfterShield(frame: Frame): void {
  let cancelled: Frame | null = null
  for (let each = frame.parent; each !== null; each = each.parent) {
    if (each.cancellation?.pending === true) return
    if (cancelled === null && (each.cancellation?.count ?? 0) > 0) cancelled = each
    if (each.isShielded) break
  }
  if (cancelled === null) return
  const cancellation = cancelled.cancellation as Cancellation
  cancellation.pendThisTurn()
  holdTakingTurn(cancelled, cancellation)
}

/**
 * Called when a pending cancel ends the waits that begin in this turn (one step of the loop); `frame` is the object for
 * the scope or task of the running code. The turn then ends only when no microtask is left, so that each branch of a
 * `Promise.all` has begun to wait.
 */
function holdTakingTurn(frame: Frame, cancellation: Cancellation): void {
  frame.loop.holdTurn(frame.task ?? frame)
  frame.loop.atTurnEnd(() => cancellation.endTaking())
}

/**
 * Whether `reaction`, the object that the loop calls when a future has ended, resumes a real wait of `frame` (the
 * object for one scope or task). Code that has called `then` with two functions without a name looks like an `await`
 * but does not wait; this check also removes such a call from the list of waits.
 */
function isWaitOf(frame: Frame, reaction: Reaction): boolean {
  return frame.holdsWait(reaction)
}

/**
 * Called when the loop is about to resume code that has waited on `future`; `key` identifies the wait, and `frame` is
 * the object for the task or scope of that code. Returns the CancelledError that the code gets in place of the
 * outcome of `future`; null if the code gets that outcome.
 */
export function resumeWait(
  frame: Frame,
  key: Reaction,
  future: Future<unknown>,
): CancelledError | null {
  const { task, loop } = frame
  if (task !== null) loop.hold(task)
  else if (frame.state !== OPEN) loop.hold(frame)
  if (frame.cancellation === null && frame.parent === null) return null
  return resumeWithCancel(frame, key, future)
}

/**
 * The part of `resumeWait` for a scope, or for a task that may have been cancelled. It is a function of its own, because
 * V8 inlines the short rest into each await.
 */
function resumeWithCancel(
  frame: Frame,
  key: Reaction,
  future: Future<unknown>,
): CancelledError | null {
  const { task, loop } = frame
  const canThrow = !(future instanceof ChainWait)
  let due: Frame | null = null
  let isShut = false
  let isCleanUp = false
  for (let each: Frame | null = frame; each !== null; each = each.parent) {
    const { cancellation } = each
    // The body has ended, and only the resumed code may wait in this turn, also if a shield has kept the cancel from it.
    isCleanUp ||= each.state === CLEANING
    const wasShut: boolean = isShut
    isShut ||= each.isShielded
    if (cancellation === null) continue
    const isWaitCancelled = cancellation.takeCancelledWait(key)
    const wasOwed = cancellation.takeOwedWait(key)
    const isOwed = wasOwed && canThrow
    // The code gets the outcome of the awaited promise, and its next wait throws the cancel (see `ChainWait`).
    if (wasOwed && !canThrow) cancellation.pending = true
    const hasReached = cancellation.takeCleanUpWait(key) || isWaitCancelled || isOwed
    // If running code has asked for the cancel, the cancel is pending for that code, and not for this wait.
    const isForOther = hasReached && (cancellation.isFromInside || !(isWaitCancelled || isOwed))
    const isDue: boolean = canThrow && !wasShut && !isForOther && cancellation.takeDue()
    if (hasReached || isDue) isCleanUp = cancellation.beginCleanUpTurn() || isCleanUp
    if (!isWaitCancelled && !isOwed && !isDue) continue
    if (task !== null) loop.monitor?.cancelThrown(task, key)
    if (isDue) cancellation.pending = false
    if (isDue || isOwed) due ??= each
    if (!isWaitCancelled) cancellation.noteThrownNow(frame.numberOf(key))
    beginThrowingTurn(each)
  }
  if (isCleanUp) holdCleanUpTurn(frame)
  if (due !== null) noteOuterCancel(frame, due)
  if (future instanceof Interruption) return future.cancelledError()
  if (due === null || future.cancelled()) return null
  // If `future` has failed with a CancelledError, it is usually a gather that was cancelled. The waiting code then gets
  // the error of the gather and no new one, as in asyncio.
  if (future.done() && isCancelled(future.exception())) return null
  return toCancelledError(due.cancellation?.remembered)
}

/**
 * The turn of a task ends when its code begins a wait. But code in its clean-up may begin several waits one after
 * another, in the branches of a `Promise.all`. So the turn goes on until no microtask is left that descends from this
 * code. If the runtime cannot tell, and other code of the task waits too, so that the scope may end before these
 * branches, the turn ends when no microtask at all is left.
 */
function holdCleanUpTurn(frame: Frame): void {
  const holder = frame.task ?? frame
  if (canSeePromises) {
    watchPromises()
    frame.loop.followTurn(holder)
  } else if (hasOtherWork(frame)) frame.loop.holdTurn(holder)
}

function beginThrowingTurn(frame: Frame): void {
  const { cancellation } = frame
  if (cancellation === null || cancellation.isThrowing || frame.task === null) return
  cancellation.beginTurn()
  watchPromises()
  frame.loop.atTurnEnd(() => {
    if (cancellation.endTurn(canSeePromises) && cancelRest(frame)) cancellation.pending = false
  })
}

/**
 * Whether code outside of the running flow may be left in the task of `frame` (the object for one scope or task): a
 * wait is left in a frame of the task, or a body has ended that waits for the calls that it has not awaited.
 */
function hasOtherWork(frame: Frame): boolean {
  let inner: Frame | null = null
  for (let each: Frame | null = frame; each !== null; each = each.parent) {
    if (each.state !== OPEN || each.hasOwnWaits()) return true
    const child = each.firstChild
    if (child !== null && (child !== inner || child.next !== null)) return true
    inner = each
  }
  return false
}

/**
 * Called when a scope throws a CancelledError to the code around it; `frame` is the object for the scope. While the
 * body of the scope awaited a promise that is not a future, the task or a scope around this one may have been
 * cancelled. Such a cancel now counts as delivered by this error. A cancel that the running code itself has asked for
 * does not count as delivered: the next wait throws a CancelledError, as in CPython.
 */
export function deliverWith(frame: Frame): void {
  let inner = frame
  for (let each = frame.parent; each !== null && !inner.isShielded; each = each.parent) {
    inner = each
    const { cancellation } = each
    if (cancellation?.isPendingFromElsewhere !== true || cancellation.isFromInside) continue
    cancellation.pending = false
    if (frame.task !== null) frame.loop.monitor?.cancelDelivered(frame.task)
    cancellation.noteThrownNow(each.newestEnded)
    noteOuterCancel(frame, each)
    beginThrowingTurn(each)
    cancellation.beginLearningTurn()
  }
}

/**
 * Whether no code of `frame` (the object for one scope or task) may begin a wait; the caller then calls `refuse`.
 * True in three cases. (1) The loop is closed. (2) The task was abandoned, which ends a task at once although its code
 * still runs. (3) The scope or task, or one around it in the same task, was cancelled, and its body has ended, so it
 * waits only for the clean-up of async calls that the body has not awaited.
 */
export function mustRefuse(frame: Frame): boolean {
  if (frame.loop.isClosed()) return true
  for (let each: Frame | null = frame; each !== null; each = each.parent) {
    if (each.state === CLOSING || each.state === ABANDONED) return true
    if (each.state === CLEANING && each.loop.trail.isStray) return true
  }
  return false
}

/**
 * For each frame (the object for one scope or task): the number of its waits that were refused, because no wait may
 * begin in it any more.
 */
const refusals = new WeakMap<Frame, number>()
/**
 * A wait for which `mustRefuse` returns true is refused: it throws a CancelledError after a delay. For the first
 * `quickRefusals` refused waits of a scope or task, the delay ends when Node has handled the I/O that is ready. The
 * next delay is 1 ms. Each later delay is twice as long as the delay before, up to `longestRefusal` ms.
 */
const quickRefusals = 4
const longestRefusal = 1_000

/**
 * Called when code that must not wait any more wants to wait on `future`: returns the future on which the code waits
 * instead. `frame` is the object for the task or scope of that code. The returned future ends as cancelled, but
 * not before Node has handled the I/O that is ready. So code that catches the error and waits again, in a loop, is
 * slowed down and does not keep the processor busy.
 */
export function refuse(frame: Frame, future: Future<unknown>): Future<never> {
  // `future` is cancelled, so that, if it was to take a lock, another waiter gets the lock. A task is not cancelled,
  // because it may have other waiters.
  if (future.ownExecution() === null) future.cancel()
  const isClosed = frame.loop.isClosed()
  const refusal = new Future<never>(isClosed ? {} : { loop: frame.loop })
  const loop = refusal.getLoop()
  const count = refusals.get(frame) ?? 0
  refusals.set(frame, count + 1)
  const run = (): void => {
    // A closed loop does not listen for unhandled rejections any more. If the code whose wait is refused was called
    // without `await`, its CancelledError is an unhandled rejection, which would end the process. So the listener is
    // added again for this moment.
    if (isClosed) watchRejections(refusal)
    refusal.cancel('the scope around this wait was cancelled and has ended')
    if (isClosed) unwatchRejections(refusal)
  }
  if (count < quickRefusals) loop.pushAfterIO({ run })
  else {
    const delay = Math.min(2 ** (count - quickRefusals), longestRefusal)
    if (isClosed) callLaterUnref(delay, run)
    else loop.addTimer({ run, heapIndex: -1, heapOrder: 0 }, loop.time() + delay)
  }
  return refusal
}

/**
 * Waits for `future` in clean-up code of this library; `frame` is the object for one scope or task that this code
 * belongs to. If no wait may begin in `frame` any more, or `frame` is in a cancelled scope, this function waits
 * outside of every scope and task, where no cancel ends the wait. Otherwise a cancel ends the wait as usual.
 */
export async function awaitAnyway(frame: Frame, future: Future<void>): Promise<void> {
  const isRefused = frame.mustRefuse()
  if (!isRefused && findCancelledScope(frame) === null) {
    await future
    return
  }
  // The wait for `future` below is a clean-up. A cancelled scope around the running code must not end before `future`
  // has ended, so `beginCleanup` tells the scope to wait for the clean-up. If `isRefused`, the scope or task of `frame`
  // is already ending, or the loop is closed: then no scope and no task waits for this clean-up.
  const running = isRefused ? null : currentFrame()
  if (running !== null) beginCleanup(running)
  try {
    await frame.loop.runDetached(async () => future)
  } finally {
    if (running !== null) endCleanup(running)
  }
}
