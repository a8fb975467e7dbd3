import { Future, getEventLoop } from '@tasktree/core'

/**
 * Calls `fn` in a turn of the loop, outside of every task. A socket that is created there also emits its events outside
 * of every task. Otherwise the callbacks of a protocol would run as code of the task that has connected.
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

/**
 * Waits for several turns of the event loop, so that Node has looked for I/O at least `count - 1` times and at most
 * `count` times.
 */
export async function turnsOfIo(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const turn = new Future<void>()
    // oxlint-disable-next-line no-restricted-globals -- a turn of Node's loop is meant, and not a time
    setImmediate(() => {
      if (!turn.done()) turn.setResult()
    })
    await turn
  }
}

/** Cancels a future that no code awaits any more, or marks its outcome as handled, so that it is not reported. */
export function abandon(future: Future<unknown>): void {
  if (!future.cancel() && !future.cancelled()) future.exception()
}
