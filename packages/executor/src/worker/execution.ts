import { types } from 'node:util'
import { encodeError } from '../jobs/encode-error.ts'
import { takeTransferList } from '../jobs/transfer.ts'
import { type ChunkOutcome, type JobMessage, streamWindow } from '../transport/protocol.ts'
import { describeUnsent } from './chunk.ts'
import { currentJob, type RunningJob } from './context.ts'
import type { JobFunction } from './load-job.ts'
import type { WorkerChannel } from './runtime.ts'

/** One job in its worker, from its start to its end. */
export class Execution implements RunningJob {
  readonly seq: number
  readonly kind: number
  readonly isChunked: boolean
  readonly #args: readonly unknown[]
  readonly #channel: WorkerChannel
  readonly #explain: (error: unknown) => unknown
  #start = 0
  #controller: AbortController | null = null
  #aborted = false
  #credit = streamWindow
  #wakeStream: (() => void) | null = null

  constructor(job: JobMessage, channel: WorkerChannel, explain: (error: unknown) => unknown) {
    const [seq, kind, args, , isChunked] = job
    this.seq = seq
    this.kind = kind
    this.isChunked = isChunked
    this.#args = args
    this.#channel = channel
    this.#explain = explain
  }

  /** How long its function has been running; 0 when it could not be loaded. */
  age(): number {
    return this.#start === 0 ? 0 : performance.now() - this.#start
  }

  /** Returns a promise only when the job does not end at once. */
  call(fn: JobFunction): unknown {
    this.#start = performance.now()
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
        // Anything else is not awaited, because `await` reads `then`, which may throw.
        results.push(types.isPromise(value) ? await value : value)
      } catch (error) {
        const encoded = encodeError(this.#explain(error), this.#channel.tryClone)
        return { results, error: encoded }
      }
    }
    return { results, error: null }
  }

  /** What a call of the function comes to: a promise only when it does not end at once. */
  #settle(value: unknown): unknown {
    const what = classify(value)
    if (what === 'value') return value
    if (what === 'thenable') return Promise.resolve(value)
    return this.#stream(value as Iterator<unknown> | AsyncIterator<unknown>)
  }

  async #stream(iterator: Iterator<unknown> | AsyncIterator<unknown>): Promise<unknown> {
    for (;;) {
      // In this order: asking whether the job is aborted may let a credit in, which a later wait would miss.
      while (!this.#isAborted() && this.#credit === 0) {
        await new Promise<void>((resolve) => {
          this.#wakeStream = resolve
        })
      }
      if (this.#isAborted()) {
        await iterator.return?.()
        return undefined
      }
      const step = await iterator.next()
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
    try {
      this.#channel.post({ type, seq: this.seq, value }, takeTransferList([value]))
    } catch (error) {
      throw describeUnsent(value, 'value', this.#channel, error)
    }
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

  #isAborted(): boolean {
    if (!this.#aborted && this.#channel.isCancelled(this.seq)) this.abort()
    return this.#aborted
  }

  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController()
      if (this.#isAborted()) this.#controller.abort()
      this.#makePollable(this.#controller.signal)
    }
    return this.#controller.signal
  }

  /** A loop that only polls the signal lets no messages in, so the signal looks into the shared memory. */
  #makePollable(signal: AbortSignal): void {
    const isAborted = (): boolean => this.#isAborted()
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
 * What a job's function has returned. A generator streams; other iterators that can be cloned, such as arrays, are
 * values. A value that throws when it is looked at is found out when it is sent.
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
