import { currentFrame } from '../context/current.ts'
import { Future } from '../futures/future.ts'
import { awaitAnyway } from './deliver-cancel.ts'

/**
 * Cancels `future` and waits until it has ended. A cancel of the waiting code is passed on to it, and thrown when it has
 * ended. In a cancelled scope, where every wait throws, it waits all the same.
 */
export async function cancelAndWait(future: Future<unknown>): Promise<void> {
  future.cancel()
  await untilEnded(future)
}

/** The same for a future that was cancelled already. */
export async function untilEnded(future: Future<unknown>): Promise<void> {
  const frame = currentFrame()
  let interrupted: unknown = null
  while (!future.done()) {
    const waiter = new Future<void>()
    const reaction = future.onDone(() => {
      if (!waiter.done()) waiter.setResult()
    })
    try {
      await (frame === null ? waiter : awaitAnyway(frame, waiter))
    } catch (error) {
      interrupted = error
      // A cancelled scope strikes here again and again, and must not cut the clean-up that it waits for.
      if (frame?.isLevelCancelled() !== true) future.cancel()
    } finally {
      future.removeReaction(reaction)
    }
  }
  // oxlint-disable-next-line typescript/only-throw-error -- the CancelledError of this wait
  if (interrupted !== null) throw interrupted
}
