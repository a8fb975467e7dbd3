import { createTask, Future, shielded } from '@tasktree/core'
import {
  cancelOnAbort,
  checkBody,
  checkCount,
  checkOptions,
  observe,
} from '@tasktree/core/lowlevel'
import { checkFlag } from './check-options.ts'
import { checkSource, Pump, type Source } from './pump.ts'
import { reportUnthrown } from './report-unthrown.ts'
import { throwAsIs } from './throw-as-is.ts'

export interface MapStreamOptions {
  /** At most this many calls of the function run at the same time; 1 by default. */
  concurrency?: number | undefined
  /** Whether the results come in the order of the items, which is the default. Otherwise they come in the order in which the calls end. */
  ordered?: boolean | undefined
  /** How many results may wait for the loop beyond the `concurrency` calls whose results it has not taken; 0 by default. */
  buffer?: number | undefined
  /** Its abort cancels the stream, for code outside of a task. */
  signal?: AbortSignal | undefined
}

/** The result or the error of an item. The result of item `n`, or the `n`-th to end, has the key `n`. */
type Outcome<R> = { value: R } | { error: unknown }

/**
 * The results of `fn` for each item, for a `for await` loop. Nothing begins before the loop does. At most
 * `concurrency + buffer` items are ahead of the loop: taken from `items`, and their results not taken by the loop. So a
 * slow loop slows the source down, and memory stays flat, however many items there are.
 *
 * The first failure ends the stream in its place: after the results before it, or at once with `ordered: false`. However
 * the loop is left (`break`, an error, a cancel), the running calls are cancelled, `items` is closed, and the loop goes on
 * when all of that has ended.
 *
 * @throws {TypeError} when `items` cannot be iterated, or `fn` is not a function
 * @throws {RangeError} when `concurrency` or `buffer` is not a whole number, or too small
 */
export function mapStream<T, R>(
  items: Source<T>,
  fn: (item: T, index: number) => PromiseLike<R>,
  options?: MapStreamOptions,
): AsyncIterable<R> {
  checkSource('mapStream', items)
  checkBody('mapStream', fn)
  checkOptions(options)
  const concurrency = checkCount('the option concurrency', options?.concurrency ?? 1, 1)
  const ahead = concurrency + checkCount('the option buffer', options?.buffer ?? 0, 0)
  const ordered = checkFlag('ordered', options?.ordered)
  const signal = options?.signal
  return {
    [Symbol.asyncIterator]: () => stream(items, fn, { concurrency, ahead, ordered, signal }),
  }
}

async function* stream<T, R>(
  items: Source<T>,
  fn: (item: T, index: number) => PromiseLike<R>,
  options: {
    concurrency: number
    ahead: number
    ordered: boolean
    signal: AbortSignal | undefined
  },
): AsyncGenerator<R, void, undefined> {
  const { concurrency, ahead, ordered, signal } = options
  const outcomes = new Map<number, Outcome<R>>()
  let taken = 0
  let ended = 0
  /** The loop waits on this future while the next outcome is not there. */
  let change: Future<void> | null = null
  const noteChange = (): void => {
    if (change !== null && !change.done()) change.setResult()
  }
  const deliver = (outcome: Outcome<R>, index: number): void => {
    outcomes.set(ordered ? index : ended++, outcome)
    noteChange()
  }
  const pump: Pump<T, R> = new Pump({
    items,
    fn,
    concurrency,
    hasRoom: () => pump.begun - taken < ahead,
    done: (value, index) => deliver({ value }, index),
    failed: (error, index) => {
      deliver({ error }, index)
      // The loop still wants the results before the failure, but none after it.
      pump.end()
    },
  })
  const pumping = createTask(() => pump.run())
  cancelOnAbort(pumping, signal)
  observe(pumping, noteChange)
  try {
    for (;;) {
      const outcome = outcomes.get(taken)
      if (outcome === undefined) {
        if (pumping.done()) {
          pumping.result()
          return
        }
        change = new Future()
        await change
        continue
      }
      outcomes.delete(taken)
      taken++
      pump.wake()
      if ('error' in outcome) throwAsIs(outcome.error)
      yield outcome.value
    }
  } finally {
    await shielded(() => pumping[Symbol.asyncDispose]())
    for (const outcome of outcomes.values()) {
      if ('error' in outcome) {
        reportUnthrown(outcome.error)
      }
    }
  }
}
