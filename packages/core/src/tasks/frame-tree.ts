import type { Frame } from './frame.ts'

/** Returns `frame` and all frames inside it, the outermost first. A frame is the running body of a task or scope. */
export function framesOf(frame: Frame): Frame[] {
  const frames = [frame]
  // The list grows during the loop. There is no recursion, because nested scopes may be deeper than the stack.
  for (const each of frames) {
    for (let child = each.firstChild; child !== null; child = child.next) frames.push(child)
  }
  return frames
}
