import { describe } from '../arguments.ts'
import { isCancelled } from '../errors/errors.ts'
import { ensureFuture } from '../tasks/ensure-future.ts'
import { shielded } from '../scopes/cancel-scope.ts'
import { wait } from './wait.ts'

/** How long the end of a loop waits for the source's `return()`; milliseconds. */
const returnGrace = 1_000

/**
 * A `for await` over a foreign iterable that a cancel can leave: a wait for the source's `next()` is given up, and its
 * `return()` is called, at most once, also when the loop is left by `break` or an error. Without it a cancel waits until
 * the source gives its next item.
 *
 * @throws {TypeError} when `source` is not an async iterable
 *
 * @example
 *     for await (const event of iterate(stream)) await handle(event)
 */
export function iterate<T>(source: AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
  const make = (source as Partial<AsyncIterable<T>> | null | undefined)?.[Symbol.asyncIterator]
  if (typeof make !== 'function') {
    throw new TypeError(`iterate takes an async iterable, got ${describe(source)}`)
  }
  return run(make.call(source))
}

async function* run<T>(iterator: AsyncIterator<T>): AsyncGenerator<T, void, undefined> {
  let isDone = false
  try {
    for (;;) {
      let step: IteratorResult<T>
      try {
        step = await ensureFuture(Promise.resolve(iterator.next()))
      } catch (error) {
        // A source that has failed is at its end; one whose item was given up is not.
        isDone = !isCancelled(error)
        throw error
      }
      if (step.done === true) {
        isDone = true
        return
      }
      yield step.value
    }
  } finally {
    if (!isDone && iterator.return !== undefined) await end(iterator)
  }
}

/** An async generator that waits in `next()` queues `return()` behind that, so the wait for it is limited. */
async function end(iterator: AsyncIterator<unknown>): Promise<void> {
  const returned = ensureFuture(Promise.resolve(iterator.return?.()))
  await shielded(() => wait([returned], { timeout: returnGrace }))
  if (returned.done()) returned.result()
  else returned.cancel()
}
