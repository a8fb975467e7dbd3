import { type Channel, tracingChannel } from 'node:diagnostics_channel'
import { isCancelled } from '../errors/errors.ts'
import type { Future } from '../futures/future.ts'

/**
 * A Tracing publishes one message object about each piece of work, such as a task, a scope or an ask. These fields are
 * added to that object when the work has ended.
 */
export interface TraceOutcome {
  result?: unknown
  /** The value that the work has thrown. If this field is there, the work has failed, even if the value is undefined. */
  error?: unknown
  /** True if the work was cancelled. A cancel is not an error, so `error` is then not set. */
  cancelled?: boolean
}

/** The field that a tool may set on the message about a piece of work, when the event `start` is published. */
export interface TraceEntry {
  /**
   * A subscriber of `start` may set this function on the message that it gets. The library then calls this function
   * with `begin`, in place of calling `begin` itself; `begin` starts the work that the message is about. The function
   * must call `begin` and return its result. So a tool can start the work inside a context of its own, such as a
   * profiler span that is not kept in an AsyncLocalStorage. If another subscriber has set the field already, the new
   * function must call the earlier function.
   */
  enter?: <T>(begin: () => T) => T
}

/**
 * A TracingChannel of Node for work that begins in a call and ends later. One message object goes through all events of
 * one piece of work. `start` is published before the call that begins the work, and `end` after this call. When the
 * work ends, `error` is published if it has failed, then `asyncStart` and `asyncEnd`. A cancel is never published on
 * `error`.
 *
 * The work begins inside `start.runStores`, so if a tool has bound an AsyncLocalStorage to `start`, all code of the
 * work sees its value. `tracePromise` of Node would make a native promise of a future, and would publish a cancel as an
 * error.
 *
 * Without a subscriber, the cost is the check of five fields when work begins, and of one number when work ends. The
 * channels are kept in fields, because `TracingChannel` of Node 26 has a getter for each channel. To reach a channel by
 * its getter takes two calls, which would cost 4 % of the time of a small task.
 */
export class Tracing<M extends object> {
  readonly #start: Channel<object, object>
  readonly #end: Channel<object, object>
  readonly #asyncStart: Channel<object, object>
  readonly #asyncEnd: Channel<object, object>
  readonly #error: Channel<object, object>
  readonly #messages = new WeakMap<object, M & TraceEntry & TraceOutcome>()
  /** The number of pieces of work that are traced now. */
  #live = 0

  constructor(name: string) {
    const { start, end, asyncStart, asyncEnd, error } = tracingChannel<object, object>(name)
    this.#start = start
    this.#end = end
    this.#asyncStart = asyncStart
    this.#asyncEnd = asyncEnd
    this.#error = error
  }

  /** Whether a tool has subscribed. */
  get isOn(): boolean {
    return (
      this.#start.hasSubscribers ||
      this.#asyncEnd.hasSubscribers ||
      this.#end.hasSubscribers ||
      this.#error.hasSubscribers ||
      this.#asyncStart.hasSubscribers
    )
  }

  /** Whether a traced piece of work has begun and has not ended yet. */
  get isLive(): boolean {
    return this.#live > 0
  }

  /**
   * Calls `begin`, which begins a piece of work. Publishes `message` on `start` before this call, and on `end` after
   * it. Returns what `begin` returns. `key` is the object by which `settle` finds the message again.
   */
  run<T>(key: object, message: M & TraceEntry, begin: () => T): T {
    this.#messages.set(key, message)
    this.#live++
    try {
      return this.#start.runStores(message, () =>
        message.enter === undefined ? begin() : message.enter(begin),
      )
    } finally {
      this.#end.publish(message)
    }
  }

  /**
   * Publishes that the work with this `key` has ended with `outcome`. Does nothing if the work was not traced, or if
   * its end was published already.
   */
  settle(key: object, outcome: TraceOutcome): void {
    const message = this.#messages.get(key)
    if (message === undefined) return
    this.#messages.delete(key)
    this.#live--
    if (outcome.cancelled === true || isCancelled(outcome.error)) message.cancelled = true
    else if ('error' in outcome) {
      message.error = outcome.error
      this.#error.publish(message)
    } else message.result = outcome.result
    this.#asyncStart.publish(message)
    this.#asyncEnd.publish(message)
  }
}

/**
 * Returns how `future`, which must be done, has ended. This call does not count as reading the error: if the future has
 * failed and no code reads its error, the failure is still reported.
 */
export function outcomeOf(future: Future<unknown>): TraceOutcome {
  if (future.cancelled()) return { cancelled: true }
  return future.hasFailed() ? { error: future.peekOutcome() } : { result: future.peekOutcome() }
}
