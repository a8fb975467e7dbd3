import type { EventLoop } from './loop.ts'

/** Loops that nobody has closed may still be garbage, so the list does not keep them alive. */
let loops: WeakRef<EventLoop>[] = []
/** The list is cleaned when it has become this long. */
let limit = 16

export function noteLoop(loop: EventLoop): void {
  if (loops.length >= limit) {
    loops = loops.filter((each) => each.deref()?.isClosed() === false)
    limit = Math.max(16, 2 * loops.length)
  }
  loops.push(new WeakRef(loop))
}

/** The loops of this thread that are not closed, the oldest first. */
export function liveLoops(): EventLoop[] {
  const live: EventLoop[] = []
  for (const each of loops) {
    const loop = each.deref()
    if (loop?.isClosed() === false) live.push(loop)
  }
  return live
}
