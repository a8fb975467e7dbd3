import { CancelledError } from '../errors/errors.ts'
import type { Future } from '../futures/future.ts'
import type { Reaction } from '../futures/reaction.ts'
import { Cancellation } from './cancellation.ts'
import type { Frame } from './frame.ts'
import type { ScopeFrame } from './scope-frame.ts'

/**
 * Level cancellation, as in Trio: from the moment a scope is cancelled, every wait inside that scope throws, until the
 * scope ends. Code that catches one CancelledError and continues does not escape, because its next wait throws again.
 *
 * In contrast, the cancel of `task.cancel()` is thrown only once (`cancellation.ts`). A scope contains its frame (the
 * running body of the scope), the frames inside that frame, and every task of a group that was opened in one of these
 * frames. A shielded frame keeps out the cancels of scopes around it.
 */

/**
 * Searches from `frame` outwards for a frame whose scope is cancelled, and returns the first. The search ends after the
 * first frame with a shield. Returns null if no such frame was found.
 */
export function findCancelledScope(frame: Frame | null): Frame | null {
  for (let each = frame; each !== null; each = each.enclosing) {
    if (each.cancellation?.isScopeCancelled === true) return each
    if (each.isShielded) return null
  }
  return null
}

/**
 * Cancels the scope of `frame`: until the scope ends, every wait inside it throws a CancelledError with `reason` as its
 * cause.
 */
export function cancelScopeOf(frame: Frame, reason: unknown): void {
  frame.cancellation ??= new Cancellation(frame)
  frame.cancellation.beginScopeCancel(reason)
  cancelInside(frame, frame)
}

/** Ends every wait in the frame `inside` and in everything inside it, because the scope of `frame` is cancelled. */
function cancelInside(inside: Frame, frame: Frame): void {
  const frames = [inside]
  // The list grows during the loop. There is no recursion, because nested scopes may be deeper than the stack.
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
 * Adds `frame` to `frames`, the list of the frames whose waits must end. If `frame` is shielded, it is only told that
 * its shield has kept a cancel out. If the scope of `frame` was cancelled before, nothing happens, because its waits
 * have been ended already.
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
 * Called when a wait on `future` has begun in `frame`, inside a cancelled scope. `cancelledScope` is the frame of that
 * scope, and `reaction` will resume the waiting code. Ends the wait, so that it throws in the next turn of the task.
 * Does nothing if the wait must go on because `future` is about to give its waiter a lock or an item.
 */
export function cancelNewWait(
  frame: Frame,
  reaction: Reaction,
  future: Future<unknown>,
  cancelledScope: Frame,
): void {
  if (!frame.holdsWait(reaction)) return
  // A task that is waited for is not cancelled, and the future of `sleep(0)` does not accept a cancel, because it is in
  // the ready queue. In these two cases only the wait is ended.
  if (future.ownExecution() === null && future.cancel(cancelOf(cancelledScope))) return
  if (!future.done() && future.canBeLeft()) frame.interrupt(future, cancelOf(cancelledScope))
}

/**
 * Called when the shield of `frame` was removed. The waits inside `frame` now get the cancels that the shield has kept
 * out.
 */
export function deliverKeptOut(frame: ScopeFrame): void {
  const cancelledScope = findCancelledScope(frame)
  if (cancelledScope !== null) cancelInside(frame, cancelledScope)
  else frame.deliverPending()
}
