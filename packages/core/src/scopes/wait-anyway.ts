import { currentFrame } from '../context/current.ts'
import { isCancelled } from '../errors/errors.ts'
import { shielded } from './shielded.ts'

/**
 * Awaits the promise that `wait()` returns, in clean-up that no cancel may cut short. If the waiting code is cancelled
 * meanwhile, calls `wait` again, and throws the last CancelledError when the wait has ended. In a cancelled scope,
 * where every wait throws, calls `wait` behind a shield.
 *
 * The promises of `wait` must end by themselves. A promise that ends as cancelled is taken for a cancel of the waiting
 * code, so `wait` would be called again and again.
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
  // oxlint-disable-next-line typescript/only-throw-error -- the CancelledError
  if (cancel !== null) throw cancel
}
