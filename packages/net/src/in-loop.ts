import { Future, getEventLoop } from '@tasktree/core'

/**
 * Calls `fn` in a turn of the loop, outside of every task. A socket that Node makes there also has its events there.
 * Otherwise the callbacks of a protocol would run as code of the task that has connected.
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

/** Waits until Node has looked for I/O at least `count - 1` times, and at most `count` times. */
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

/** For an operation that ends early: nobody waits for `future` any more, so its outcome must not be reported. */
export function abandon(future: Future<unknown>): void {
  if (!future.cancel() && !future.cancelled()) future.exception()
}
