import { currentFrame } from '../context/current.ts'
import { Future } from '../futures/future.ts'
import { awaitAnyway } from './deliver-cancel.ts'

/**
 * Cancels `future` and waits until it has ended. If the waiting code is cancelled during that time, this function
 * cancels `future` again, and throws the CancelledError when `future` has ended. In a cancelled scope, where other
 * waits throw at once, this function still waits.
 */
export async function cancelAndWait(future: Future<unknown>): Promise<void> {
  future.cancel()
  await untilEnded(future)
}

/**
 * Waits until `future`, which was cancelled already, has ended. If the waiting code is cancelled during that time, this
 * function cancels `future` again, and throws the CancelledError when `future` has ended.
 */
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
      // A cancel has ended this wait, and the loop waits again. A cancel is passed on to `future`, with one exception:
      // a cancelled scope ends every wait of this loop, and would end each wait in the clean-up of `future`.
      if (frame?.isLevelCancelled() !== true) future.cancel()
    } finally {
      future.removeReaction(reaction)
    }
  }
  // oxlint-disable-next-line typescript/only-throw-error -- this is the CancelledError that has interrupted the wait
  if (interrupted !== null) throw interrupted
}
