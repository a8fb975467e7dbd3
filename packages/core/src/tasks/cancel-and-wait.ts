import { Future } from '../futures/future.ts'

/**
 * Cancels `future` and waits until it has ended. A cancel of the waiting task is passed on to it, and
 * thrown when it has ended.
 */
export async function cancelAndWait(future: Future<unknown>): Promise<void> {
  future.cancel()
  let interrupted: unknown = null
  while (!future.done()) {
    const waiter = new Future<void>()
    const reaction = future.onDone(() => {
      if (!waiter.done()) waiter.setResult()
    })
    try {
      await waiter
    } catch (error) {
      interrupted = error
      future.cancel()
    } finally {
      future.removeReaction(reaction)
    }
  }
  // oxlint-disable-next-line typescript/only-throw-error -- the CancelledError of this wait
  if (interrupted !== null) throw interrupted
}
