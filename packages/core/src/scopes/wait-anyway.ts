import { currentFrame } from '../context/current.ts'
import { isCancelled } from '../errors/errors.ts'
import { shielded } from './shielded.ts'

/**
 * Awaits the promise that `wait()` returns, and does not let a cancel end this wait early. This is for clean-up code.
 * If the waiting code is cancelled during the wait, `waitAnyway` calls `wait` again. When the wait has ended, it throws
 * the last CancelledError. In a cancelled scope every wait throws, so there `wait` is called inside `shielded`.
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
