import { currentFrame } from '../context/current.ts'
import { isCancelled } from '../errors/errors.ts'
import { shielded } from './shielded.ts'

/**
 * Calls `wait` and awaits the promise that it returns, even if the calling code is cancelled meanwhile. This is for
 * clean-up code. A cancel ends the `await`, so `waitAnyway` then calls `wait` again and awaits the new promise. When
 * such a promise has fulfilled, `waitAnyway` throws the last CancelledError; if no cancel came, it returns. In a
 * cancelled scope every wait throws, so there `wait` is called inside `shielded`.
 *
 * Each promise that `wait` returns must settle, and must not reject with a CancelledError. `waitAnyway` would take such
 * a rejection for a cancel of the waiting code, and call `wait` again without end.
 */
export async function waitAnyway(wait: () => PromiseLike<unknown>): Promise<void> {
  let cancel: unknown = null
  for (;;) {
    try {
      await (currentFrame()?.isLevelCancelled() === true ? shielded(wait) : wait())
      break
    } catch (error) {
      if (!isCancelled(error)) throw error
      cancel = error
    }
  }
  // oxlint-disable-next-line typescript/only-throw-error -- `cancel` is a CancelledError
  if (cancel !== null) throw cancel
}
