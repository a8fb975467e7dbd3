import type { Awaitable } from '../tasks/coroutine.ts'
import { ensureFuture } from '../tasks/ensure-future.ts'
import type { Future } from '../futures/future.ts'
import { DetailedFuture } from '../futures/detailed-future.ts'
import { detailsOf } from '../futures/wait-details.ts'

/**
 * Returns a future that gets the outcome of `aw`. A cancel of the returned future does not reach `aw`: the waiting code
 * gets a CancelledError, and `aw` continues. If `aw` fails after the cancel, and no other code awaits `aw`, the error
 * is passed to the exception handler of the loop. If `aw` itself is cancelled, the returned future is cancelled too.
 *
 * @example
 *     const save = createTask(() => sleep(10, 'saved'))
 *     const request = createTask(() => shield(save))
 *     await sleep(1)
 *     request.cancel() // ends the wait, not the work
 *     console.log(await save, request.cancelled()) // saved true
 *
 * Source: asyncio.shield
 */
export function shield<T>(aw: Awaitable<T>): Future<T> {
  const inner = ensureFuture(aw)
  if (inner.done()) return inner
  const loop = inner.getLoop()
  const outer = new DetailedFuture<T>(() => ({ ...detailsOf(inner), parts: [inner] }), { loop })
  const reaction = inner.onDone(() => {
    if (outer.done()) return
    if (inner.cancelled()) outer.cancel()
    else if (inner.exception() !== null) outer.setException(inner.exception())
    else outer.setResult(inner.result())
  })
  // The callback on `inner` is removed when the returned future ends. Otherwise a task that runs for a long time would
  // keep in memory one callback for each cancelled `shield` of this task.
  outer.onDone(() => inner.removeReaction(reaction))
  return outer
}
