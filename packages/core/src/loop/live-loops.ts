import type { EventLoop } from './loop.ts'

/**
 * The loops of this thread. Weak references, because a program may drop a loop without closing it, and this list must
 * not keep such a loop in memory.
 */
let loops: WeakRef<EventLoop>[] = []
/** When the list has this many entries, those of closed and collected loops are removed. */
let limit = 16

export function noteLoop(loop: EventLoop): void {
  if (loops.length >= limit) {
    loops = loops.filter((each) => each.deref()?.isClosed() === false)
    limit = Math.max(16, 2 * loops.length)
  }
  loops.push(new WeakRef(loop))
}

/** Returns the loops of this thread that are not closed, the oldest first. */
export function liveLoops(): EventLoop[] {
  const live: EventLoop[] = []
  for (const each of loops) {
    const loop = each.deref()
    if (loop?.isClosed() === false) live.push(loop)
  }
  return live
}
