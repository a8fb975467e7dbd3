import type { EventEmitter } from 'node:events'
import { checkCount, checkOptions, describe } from '@tasktree/core/lowlevel'
import { EventStream } from './event-stream.ts'

export interface OnOptions {
  /** How many events the stream keeps until the loop takes them; Infinity by default. */
  buffer?: number | undefined
  /**
   * What happens when an event comes while the buffer is full. 'error', the default: the loop ends with an
   * EventOverflowError. 'drop-oldest': the oldest event in the buffer is dropped. 'drop-newest': the new event is
   * dropped.
   */
  overflow?: 'error' | 'drop-oldest' | 'drop-newest' | undefined
  /** An abort of this signal ends the loop with a CancelledError. Meant for code outside of a task. */
  signal?: AbortSignal | undefined
}

/**
 * The events of a source, for a `for await` loop. This is AsyncIterableIterator, spelled out, because that type takes
 * other type arguments before TypeScript 5.6.
 */
export interface Events<T> extends AsyncDisposable {
  next(): Promise<IteratorResult<T, undefined>>
  /** Ends the loop, and removes the listeners. */
  return(): Promise<IteratorResult<T, undefined>>
  [Symbol.asyncIterator](): Events<T>
}

/**
 * Returns the events of an EventEmitter or EventTarget, for a `for await` loop. The loop gets the argument of each
 * event: the Event of an EventTarget, or an array if an EventEmitter has passed several arguments. If an EventEmitter
 * emits 'error', the loop first gets the events before it, and then throws its argument.
 *
 * `on` listens from the call on, so no event between the call and the loop is lost. The end of the loop removes the
 * listeners. If there is no loop, call `return()` or use `await using` to remove them.
 *
 * @throws {TypeError} when `source` has no events, or `event` is not a name
 * @throws {RangeError} when `buffer` is not a whole number of at least 1, or for another `overflow`
 *
 * @example
 *     import { EventEmitter } from 'node:events'
 *
 *     const source = new EventEmitter()
 *     const events = on<string>(source, 'message')
 *     source.emit('message', 'hello')
 *     for await (const message of events) {
 *       console.log(message) // hello
 *       break // takes the listener away
 *     }
 */
export function on<T = unknown>(
  source: EventEmitter | EventTarget,
  event: string | symbol,
  options?: OnOptions,
): Events<T> {
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
