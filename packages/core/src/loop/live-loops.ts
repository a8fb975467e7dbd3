import { LiveList } from './live-list.ts'
import type { EventLoop } from './loop.ts'

const loops = new LiveList<EventLoop>((loop) => !loop.isClosed())

export function noteLoop(loop: EventLoop): void {
  loops.add(loop)
}

/** Returns the loops of this thread that are not closed, the oldest first. */
export function liveLoops(): EventLoop[] {
  return loops.list()
}
