import type { EventEmitter } from 'node:events'
import { Future } from '@tasktree/core'
import { abortError, checkCount, checkOptions, describe } from '@tasktree/core/lowlevel'
import { reportUnthrown } from './report-unthrown.ts'
import { EventOverflowError } from './errors.ts'
import { listen } from './event-source.ts'
import { throwAsIs } from './throw-as-is.ts'

export interface OnOptions {
  /** How many events may wait for the loop; Infinity by default. */
  buffer?: number | undefined
  /** What an event does that finds the buffer full: it ends the loop with an EventOverflowError, which is the default, or the oldest or the newest event is dropped. */
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
  return new Events<T>(source, event, { buffer, overflow, signal })
}

class Events<T> implements AsyncIterableIterator<T, undefined>, AsyncDisposable {
  #events: T[] = []
  /** Where the first event is in `#events`. What is before it was taken. */
  #head = 0
  #failure: { error: unknown } | null = null
  #isListening = true
  /** Calls of `next` that wait. Each looks again when it is woken. */
  readonly #waiting = new Set<Future<void>>()
  readonly #remove: () => void

  constructor(
    source: EventEmitter | EventTarget,
    event: string | symbol,
    { buffer, overflow, signal }: Required<Pick<OnOptions, 'buffer' | 'overflow'>> & OnOptions,
  ) {
    const heard = (value: unknown): void => {
      if (this.#size < (buffer as number)) this.#events.push(value as T)
      else if (overflow === 'error') this.#fail(new EventOverflowError(event, buffer as number))
      else if (overflow === 'drop-oldest') {
        this.#take()
        this.#events.push(value as T)
      }
      this.#wake()
    }
    const remove = listen('on', source, event, heard, (error) => this.#fail(error))
    const abort = (): void => this.#fail(abortError(signal as AbortSignal))
    this.#remove = () => {
      remove()
      signal?.removeEventListener('abort', abort)
    }
    if (signal?.aborted === true) abort()
    else signal?.addEventListener('abort', abort, { once: true })
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    for (;;) {
      if (this.#size > 0) return { done: false, value: this.#take() }
      const failure = this.#failure
      this.#failure = null
      if (failure !== null) throwAsIs(failure.error)
      if (!this.#isListening) return { done: true, value: undefined }
      const change = new Future<void>()
      this.#waiting.add(change)
      try {
        await change
      } catch (error) {
        // A `for await` loop does not call `return` when `next` throws.
        this.#close()
        throw error
      } finally {
        this.#waiting.delete(change)
      }
    }
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#close()
    return Promise.resolve({ done: true, value: undefined })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  get #size(): number {
    return this.#events.length - this.#head
  }

  #take(): T {
    const event = this.#events[this.#head] as T
    this.#events[this.#head++] = undefined as T
    // To shift an array of many elements costs as much as to copy it: the taken ones are dropped in bulk.
    if (this.#head > 32 && this.#head * 2 > this.#events.length) {
      this.#events = this.#events.slice(this.#head)
      this.#head = 0
    }
    return event
  }

  #fail(error: unknown): void {
    if (!this.#isListening) return
    this.#failure = { error }
    this.#stopListening()
  }

  #close(): void {
    this.#stopListening()
    this.#events = []
    this.#head = 0
    const failure = this.#failure
    this.#failure = null
    if (failure !== null)
      reportUnthrown(failure.error, 'an event source failed after its loop was left')
  }

  #stopListening(): void {
    if (!this.#isListening) return
    this.#isListening = false
    this.#remove()
    this.#wake()
  }

  #wake(): void {
    for (const change of this.#waiting) if (!change.done()) change.setResult()
  }
}
