import { CancelledError } from '../errors/errors.ts'
import type { Future } from '../futures/future.ts'
import type { Reaction } from '../futures/reaction.ts'
import { Cancellation } from './cancellation.ts'
import type { Frame } from './frame.ts'

/**
 * Level cancellation, as Trio has it: from the moment a scope is cancelled, every wait inside it throws, until the scope
 * ends. A `catch` that swallows one CancelledError changes nothing, because the next wait throws again.
 *
 * `task.cancel()` is an edge instead: it is delivered once (`cancellation.ts`). Inside a scope are its frame, the frames
 * in it, and every task of a group that was opened in it; a shielded frame keeps out what is cancelled around it.
 */

/** The nearest frame, from `frame` outwards, whose scope is cancelled and that no shield keeps out; or null. */
export function levelOf(frame: Frame | null): Frame | null {
  for (let each = frame; each !== null; each = each.enclosing) {
    if (each.cancellation?.isLevel === true) return each
    if (each.isShielded) return null
  }
  return null
}

/** Cancels the scope of `frame`, for `reason`. */
export function cancelLevel(frame: Frame, reason: unknown): void {
  frame.cancellation ??= new Cancellation(frame)
  frame.cancellation.beginLevel(reason)
  strikeInside(frame, frame)
}

/** Ends every wait in `inside` and in what is inside it, for the cancelled scope of `frame`. */
export function strikeInside(inside: Frame, frame: Frame): void {
  const frames = [inside]
  // The list grows while it is read: nested scopes may be deeper than the stack.
  for (const each of frames) {
    for (let child = each.firstChild; child !== null; child = child.next) reach(child, frames)
    for (const task of each.members) if (!task.done()) reach(task.ownExecution(), frames)
  }
  for (const each of frames) {
    each.eachWait((_key, future) => void future.cancel(cancelOf(frame)))
    each.cancellation?.abort(cancelOf(frame), null)
    each.giveUp(cancelOf(frame))
  }
}

/** What is inside a scope that is cancelled already has been struck. */
function reach(frame: Frame, frames: Frame[]): void {
  if (frame.isShielded) frame.heldBack()
  else if (frame.cancellation?.isLevel !== true) frames.push(frame)
}

function cancelOf(frame: Frame): CancelledError {
  return new CancelledError('the scope around this wait was cancelled', {
    cause: frame.cancellation?.levelReason,
  })
}

/** A wait has begun inside the cancelled scope of `level`: it throws at the next turn of the task. */
export function strikeNewWait(
  frame: Frame,
  reaction: Reaction,
  future: Future<unknown>,
  level: Frame,
): void {
  if (!frame.holdsWait(reaction)) return
  // A task that is waited for goes on; a turn of the loop, as `sleep(0)` is, cannot be taken back.
  if (future.ownExecution() === null && future.cancel(cancelOf(level))) return
  if (!future.done() && future.canBeLeft()) frame.interrupt(future, cancelOf(level))
}
