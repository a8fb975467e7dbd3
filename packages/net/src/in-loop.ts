import { Future, getEventLoop } from '@tasktree/core'

/**
 * Calls `fn` in a turn of the loop, outside of every task. What Node makes in there, a socket for one,
 * has its events there as well: a protocol's callbacks must not look like code of the task that connected.
 */
export function inLoop<T>(fn: () => T): Future<T> {
  const done = new Future<T>()
  getEventLoop().callSoon(() => {
    if (done.done()) return
    try {
      done.setResult(fn())
    } catch (error) {
      done.setException(error)
    }
  })
  return done
}
