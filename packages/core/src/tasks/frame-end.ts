import type { Reaction } from '../futures/reaction.ts'
import { cancelRest, hasReached } from './cancel-rest.ts'
import type { Frame } from './frame.ts'
import { CLEANING, CLOSING, OPEN } from './frame-state.ts'
import { framesOf, unshieldedFramesOf } from './frame-tree.ts'

/**
 * The problem: when the body of a cancelled scope has ended, async calls that the body has begun and not awaited may
 * still be in their clean-up. The scope must not end before these calls. Also, a frame (the object for one scope or
 * task) must stay in the list of the frame around it while a wait is left inside it, so that a cancel of the outer
 * frame finds that wait.
 *
 * The idea: while the body runs, waits are not counted, because each wait would have to change a counter in its frame
 * and in every frame around it. After the body has ended, each end of a wait inside the frame calls `afterWait`, which
 * checks whether another wait is left. If none is left, the scope ends, and its frame is removed from the list.
 */

/**
 * Called when a task of a group has ended. `group` is the frame (the object for one scope or task) of the group. A
 * cancelled scope waits, after the end of its body, for the tasks of the groups inside it. So this function checks the
 * group and each scope around the group. If the body of such a scope has ended, and nothing else is left to wait for,
 * the scope ends.
 */
export function afterGroupTask(group: Frame): void {
  for (let frame: Frame | null = group; frame !== null; frame = frame.parent) {
    if (frame.state !== OPEN) afterWork(frame, true)
  }
}

/**
 * For each frame (the object for one scope or task): the number of clean-ups of this library that run for it now. For
 * example, a `taskGroup` in a cancelled scope waits for its tasks. A clean-up waits outside of every scope and task,
 * where no cancel can end its wait. So the frame does not list this wait, and the clean-up is counted here instead.
 */
const cleanups = new WeakMap<Frame, number>()

/**
 * Notes that this library begins a clean-up for `frame` (the object for one scope or task). Until `endCleanup` is
 * called, a cancelled scope around `frame` waits for this clean-up too before the scope ends.
 */
export function beginCleanup(frame: Frame): void {
  cleanups.set(frame, (cleanups.get(frame) ?? 0) + 1)
}

export function endCleanup(frame: Frame): void {
  const left = (cleanups.get(frame) ?? 0) - 1
  if (left > 0) cleanups.set(frame, left)
  else cleanups.delete(frame)
  let isCleaning = false
  for (let each: Frame | null = frame; each !== null; each = each.parent) {
    if (each.state === OPEN) continue
    isCleaning ||= each.state === CLOSING
    afterWork(each, true)
  }
  // The code that continues now has waited outside of every scope, so this turn has not resumed it as code of `frame`.
  if (isCleaning) frame.loop.holdWithoutTrail(frame.task ?? frame)
}

/**
 * Called when a wait of `waiting` has ended, a frame inside `frame` or `frame` itself, and the body of `frame` has
 * ended before. (A frame is the object for one scope or task.) `key` identifies the wait.
 */
export function afterWait(frame: Frame, waiting: Frame, key: Reaction): void {
  const isClosing = frame.state === CLOSING
  afterWork(frame, isClosing && (isShieldedInside(frame, waiting) || hasReached(waiting, key)))
}

/** Whether a shield inside `frame` keeps the cancels of `frame` away from `waiting`, a frame inside `frame`. */
function isShieldedInside(frame: Frame, waiting: Frame): boolean {
  for (let each: Frame | null = waiting; each !== null && each !== frame; each = each.parent) {
    if (each.isShielded) return true
  }
  return false
}

/**
 * Called when a wait, a clean-up of this library or a task of a group inside `frame` (the object for one scope or task)
 * has ended, if the body of the scope or task has ended before. If nothing else is left inside `frame`, removes `frame`
 * from the list that the frame around `frame` keeps. For a cancelled scope or task, this check is made at the end of
 * this turn (one step of the loop), because the code that continues may begin one more wait, to clean up; it may do so
 * only if `mayCleanUp` is true. If no wait is left at the end of the turn, the scope or task ends too.
 */
function afterWork(frame: Frame, mayCleanUp: boolean): void {
  if (frame.state === CLOSING) {
    if (mayCleanUp) frame.state = CLEANING
    frame.loop.atTurnEnd(() => {
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
 * Whether `frame` (the object for one scope or task), or a frame inside it, has work left for which a cancelled
 * scope must wait. There are three kinds of such work: code that waits on a future, a clean-up of this library, and a
 * task of a group that has not ended. The search stops at the first work that it finds, because this function is called
 * often: if a scope has many scopes inside, it is called each time one of them ends.
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
 * Called when the body of a cancelled scope or task has ended; `frame` is the object that lists the waits of this body.
 * From now on the scope waits for the async calls that the body has begun and not awaited (state CLOSING), and refuses
 * new waits. Calls of `then` that only look like an `await` are removed from the lists of waits first. If an async call
 * has not got the cancel, its wait ends now. The tasks of the groups inside `frame` are cancelled too: the code that
 * has opened the group may be awaiting a promise that is not a future, and a cancel cannot end such a wait.
 */
export function close(frame: Frame): void {
  for (const each of framesOf(frame)) each.dropFalseWaits()
  frame.state = CLOSING
  cancelRest(frame)
  for (const each of unshieldedFramesOf(frame, () => {})) {
    if (each === frame) continue
    each.noteMembersCancelled()
    for (const task of each.members) {
      if (task.done() || task.ownExecution().cancelling() > 0) continue
      task.cancel()
    }
  }
}
