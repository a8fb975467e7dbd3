import type { EventEmitter } from 'node:events'
import { checkpoint } from '@tasktree/core'
import { abortError, cancelIsDue, LinkedList, onAbort } from '@tasktree/core/lowlevel'
import { EventOverflowError } from './errors.ts'
import { listen } from './event-source.ts'
import { NextEvent, type Outcome } from './next-event.ts'
import type { Events } from './on.ts'
import { reportUnthrown } from './report-unthrown.ts'
import { throwAsIs } from './throw-as-is.ts'

export interface EventStreamOptions {
  readonly buffer: number
  readonly overflow: 'error' | 'drop-oldest' | 'drop-newest'
  readonly signal: AbortSignal | undefined
}

/**
 * Keeps the events of a source until a loop takes them. It listens from its construction on. `on` and `once` use it.
 *
 * A program may call `next` again before an earlier call has returned. The calls then wait in a queue, and get the
 * events in the order of the calls. At any time only the first call in the queue is woken: when it has its event, it
 * wakes the call after it. So an event wakes one call, however many calls wait.
 */
export class EventStream<T> implements Events<T> {
  #events: T[] = []
  /** The index in `#events` of the first event that was not taken. The places before it are empty. */
  #head = 0
  #failure: { error: unknown } | null = null
  #isListening = true
  readonly #waiting = new LinkedList<NextEvent<T>>()
  readonly #remove: () => void

  /** @param call the name of the public function that listens, for error messages */
  constructor(
    call: string,
    source: EventEmitter | EventTarget,
    event: string | symbol,
    { buffer, overflow, signal }: EventStreamOptions,
  ) {
    const heard = (value: unknown): void => {
      if (this.#size < buffer) this.#events.push(value as T)
      else if (overflow === 'error') this.#fail(new EventOverflowError(event, buffer))
      else if (overflow === 'drop-oldest') {
        this.#take()
        this.#events.push(value as T)
      }
      this.#wake()
    }
    const remove = listen(call, source, event, heard, (error) => this.#fail(error))
    this.#remove = remove
    if (signal === undefined) return
    const forgetSignal = onAbort(signal, () => this.#fail(abortError(signal)))
    this.#remove = () => {
      remove()
      forgetSignal()
    }
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    try {
      // If events are always there, and the body of the loop awaits only promises that are not futures, a cancel could
      // not be delivered anywhere else.
      if (cancelIsDue()) await checkpoint()
      const outcome = await this.#next()
      return 'error' in outcome ? throwAsIs(outcome.error) : outcome
    } catch (error) {
      // This call closes the stream, because a `for await` loop does not call `return` after `next` has thrown.
      this.#close()
      throw error
    }
  }

  #next(): Outcome<T> | NextEvent<T> {
    if (this.#waiting.size === 0 && this.#hasOutcome) return this.#takeOutcome()
    const next = new NextEvent<T>({
      serve: (each) => {
        each.setResult(this.#takeOutcome())
        this.#leave(each)
      },
      pass: (each) => this.#leave(each),
    })
    this.#waiting.push(next)
    return next
  }

  /** Whether a call of `next` need not wait: an event is there, or the stream has ended. */
  get #hasOutcome(): boolean {
    return this.#size > 0 || !this.#isListening
  }

  #takeOutcome(): Outcome<T> {
    if (this.#size > 0) return { done: false, value: this.#take() }
    const failure = this.#failure
    this.#failure = null
    return failure ?? { done: true, value: undefined }
  }

  #leave(next: NextEvent<T>): void {
    this.#waiting.remove(next)
    if (this.#hasOutcome) this.#wake()
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
    // The taken events are removed from the array only when they are more than half of it, because to remove the first
    // element of a long array costs as much as to copy the array.
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
    if (failure !== null) reportUnthrown(failure.error)
  }

  #stopListening(): void {
    if (!this.#isListening) return
    this.#isListening = false
    this.#remove()
    this.#wake()
  }

  #wake(): void {
    let first = this.#waiting.first()
    // A call that was cancelled before it was woken, or whose loop is closed, is still in the queue.
    while (first !== null && !first.isWoken() && !first.wake()) {
      this.#waiting.remove(first)
      first = this.#waiting.first()
    }
  }
}
