import { CancelledError } from '../errors/errors.ts'
import type { Future } from '../futures/future.ts'
import type { Reaction } from '../futures/reaction.ts'
import { Cancellation } from './cancellation.ts'
import type { Frame } from './frame.ts'
import type { ScopeFrame } from './scope-frame.ts'

/**
 * Level cancellation, as in Trio: from the moment a scope is cancelled, every wait inside that scope throws, until the
 * scope ends. Code that catches one CancelledError and continues does not escape, because its next wait throws again.
 * Only a wait whose future has ended, or is about to take a lock or an item, gets its outcome. In contrast, the cancel
 * of `task.cancel()` is thrown only once (`cancellation.ts`).
 *
 * The following waits are inside a scope: those of its own body and the calls that the body begins, of the scopes
 * opened in the body, and of the tasks of the groups opened in one of these bodies. The object that lists the waits of
 * one body is called its frame. A scope with a shield keeps out the cancels of the scopes around it.
 */

/**
 * Returns the nearest frame whose scope is cancelled: `frame` itself, or a frame around it. (A frame is the object for
 * one scope or task.) The search ends at the first scope with a shield, because a shield keeps out the cancels from
 * outside. Returns null if there is no such frame: then the waits of `frame` need not throw.
 */
export function findCancelledScope(frame: Frame | null): Frame | null {
  for (let each = frame; each !== null; each = each.enclosing) {
    if (each.cancellation?.isScopeCancelled === true) return each
    if (each.isShielded) return null
  }
  return null
}

/**
 * Cancels the scope that `frame` stands for: until the scope ends, every wait inside it throws a CancelledError
 * with `reason` as its cause.
 */
export function cancelScopeOf(frame: Frame, reason: unknown): void {
  frame.cancellation ??= new Cancellation(frame)
  frame.cancellation.beginScopeCancel(reason)
  cancelInside(frame, frame)
}

/**
 * Ends every wait of the frame `inside` and of the frames inside it that no shield protects, because the scope of
 * `frame` was cancelled. Only a wait that is about to take a lock or an item is left. (A frame is the object for one
 * scope or task.) `inside` is `frame` itself or a frame inside it. Also aborts the AbortSignals there.
 */
export function cancelInside(inside: Frame, frame: Frame): void {
  const frames = [inside]
  // The `for` loop also visits the frames (objects for scopes and tasks) that are added to the list during the
  // loop. Recursion is not used, because scopes may be nested deeper than the call stack allows.
  for (const each of frames) {
    for (let child = each.firstChild; child !== null; child = child.next) addToEnd(child, frames)
    for (const task of each.members) if (!task.done()) addToEnd(task.ownExecution(), frames)
  }
  for (const each of frames) {
    each.eachWait((_key, future) => void future.cancel(cancelOf(frame)))
    each.cancellation?.abort(cancelOf(frame), null)
    each.abandonReturned(cancelOf(frame))
  }
}

/**
 * Adds `frame` (the object for one scope or task) to `frames`, the list of the frames whose waits must end. If
 * `frame` has a shield, it is not added, and is only told that the shield has kept a cancel out. If the scope of
 * `frame` was itself cancelled before, it is not added either, because its waits were ended then.
 */
function addToEnd(frame: Frame, frames: Frame[]): void {
  if (frame.isShielded) frame.cancelKeptOut()
  else if (frame.cancellation?.isScopeCancelled !== true) frames.push(frame)
}

function cancelOf(frame: Frame): CancelledError {
  return new CancelledError('the scope around this wait was cancelled', {
    cause: frame.cancellation?.scopeCancelReason,
  })
}

/**
 * Called when code has begun to wait on `future` inside a cancelled scope. `frame` is the object for the task or scope
 * of that code, `cancelledScope` is the object for the cancelled scope, and `reaction` is the object that the loop
 * calls to resume the code. Ends the wait, so that it throws in a later step of the loop. Does nothing if `future` is
 * about to take a lock or an item for the code, because the lock or item would be lost.
 */
export function cancelNewWait(
  frame: Frame,
  reaction: Reaction,
  future: Future<unknown>,
  cancelledScope: Frame,
): void {
  if (!frame.holdsWait(reaction)) return
  // If `future` is a task, the task is not cancelled. If it is the future of `sleep(0)`, its `cancel()` returns false,
  // because it counts as woken from the beginning. In these two cases only the wait is ended.
  if (future.ownExecution() === null && future.cancel(cancelOf(cancelledScope))) return
  if (!future.done() && future.canBeLeft()) frame.interrupt(future, cancelOf(cancelledScope))
}

/**
 * Called when the shield of `frame` (the object for a scope) was removed, or when the body of the scope has returned a
 * promise: ends the waits inside `frame`, if there is a cancel that has not reached them.
 */
export function deliverKeptOut(frame: ScopeFrame): void {
  const cancelledScope = findCancelledScope(frame)
  if (cancelledScope !== null) cancelInside(frame, cancelledScope)
  else frame.deliverPending()
}
