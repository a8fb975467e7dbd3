import { types } from 'node:util'
import { describe } from '@tasktree/core/lowlevel'
import { enterTrace } from '../jobs/traceparent.ts'
import { transferListOf, unmark } from '../jobs/transfer.ts'
import {
  type Carrier,
  type ChunkOutcome,
  type JobMessage,
  streamWindow,
} from '../transport/protocol.ts'
import { describeUnsent, encodeFailure } from './chunk.ts'
import { currentJob, type RunningJob } from './context.ts'
import type { JobFunction } from './load-job.ts'
import { now } from './real-time.ts'
import type { WorkerChannel } from './runtime.ts'

/** One job in a worker, from its start to its end. */
export class Execution implements RunningJob {
  readonly seq: number
  readonly kind: number
  readonly isChunked: boolean
  readonly carrier: Carrier | null
  readonly #args: readonly unknown[]
  readonly #channel: WorkerChannel
  readonly #explain: (error: unknown) => unknown
  /** The value that the function has thrown for an item of a chunk; undefined if it has thrown none. */
  failure: unknown = undefined
  #start = 0
  #controller: AbortController | null = null
  #aborted = false
  #credit = streamWindow
  #wakeStream: (() => void) | null = null

  constructor(job: JobMessage, channel: WorkerChannel, explain: (error: unknown) => unknown) {
    const [seq, kind, args, , mode] = job
    this.seq = seq
    this.kind = kind
    this.isChunked = typeof mode === 'boolean' ? mode : mode.chunked
    this.carrier = typeof mode === 'boolean' ? null : mode.carrier
    this.#args = args
    this.#channel = channel
    this.#explain = explain
  }

  /**
   * Returns how long the function of the job has been running, in milliseconds; 0 if the function could not be loaded.
   */
  age(): number {
    return this.#start === 0 ? 0 : now() - this.#start
  }

  /** Calls the function. Returns its result, or a promise if the job does not end within the call. */
  call(fn: JobFunction): unknown {
    enterTrace(this.carrier)
    this.#start = now()
    return currentJob.run(this, () => {
      if (this.isChunked) return this.#callEach(fn, this.#args[0] as unknown[])
      return this.#settle(fn(...this.#args))
    })
  }

  async #callEach(fn: JobFunction, items: unknown[]): Promise<ChunkOutcome> {
    const results: unknown[] = []
    for (const item of items) {
      try {
        const value = this.#settle(fn(item))
        // A thenable that is not a native promise was already converted. Other values are not awaited, because `await`
        // reads `then`, which may throw.
        results.push(types.isPromise(value) ? await value : value)
      } catch (error) {
        this.failure = error
        const encoded = encodeFailure(this.#explain(error), this.#channel)
        return { results, error: encoded }
      }
    }
    return { results, error: null }
  }

  /**
   * Handles the value that the function returned: a generator is streamed, and a thenable becomes a promise. Any other
   * value is returned unchanged.
   */
  #settle(value: unknown): unknown {
    const what = classify(value)
    if (what === 'value') return value
    if (what === 'thenable') return Promise.resolve(value)
    return this.#stream(value as Iterator<unknown> | AsyncIterator<unknown>)
  }

  async #stream(iterator: Iterator<unknown> | AsyncIterator<unknown>): Promise<unknown> {
    for (;;) {
      // The abort is checked before the credit, because the check of the abort may receive a message that changes the
      // credit. In the other order, this loop would wait although there is credit.
      while (!this.isAborted() && this.#credit === 0) {
        await new Promise<void>((resolve) => {
          this.#wakeStream = resolve
        })
      }
      if (this.isAborted()) {
        await iterator.return?.()
        return undefined
      }
      const step = await iterator.next()
      if (typeof step !== 'object' || step === null) {
        // A `for` loop throws here too. Otherwise an iterator whose `next()` returns no object would never end.
        throw new TypeError(`next() of the iterator must give an object, got ${describe(step)}`)
      }
      if (step.done === true) return step.value
      this.#credit--
      try {
        this.#post('yield', step.value)
      } catch (error) {
        await iterator.return?.()
        throw error
      }
    }
  }

  grant(count: number): void {
    this.#credit += count
    this.#wakeStream?.()
  }

  #post(type: 'yield' | 'progress', value: unknown): void {
    const moved = transferListOf([value])
    try {
      this.#channel.post({ type, seq: this.seq, value }, moved)
    } catch (error) {
      throw describeUnsent(value, 'value', this.#channel, error)
    }
    if (moved.length > 0) unmark([value])
  }

  reportProgress(value: unknown): void {
    this.#post('progress', value)
  }

  abort(): void {
    if (this.#aborted) return
    this.#aborted = true
    this.#controller?.abort()
    this.#wakeStream?.()
  }

  /** Whether the pool has cancelled the job. */
  isAborted(): boolean {
    if (!this.#aborted && this.#channel.isCancelled(this.seq)) this.abort()
    return this.#aborted
  }

  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController()
      if (this.isAborted()) this.#controller.abort()
      this.#makePollable(this.#controller.signal)
    }
    return this.#controller.signal
  }

  /** Makes `signal.aborted` read the shared memory, because a loop that only polls the signal gets no messages. */
  #makePollable(signal: AbortSignal): void {
    const isAborted = (): boolean => this.isAborted()
    Object.defineProperties(signal, {
      aborted: { get: isAborted },
      throwIfAborted: {
        value(): void {
          if (isAborted()) throw signal.reason
        },
      },
    })
  }
}

/**
 * Classifies a value that a job's function has returned. Generators and similar iterators are streamed, but iterable
 * values that can be cloned, such as arrays, are plain values. A value that throws when it is read counts as a plain
 * value, and fails when it is sent.
 */
function classify(value: unknown): 'iterator' | 'thenable' | 'value' {
  if (typeof value !== 'object' || value === null) return 'value'
  try {
    if (
      'next' in value &&
      typeof value.next === 'function' &&
      (Symbol.iterator in value || Symbol.asyncIterator in value)
    ) {
      return 'iterator'
    }
    return 'then' in value && typeof value.then === 'function' ? 'thenable' : 'value'
  } catch {
    return 'value'
  }
}
