import type { Future } from './future.ts'

/**
 * Calls `callback` in a turn of the loop after `future` has ended, outside of every task and context:
 * the cheap form of `addDoneCallback`, for library code. The callback must not throw. Returns what
 * takes it back.
 */
export function observe<T>(future: Future<T>, callback: (future: Future<T>) => void): () => void {
  const reaction = future.onDone(callback)
  return () => future.removeReaction(reaction)
}

/** Whether `future` ended with an exception. Unlike `exception()` this does not count as having seen it. */
export function hasFailed(future: Future<unknown>): boolean {
  return future.hasFailed()
}
