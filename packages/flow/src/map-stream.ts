import { checkpoint, createTask, Future, shielded } from '@tasktree/core'
import {
  cancelIsDue,
  cancelOnAbort,
  checkBody,
  checkCount,
  checkFlag,
  checkOptions,
  observe,
} from '@tasktree/core/lowlevel'
import { checkSource, Pump, type Source } from './pump.ts'
import { reportUnthrown } from './report-unthrown.ts'
import { throwAsIs } from './throw-as-is.ts'

export interface MapStreamOptions {
  /** At most this many calls of the function run at the same time; 1 by default. */
  concurrency?: number | undefined
  /**
   * Whether the results come in the order of the items, which is the default. If false, they come in the order in which
   * the calls end.
   */
  ordered?: boolean | undefined
  /** `mapStream` may be this many items further ahead of the loop than `concurrency` items; 0 by default. */
  buffer?: number | undefined
  /** An abort of this signal cancels the stream. Meant for code outside of a task. */
  signal?: AbortSignal | undefined
}

/**
 * The outcome of the call for one item: its result or its error. In an ordered stream, outcomes are stored under the
 * number of their item; otherwise, in the order in which the calls have ended.
 */
type Outcome<R> = { value: R } | { error: unknown }

/**
 * Returns the results of `fn` for each item, for a `for await` loop. No call of `fn` begins before the loop begins. At
 * most `concurrency + buffer` items are taken from `items` before the loop has taken their results. So a slow loop slows
 * the source down, and the memory does not grow with the number of items.
 *
 * The first failure ends the stream: after the results of the items before it, or, with `ordered: false`, after the
 * results of the calls that ended before it. If the loop ends early, by `break`, an error or a cancel, the running calls
 * are cancelled and `items` is closed. The code after the loop continues when all of them have ended.
 *
 * @throws {TypeError} when `items` cannot be iterated, or `fn` is not a function
 * @throws {RangeError} when `concurrency` or `buffer` is not a whole number, or too small
 *
 * @example
 *     const squares = mapStream([1, 2, 3], (n) => sleep(5, n * n), { concurrency: 2, ordered: true })
 *     for await (const square of squares) console.log(square) // 1, then 4, then 9
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
  const ordered = checkFlag('ordered', options?.ordered ?? true)
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
  /** The future on which the loop waits, or has waited last, for the next outcome. Null before the first wait. */
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
      // The loop still gets the results of the items before the failure, so the running calls go on, but no more items
      // are taken.
      pump.end()
    },
  })
  const pumping = createTask(() => pump.run())
  void cancelOnAbort(pumping, signal)
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
      // If the results are ready, and the body of the loop awaits only promises that are not futures, a cancel could not be
      // delivered anywhere else.
      if (cancelIsDue()) await checkpoint()
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
