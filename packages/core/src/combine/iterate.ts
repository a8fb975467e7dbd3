import { describe } from '../arguments.ts'
import { isCancelled } from '../errors/errors.ts'
import { ensureFuture } from '../tasks/ensure-future.ts'
import { shielded } from '../scopes/shielded.ts'
import { wait } from './wait.ts'

/**
 * If a `for await` loop over `iterate(source)` is left early, `return()` of the source is awaited for at most this many
 * milliseconds.
 */
const returnGrace = 1_000

/**
 * Makes a `for await` over an async iterable of another library cancellable: a cancel ends the wait for the `next()` of
 * the source at once. Without `iterate`, a cancel is thrown only after the source has given its next item. If the `for
 * await` loop is left early, by a cancel, an error in its body or a `break`, `return()` of the source is called once.
 *
 * @throws {TypeError} when `source` is not an async iterable
 *
 * @example
 *     async function* events() {
 *       yield 'opened'
 *       yield 'closed'
 *     }
 *     for await (const event of iterate(events())) console.log(event) // opened, then closed
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
        // A source that has failed is at its end, so its `return()` is not called. If a cancel has ended this wait for
        // `next()`, the source has not failed, and its `return()` is called.
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

/**
 * Calls `return()` of the source and waits until the returned promise has settled, but at most `returnGrace`
 * milliseconds. There is a limit, because an async generator that still waits in `next()` runs `return()` only after
 * the wait for `next()`, which may never end. After the time, the code continues without the answer of `return()`.
 */
async function end(iterator: AsyncIterator<unknown>): Promise<void> {
  const returned = ensureFuture(Promise.resolve(iterator.return?.()))
  await shielded(() => wait([returned], { timeout: returnGrace }))
  if (returned.done()) returned.result()
  else returned.cancel()
}
