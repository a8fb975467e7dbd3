import { Future, getEventLoop } from '@tasktree/core'

/**
 * Calls `fn` in a turn of the loop, outside of every task. A socket that is created there also emits its events outside
 * of every task. Otherwise the callbacks of a protocol would run as code of the task that has connected.
 */
export function runOutsideTasks<T>(fn: () => T): Future<T> {
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
