import type { Frame } from './frame.ts'
import { OPEN } from './frame-state.ts'

/** Returns `frame` and all frames inside it, the outermost first. A frame is the object for one scope or task. */
export function framesOf(frame: Frame): Frame[] {
  const frames = [frame]
  // The `for` loop also visits the frames (objects for scopes and tasks) that are added to the list during the
  // loop. Recursion is not used, because scopes may be nested deeper than the call stack allows.
  for (const each of frames) {
    for (let child = each.firstChild; child !== null; child = child.next) frames.push(child)
  }
  return frames
}

/**
 * Returns `frame` and the frames inside it that cancels of `frame` reach, the outermost first. (A frame is the object
 * for one scope or task.) Frames with a shield, and the frames inside them, are left out, because a shield keeps
 * cancels out: `onShield` is called for each frame with a shield that is found.
 */
export function unshieldedFramesOf(frame: Frame, onShield: (shield: Frame) => void): Frame[] {
  const frames = [frame]
  // As in `framesOf`, the `for` loop also visits the frames that are added during the loop.
  for (const each of frames) {
    for (let child = each.firstChild; child !== null; child = child.next) {
      if (child.isShielded) onShield(child)
      else frames.push(child)
    }
  }
  return frames
}

/**
 * Adds `frame` (the object for one scope or task) to the list of inner frames of the frame around `frame`. So a
 * cancel of the outer frame finds the waits inside `frame`. Does nothing if `frame` is in the list
 * already.
 */
export function attach(frame: Frame): void {
  const enclosing = frame.enclosing as Frame
  if (frame.previous !== null || enclosing.firstChild === frame) return
  const sibling = enclosing.firstChild
  frame.next = sibling
  if (sibling !== null) sibling.previous = frame
  enclosing.firstChild = frame
  if (enclosing.state !== OPEN) enclosing.link()
}

/**
 * Removes `frame` (the object for one scope or task) from the list of inner frames of the frame around `frame`. Does
 * nothing if `frame` is not in the list.
 */
export function detach(frame: Frame): void {
  const enclosing = frame.enclosing as Frame
  const { previous, next } = frame
  if (previous === null && enclosing.firstChild !== frame) return
  if (previous === null) enclosing.firstChild = next
  else previous.next = next
  if (next !== null) next.previous = previous
  frame.next = null
  frame.previous = null
  // When the body of a scope or task has ended, its frame stays in the list of the frame around it only while waits or
  // other frames are left inside it. `frame` may have been the last one inside `enclosing`: then `enclosing` leaves the
  // list of the frame around it as well.
  if (enclosing.state !== OPEN && !enclosing.hasOwnWaits() && enclosing.firstChild === null) {
    enclosing.unlink()
  }
}
