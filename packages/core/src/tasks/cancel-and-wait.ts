import { currentFrame } from '../context/current.ts'
import { DetailedFuture } from '../futures/detailed-future.ts'
import type { Future } from '../futures/future.ts'
import { awaitAnyway } from './deliver-cancel.ts'
import type { Frame } from './frame.ts'

/**
 * Cancels `future` and waits until it has ended. If the waiting code is cancelled during that time, this function
 * throws the CancelledError when `future` has ended; it cancels `future` again, unless the cancel is that of a
 * `cancelScope`. In a cancelled scope, where other waits throw at once, this function still waits. If `future` waits for
 * the running task itself, the CancelledError is thrown at once, before `future` has ended.
 */
export async function cancelAndWait(future: Future<unknown>): Promise<void> {
  await untilAllEnded([future], cancelAll([future]))
}

/**
 * Cancels all `futures`. Returns true if the running task was cancelled too, because one of the futures waits for it or
 * is this task. If this task then waited for the futures, all would wait for ever.
 */
export function cancelAll(futures: Iterable<Future<unknown>>): boolean {
  const frame = currentFrame()
  const before = frame?.cancelling()
  for (const each of futures) each.cancel()
  return frame?.cancelling() !== before
}

/**
 * Waits until all `futures`, which were cancelled already, have ended. If the waiting code is cancelled during that
 * time, this function throws the CancelledError when all have ended. So nothing is left running behind the caller. It
 * cancels the futures that are left again, unless the cancel is that of a `cancelScope`. If one of the futures waits
 * for the waiting task itself, the CancelledError is thrown at once; `isCircle` says that this is known already.
 */
export async function untilAllEnded(
  futures: readonly Future<unknown>[],
  isCircle = false,
): Promise<void> {
  const frame = currentFrame()
  let interrupted: unknown = null
  for (;;) {
    const pending = futures.filter((each) => !each.done())
    if (pending.length === 0) break
    try {
      await waitForAll(isCircle ? null : frame, pending)
    } catch (error) {
      interrupted = error
      // A cancel has ended this wait, and the loop begins a new one. The cancel is passed on to the futures, unless it
      // came from a cancelled scope: there every wait of this loop throws, and each time a wait in the clean-up of the
      // futures would be ended too.
      if (isCircle || (frame?.isLevelCancelled() !== true && cancelAll(pending))) break
    }
  }
  // oxlint-disable-next-line typescript/only-throw-error -- this is the CancelledError that has interrupted the wait
  if (interrupted !== null) throw interrupted
}

/**
 * Waits until all `futures`, of which none is done, have ended. `frame` is the object for the waiting scope or task: if
 * no wait may begin in it, or every wait in it throws, this wait is outside of it. If `frame` is null, the wait is an
 * ordinary wait of the running code.
 */
async function waitForAll(frame: Frame | null, futures: readonly Future<unknown>[]): Promise<void> {
  let left = futures.length
  const waiter = new DetailedFuture<void>(
    () => ({
      kind: 'wait',
      label: 'the end of what it has cancelled',
      note: `${left} left`,
      next: futures.find((each) => !each.done()),
    }),
    { loop: (futures[0] as Future<unknown>).getLoop() },
  )
  const reactions = futures.map((future) =>
    future.onDone(() => {
      left--
      if (left === 0 && !waiter.done()) waiter.setResult()
    }),
  )
  try {
    await (frame === null ? waiter : awaitAnyway(frame, waiter))
  } finally {
    for (const [i, future] of futures.entries()) {
      const reaction = reactions[i]
      if (reaction !== undefined) future.removeReaction(reaction)
    }
  }
}
