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
      // A cancel has ended this wait, and the `while` loop begins a new one. The cancel is passed on to `future`,
      // unless it came from a cancelled scope: there every wait of this `while` loop throws, and each time a wait in
      // the clean-up of `future` would be ended too.
      if (frame?.isLevelCancelled() !== true) future.cancel()
    } finally {
      future.removeReaction(reaction)
    }
  }
  // oxlint-disable-next-line typescript/only-throw-error -- this is the CancelledError that has interrupted the wait
  if (interrupted !== null) throw interrupted
}
