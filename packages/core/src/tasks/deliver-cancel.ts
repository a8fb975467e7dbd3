import { currentFrame } from '../context/current.ts'
import { type CancelledError, isCancelled, toCancelledError } from '../errors/errors.ts'
import { Future } from '../futures/future.ts'
import type { Reaction } from '../futures/reaction.ts'
import { ChainWait } from './chain-wait.ts'
import type { Frame } from './frame.ts'
import { ABANDONED, CLOSING, OPEN } from './frame-state.ts'
import { beginCleanup, endCleanup } from './frame-end.ts'
import { Interruption } from './frame-waits.ts'
import { callLaterUnref } from '../loop/clock.ts'
import { unwatchRejections, watchRejections } from '../loop/unhandled-rejections.ts'
import { findCancelledScope, cancelNewWait } from './level-cancel.ts'
import type { Cancellation } from './cancellation.ts'
import { cancelWait, cancelWaits } from './propagate-cancel.ts'
import { canSeePromises, watchPromises } from './promise-hook.ts'

/**
 * Called when a wait on `future` has begun in a frame (the running body of a task or scope) that was cancelled, that is
 * inside another frame, or whose body has ended; `reaction` will resume the waiting code. If a cancel is pending (it
 * has ended no wait yet), this function ends the new wait. If a cancel was thrown in this turn of the loop, the new
 * wait confirms that the main code of the frame has got the cancel, so it is not thrown again.
 */
export function beginWait(frame: Frame, reaction: Reaction, future: Future<unknown>): void {
  let due: Frame | null = null
  /**
   * Whether the `for` loop has passed a frame with a shield. Cancels of the frames around that shield are not delivered
   * here.
   */
  let isShut = false
  for (let each: Frame | null = frame; each !== null; each = each.parent) {
    if (each.state !== OPEN) each.link()
    const { cancellation } = each
    cancellation?.confirm()
    if (!isShut && cancellation?.takeDue() === true) due ??= each
    isShut ||= each.isShielded
  }
  const cancelledScope = findCancelledScope(frame)
  if (due === null || !isWaitOf(frame, reaction)) {
    if (cancelledScope !== null) cancelNewWait(frame, reaction, future, cancelledScope)
    return
  }
  const cancel = due.cancellation
  if (!cancelWait(frame, future, cancel?.remembered)) return
  const key = frame.keyOf(reaction)
  // If cancels of an inner and of an outer frame are pending, this one wait delivers both.
  for (let each: Frame | null = due; each !== null; each = each.parent) {
    const { cancellation } = each
    if (cancellation?.pending === true) cancellation.noteNewWaitCancelled(key, frame.numberOf(key))
    if (each.isShielded) break
  }
  noteOuterCancel(frame, due)
  if (frame.task !== null) frame.scopeLoop.monitor?.cancelDelivered(frame.task)
}

/**
 * Tells the scopes from `frame` outwards, up to but not including `due`, that a cancel of `due` has ended a wait of
 * `frame`. So these scopes must throw the CancelledError on, and must not handle it as a cancel of their own.
 */
function noteOuterCancel(frame: Frame, due: Frame): void {
  for (let each: Frame | null = frame; each !== null && each !== due; each = each.parent) {
    each.noteCancelFromOutside()
  }
}

/**
 * Called when the shield of `frame` was removed: the pending cancel of `outer`, a frame around `frame`, now ends the
 * waits of `frame`. If `frame` has no wait, the cancel stays pending.
 */
export function deliverPending(frame: Frame, outer: Frame): void {
  const cancellation = outer.cancellation as Cancellation
  const isAccepted = cancelWaits(frame, cancellation.remembered, cancellation)
  if (isAccepted) cancellation.pending = false
}

/**
 * Whether `reaction` belongs to a real wait of `frame`. Code that has called `then` with two functions without a name
 * looks like an `await` but does not wait; the check removes its reaction from the waits of the frame.
 */
function isWaitOf(frame: Frame, reaction: Reaction): boolean {
  return frame.holdsWait(reaction)
}

/**
 * Called in the turn of a wait of `frame`, after the `future` of that wait has ended; `key` identifies the wait.
 * Returns the CancelledError that the waiting code gets in place of the outcome of `future`; null if the code gets that
 * outcome.
 */
export function resumeWait(
  frame: Frame,
  key: Reaction,
  future: Future<unknown>,
): CancelledError | null {
  const { task, scopeLoop: loop } = frame
  if (task !== null) loop.hold(task)
  else if (frame.state !== OPEN) loop.hold(frame)
  if (frame.cancellation === null && frame.parent === null) return null
  const canThrow = !(future instanceof ChainWait)
  let due: Frame | null = null
  let isShut = false
  for (let each: Frame | null = frame; each !== null; each = each.parent) {
    const { cancellation } = each
    const wasShut: boolean = isShut
    isShut ||= each.isShielded
    if (cancellation === null) continue
    const isWaitCancelled = cancellation.takeCancelledWait(key)
    const isDue: boolean = canThrow && !wasShut && cancellation.takeDue()
    if (!isWaitCancelled && !isDue) continue
    if (task !== null) loop.monitor?.cancelThrown(task, key)
    if (isDue) {
      cancellation.pending = false
      due ??= each
      if (!isWaitCancelled) cancellation.noteThrownNow(frame.numberOf(key))
    }
    beginThrowingTurn(each)
  }
  if (due !== null) noteOuterCancel(frame, due)
  if (future instanceof Interruption) return future.cancelledError()
  if (due === null || future.cancelled()) return null
  // The future is a gather that was cancelled and has failed with a CancelledError. The waiting code gets the error of
  // the gather and no new one, as in asyncio.
  if (future.done() && isCancelled(future.exception())) return null
  return toCancelledError(due.cancellation?.remembered)
}

function beginThrowingTurn(frame: Frame): void {
  const { cancellation } = frame
  if (cancellation === null || cancellation.isThrowing || frame.task === null) return
  cancellation.beginTurn()
  watchPromises()
  frame.scopeLoop.atTurnEnd(() => cancellation.endTurn(canSeePromises))
}

/**
 * Called when a CancelledError leaves the scope of `frame`. Pending cancels of the frames around it, which came while
 * the body awaited a promise that is not a future, count as delivered by this error. A cancel that the running code
 * itself has asked for stays pending, as in CPython.
 */
export function deliverWith(frame: Frame): void {
  let inner = frame
  for (let each = frame.parent; each !== null && !inner.isShielded; each = each.parent) {
    inner = each
    const { cancellation } = each
    if (cancellation?.isPendingFromElsewhere !== true || cancellation.isFromInside) continue
    cancellation.pending = false
    cancellation.noteThrownNow(each.newestEnded)
    noteOuterCancel(frame, each)
    beginThrowingTurn(each)
  }
}

/**
 * Whether no wait may begin in `frame`: its loop is closed, `abandon` has ended its task at once, or the body of a
 * cancelled scope around it has ended, and the scope waits only for the clean-up of other calls.
 */
export function mustRefuse(frame: Frame): boolean {
  if (frame.scopeLoop.isClosed()) return true
  for (let each: Frame | null = frame; each !== null; each = each.parent) {
    if (each.state === CLOSING || each.state === ABANDONED) return true
  }
  return false
}

/** For each frame: the number of its waits that were refused. */
const refusals = new WeakMap<Frame, number>()
/**
 * A refused wait ends after a delay. For the first `quickRefusals` refusals of a frame, the delay is one turn of the
 * loop. For the next refusal it is 1 ms. Each later delay is twice as long as the one before, up to `longestRefusal`
 * ms.
 */
const quickRefusals = 4
const longestRefusal = 1_000

/**
 * Returns the future that code waits on instead of `future` when its wait is refused. The returned future ends as
 * cancelled, after a turn of the loop in which I/O was handled, or later. Code that catches the error and waits again,
 * in a loop, is slowed down, so that it does not keep the processor busy.
 */
export function refuse(frame: Frame, future: Future<unknown>): Future<never> {
  // `future` is cancelled, so that a lock that it waits for goes to another waiter. A task is not cancelled, because it
  // may have other waiters.
  if (future.ownExecution() === null) future.cancel()
  const isClosed = frame.scopeLoop.isClosed()
  const refusal = new Future<never>(isClosed ? {} : { loop: frame.scopeLoop })
  const loop = refusal.getLoop()
  const count = refusals.get(frame) ?? 0
  refusals.set(frame, count + 1)
  const run = (): void => {
    // A closed loop has no listener for unhandled rejections any more, and the CancelledError of a refused call that no
    // code awaits would end the process. So the listener is added again for this moment.
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
 * Waits for `future` in clean-up code of this library. In a frame that refuses new waits, or in a cancelled scope, the
 * wait is made outside of every frame, where no cancel ends it. Elsewhere a cancel ends this wait like any other.
 */
export async function awaitAnyway(frame: Frame, future: Future<void>): Promise<void> {
  const isRefused = frame.mustRefuse()
  if (!isRefused && findCancelledScope(frame) === null) {
    await future
    return
  }
  // A cancelled scope that is still open must not end before this clean-up, so `beginCleanup` tells it to wait. A frame
  // that refuses new waits is already ending (or its loop is closed), and waits for nothing that begins now.
  const running = isRefused ? null : currentFrame()
  if (running !== null) beginCleanup(running)
  try {
    await frame.scopeLoop.runDetached(async () => future)
  } finally {
    if (running !== null) endCleanup(running)
  }
}
