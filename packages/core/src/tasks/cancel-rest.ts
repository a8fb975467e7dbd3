import type { Future } from '../futures/future.ts'
import type { Reaction } from '../futures/reaction.ts'
import { Cancellation } from './cancellation.ts'
import type { Frame } from './frame.ts'
import { CLEANING, CLOSING } from './frame-state.ts'
import { framesOf, unshieldedFramesOf } from './frame-tree.ts'
import { cancelInside, findCancelledScope } from './level-cancel.ts'
import { cancelWait, noteCancel } from './propagate-cancel.ts'

/**
 * The problem: a task may have several flows, that is, lines of control such as the branches of a `Promise.all`. A
 * cancel must reach each of them, and must not reach one of them twice, because the flow then waits to clean up. But
 * JavaScript does not tell which flow the running code belongs to.
 *
 * The rule: a cancel of a scope or task ends these waits.
 *
 * 1. When the cancel comes: each wait that has begun. If the cancel cannot end a wait, because its future has ended or
 * is about to take a lock or an item, the wait throws when it resumes.
 *
 * 2. If the cancel has ended no wait, it is pending. It ends the next wait that begins or resumes, and, if that wait
 * begins, each other wait that begins in the same turn (one step of the loop). So a `Promise.all` that begins then ends
 * in all its branches.
 *
 * 3. If evidence shows that the body has not got the cancel (see the comment on `Cancellation`): each wait that the
 * cancel has not reached. If there is none, the cancel is pending again.
 *
 * 4. When the body has ended: each wait that the cancel has not reached.
 *
 * A cancel has reached each wait that it has ended or that throws when it resumes, and each clean-up wait. If such a
 * wait, or another clean-up wait, resumes in a turn, then each wait is a clean-up wait that begins in the same turn in
 * code that descends from the resumed code (`trail.ts` finds that code). If code learns of the cancel as an AbortSignal
 * aborts, each wait that begins in that turn is a clean-up wait. A pending cancel does not end clean-up waits. If a flow
 * in its clean-up awaits a promise that is not a future, it is lost from sight: its next wait counts as not reached.
 */

/**
 * Whether the code of a wait of `frame` (the object for one scope or task) has got the newest cancel of the task or of
 * a scope around the code, or will get it when the wait resumes. `key` identifies the wait.
 */
export function hasReached(frame: Frame, key: Reaction): boolean {
  for (let each: Frame | null = frame; each !== null; each = each.parent) {
    if (each.cancellation?.hasReached(key) === true) return true
  }
  // In a cancelled scope, every wait is ended when it begins.
  return findCancelledScope(frame) !== null
}

/**
 * Ends each wait inside `frame` (the object for one scope or task) that no cancel has reached, because `frame`, or a
 * frame around it, was cancelled. Returns whether a wait will throw because of this call.
 */
export function cancelRest(frame: Frame): boolean {
  const message = frame.newestMessage()
  const accepted = new Set<Future<unknown>>()
  const onShield = (shield: Frame): void => {
    if (framesOf(shield).some(hasUnreachedWait)) shield.cancelKeptOut()
  }
  for (const each of unshieldedFramesOf(frame, onShield)) {
    each.eachWait((key, future, began) => {
      if (hasReached(each, key)) return
      const isAccepted = accepted.has(future) || cancelWait(each, future, message)
      if (isAccepted) accepted.add(future)
      frame.cancellation ??= new Cancellation(frame)
      noteCancel(frame.cancellation, isAccepted, key, began, message)
      noteOuterCancel(each, frame)
    })
  }
  return accepted.size > 0
}

/**
 * Called when the scope of `frame` (the object for this scope) has ended and its shield was removed. Ends the waits
 * that are left inside `frame` if a scope around it is cancelled, or if a scope or task around it was cancelled and its
 * body has ended.
 */
export function cancelLeftWaits(frame: Frame): void {
  const cancelledScope = findCancelledScope(frame)
  if (cancelledScope !== null) {
    cancelInside(frame, cancelledScope)
    return
  }
  for (let each = frame.parent; each !== null && !each.isShielded; each = each.parent) {
    if (each.state === CLOSING || each.state === CLEANING) {
      cancelRest(frame)
      return
    }
  }
}

function hasUnreachedWait(frame: Frame): boolean {
  let isFound = false
  frame.peekWaits((key) => {
    isFound ||= !hasReached(frame, key)
  })
  return isFound
}

/**
 * Called when a cancel of the frame `due` has ended a wait of `frame`, a frame inside `due`. (A frame is the object for
 * one scope or task.) Tells the scopes between the two, including that of `frame`, that the cancel came from outside.
 * So these scopes throw the CancelledError on, and do not handle it as a cancel of their own.
 */
export function noteOuterCancel(frame: Frame, due: Frame): void {
  for (let each: Frame | null = frame; each !== null && each !== due; each = each.parent) {
    each.noteCancelFromOutside()
  }
}
