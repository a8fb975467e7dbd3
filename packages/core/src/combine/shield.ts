import type { Awaitable } from '../tasks/coroutine.ts'
import { ensureFuture } from '../tasks/ensure-future.ts'
import type { Future } from '../futures/future.ts'
import { DetailedFuture } from '../futures/detailed-future.ts'
import { detailsOf } from '../futures/wait-details.ts'

/**
 * Awaits `aw` without passing a cancel on to it: the waiter gets its CancelledError, and `aw` goes on.
 * What it throws after that counts as never retrieved and is reported. A cancel of `aw` itself comes through.
 *
 * Source: asyncio.shield
 */
export function shield<T>(aw: Awaitable<T>): Future<T> {
  const inner = ensureFuture(aw)
  if (inner.done()) return inner
  const loop = inner.getLoop()
  const outer = new DetailedFuture<T>(() => detailsOf(inner), { loop })
  const reaction = inner.onDone(() => {
    if (outer.done()) return
    if (inner.cancelled()) outer.cancel()
    else if (inner.exception() !== null) outer.setException(inner.exception())
    else outer.setResult(inner.result())
  })
  // A long-lived task must not collect the shields that were given up.
  outer.onDone(() => inner.removeReaction(reaction))
  return outer
}
