import type { Frame } from './frame.ts'
import { CLEANING, CLOSING, OPEN } from './frame-state.ts'
import { framesOf } from './frame-tree.ts'

/**
 * The problem: when the body of a cancelled scope has ended, calls that the body has begun may still be in their
 * clean-up. The scope must not end before these calls. A frame (the running body of a task or scope) must also stay
 * linked to the frame around it while a wait is left inside it, so that a cancel finds that wait.
 *
 * The idea: while the body runs, waits are not counted, because that would slow down each wait. After the body has
 * ended, each end of a wait inside the frame calls `afterWait`, which checks whether another wait is left. If none is
 * left, the scope ends and the frame is unlinked.
 */

/**
 * Called when a task of a group has ended. `group` is the frame of the group. If the body of this frame, or of a frame
 * around it, has ended before, and only that task was left, the frame can end now.
 */
export function afterGroupTask(group: Frame): void {
  for (let frame: Frame | null = group; frame !== null; frame = frame.parent) {
    if (frame.state !== OPEN) afterWait(frame)
  }
}

/**
 * For each frame: the number of clean-ups of this library that run for it now. Such a clean-up waits outside of every
 * frame, where `hasWaits` would not find it, so it is counted here.
 */
const cleanups = new WeakMap<Frame, number>()

/**
 * Notes that a clean-up for `frame` begins. Until `endCleanup`, a cancelled scope around `frame` waits for this
 * clean-up too before it ends.
 */
export function beginCleanup(frame: Frame): void {
  cleanups.set(frame, (cleanups.get(frame) ?? 0) + 1)
}

export function endCleanup(frame: Frame): void {
  const left = (cleanups.get(frame) ?? 0) - 1
  if (left > 0) cleanups.set(frame, left)
  else cleanups.delete(frame)
  for (let each: Frame | null = frame; each !== null; each = each.parent) {
    if (each.state !== OPEN) afterWait(each)
  }
}

/**
 * Called when the body of `frame` has ended before, and now a wait in `frame` or inside it has ended too. If no other
 * wait is left, the scope ends at the end of this turn if it was cancelled, and the frame is removed from the list of
 * the frame around it.
 */
export function afterWait(frame: Frame): void {
  if (frame.state === CLOSING) {
    frame.state = CLEANING
    frame.scopeLoop.atTurnEnd(() => {
      if (frame.state === CLEANING) frame.state = CLOSING
      if (!hasWaits(frame)) frame.cancellation?.becameQuiet()
      unlinkIfIdle(frame)
    })
  } else unlinkIfIdle(frame)
}

function unlinkIfIdle(frame: Frame): void {
  if (frame.hasOwnWaits() || frame.firstChild !== null || cleanups.has(frame)) return
  frame.unlink()
}

/**
 * Whether `frame` or a frame inside it has a wait, or a group with a task that has not ended. The search stops at the
 * first wait that it finds, because a scope with many scopes inside calls this each time one of these scopes ends.
 */
export function hasWaits(frame: Frame): boolean {
  const frames = [frame]
  for (let each = frames.pop(); each !== undefined; each = frames.pop()) {
    if (each.hasOwnWaits() || cleanups.has(each)) return true
    for (const task of each.members) if (!task.done()) return true
    for (let child = each.firstChild; child !== null; child = child.next) {
      if (child.hasOwnWaits()) return true
      frames.push(child)
    }
  }
  return false
}

/**
 * Called when the body of the cancelled `frame` has ended. Sets the frame to CLOSING: it waits for the other calls that
 * the body has begun, and refuses new waits. Also cancels the tasks of the groups inside `frame`. Usually the code that
 * has opened a group passes the cancel on to the group. But that code may be awaiting a promise that is not a future,
 * and a cancel cannot end such a wait.
 */
export function close(frame: Frame): void {
  frame.state = CLOSING
  for (const each of framesOf(frame)) {
    if (each.isShielded || each === frame) continue
    for (const task of each.members) {
      if (task.done() || task.ownExecution().cancelling() > 0) continue
      task.cancel()
    }
  }
}
