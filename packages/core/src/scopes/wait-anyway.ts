import { currentFrame } from '../context/current.ts'
import { isCancelled } from '../errors/errors.ts'
import { shielded } from './cancel-scope.ts'

/**
 * For clean-up that no cancel may cut short: awaits what `wait` returns, calls it again after each cancel, and throws the
 * last cancel when the wait has ended. In a cancelled scope, where every wait throws, it waits behind a shield.
 *
 * `wait` must end: a promise that is itself cancelled would be waited for again and again.
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
