import type { EventEmitter } from 'node:events'
import { checkCount, checkOptions, describe } from '@tasktree/core/lowlevel'
import { EventStream } from './event-stream.ts'

export interface OnOptions {
  /** How many events may wait for the loop; Infinity by default. */
  buffer?: number | undefined
  /** An event comes while the buffer is full. 'error', the default: the loop ends with an EventOverflowError. Otherwise the oldest or the newest event is dropped. */
  overflow?: 'error' | 'drop-oldest' | 'drop-newest' | undefined
  /** Its abort ends the loop with a CancelledError, for code outside of a task. */
  signal?: AbortSignal | undefined
}

/**
 * The events of an EventEmitter or EventTarget, for a `for await` loop. It gives the argument of each: the Event of an
 * EventTarget, and an array where an EventEmitter has passed several. If an EventEmitter emits 'error', the loop ends with
 * it, after the events before it.
 *
 * It listens from the call on, so no event between the call and the loop is lost. Leaving the loop removes the listeners;
 * without a loop, `return()` or `await using` does.
 *
 * @throws {TypeError} when `source` has no events, or `event` is not a name
 * @throws {RangeError} when `buffer` is not a whole number of at least 1, or for another `overflow`
 */
export function on<T = unknown>(
  source: EventEmitter | EventTarget,
  event: string | symbol,
  options?: OnOptions,
): AsyncIterableIterator<T, undefined> & AsyncDisposable {
  checkOptions(options)
  const { buffer = Infinity, overflow = 'error', signal } = options ?? {}
  checkCount('the option buffer', buffer, 1)
  if (overflow !== 'error' && overflow !== 'drop-oldest' && overflow !== 'drop-newest') {
    throw new RangeError(
      `the option overflow must be 'error', 'drop-oldest' or 'drop-newest', got ${describe(overflow)}`,
    )
  }
  return new EventStream<T>('on', source, event, { buffer, overflow, signal })
}
