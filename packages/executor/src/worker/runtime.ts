import type { Transferable } from 'node:worker_threads'
import { findUncloneable } from '../jobs/clone-path.ts'
import { encodeError } from '../jobs/encode-error.ts'
import { JobSerializationError } from '../jobs/errors.ts'
import { type JobFunction, JobLoader } from './load-job.ts'
import {
  type ChunkOutcome,
  type FromWorker,
  type JobMessage,
  streamWindow,
  type ToWorker,
} from '../transport/protocol.ts'
import { transferListOf } from '../jobs/transfer.ts'
import { currentJob, type RunningJob } from './context.ts'

/** How a worker talks with its pool. */
export interface WorkerChannel {
  /** In order; what it returns with has left this worker's code, so that a crash later does not lose it. */
  post(message: FromWorker, transferList?: readonly Transferable[]): void
  /** Whether job `seq` may start; from then on the pool does not take it back. */
  claim(seq: number): boolean
  /** Asked by code that never lets messages in. */
  isCancelled(seq: number): boolean
  /** Whether the pool is told what begins, since it cannot see it. */
  readonly announces: boolean
  send(value: unknown): void
  /** It has run all its jobs. */
  rest(): void
}

/** No job's. */
const initializerKind = 0

/** Runs the jobs of one worker, one after another. */
export class WorkerRuntime {
  readonly #channel: WorkerChannel
  readonly #loader = new JobLoader()
  readonly #queue: JobMessage[] = []
  #running: Execution | null = null
  #busy = false
  /** Jobs whose cancel came before they began: they may begin nevertheless, if it crossed with that. */
  readonly #cancelledAhead = new Set<number>()

  constructor(channel: WorkerChannel) {
    this.#channel = channel
  }

  /** A message of the pool. */
  readonly receive = (message: ToWorker): void => {
    if (!('type' in message)) {
      for (const job of message) {
        const [, kind, , target] = job
        if (target !== null) this.#loader.learn(kind, target)
        this.#queue.push(job)
      }
      if (!this.#busy) this.#begin()
      return
    }
    switch (message.type) {
      case 'cancel':
        if (this.#running?.seq === message.seq) this.#running.abort()
        else this.#cancelledAhead.add(message.seq)
        break
      case 'credit':
        if (this.#running?.seq === message.seq) this.#running.grant(message.count)
        break
      case 'forget':
        this.#loader.forget()
        break
      case 'init':
        void this.#initialize(message)
        break
      default:
        message satisfies never
    }
  }

  async #initialize({ target, args }: Extract<ToWorker, { type: 'init' }>): Promise<void> {
    try {
      if (target !== null) {
        this.#loader.learn(initializerKind, target)
        await (
          await this.#loader.load(initializerKind)
        )(...args)
      }
    } catch (error) {
      this.#channel.post({ type: 'failed', error: encodeError(error) })
      return
    }
    this.#channel.post({ type: 'ready' })
  }

  #begin(): void {
    this.#busy = true
    const first = this.#takeNext()
    if (first !== null && this.#channel.announces) {
      this.#channel.post({ type: 'start', seq: first[0] })
    }
    this.#run(first)
  }

  #takeNext(): JobMessage | null {
    for (let job = this.#queue.shift(); job !== undefined; job = this.#queue.shift()) {
      if (this.#channel.claim(job[0])) return job
    }
    return null
  }

  /** Jobs that do not wait run in one go, without a promise each. */
  #run(first: JobMessage | null): void {
    let job = first
    while (job !== null) {
      const execution = new Execution(job, this.#channel)
      this.#running = execution
      if (this.#cancelledAhead.delete(execution.seq)) execution.abort()
      let outcome: unknown
      try {
        const fn = this.#loader.load(job[1])
        outcome =
          typeof fn === 'function'
            ? execution.call(fn)
            : fn.then((loaded) => execution.call(loaded))
      } catch (error) {
        job = this.#endFailed(execution, error)
        continue
      }
      if (outcome instanceof Promise) {
        void outcome.then(
          (value) => this.#run(this.#end(execution, value)),
          (error: unknown) => this.#run(this.#endFailed(execution, error)),
        )
        return
      }
      job = this.#end(execution, outcome)
    }
    this.#busy = false
    this.#cancelledAhead.clear()
    this.#channel.rest()
  }

  #end(execution: Execution, value: unknown): JobMessage | null {
    const next = this.#finish()
    const { seq } = execution
    try {
      this.#channel.post([seq, execution.age(), next?.[0] ?? 0, value], transferListOf([value]))
    } catch (error) {
      this.#postError(execution, unsendable(value, 'result', this.#channel, error), next)
    }
    return next
  }

  #endFailed(execution: Execution, thrown: unknown): JobMessage | null {
    const next = this.#finish()
    this.#postError(execution, thrown, next)
    return next
  }

  #postError(execution: Execution, thrown: unknown, next: JobMessage | null): void {
    const { seq } = execution
    const error = encodeError(thrown)
    this.#channel.post({ type: 'error', seq, ms: execution.age(), next: next?.[0] ?? 0, error })
  }

  #finish(): JobMessage | null {
    this.#running = null
    return this.#takeNext()
  }
}

function unsendable(
  value: unknown,
  name: string,
  channel: WorkerChannel,
  cause: unknown,
): JobSerializationError {
  const what =
    findUncloneable(value, name, (part) => channel.send(part)) ?? `${name} as a whole is not`
  return new JobSerializationError(
    `cannot send back what the job gave: ${what}, which cannot be cloned`,
    { cause },
  )
}

/** One job, from its start to its end. */
class Execution implements RunningJob {
  readonly seq: number
  readonly #job: JobMessage
  readonly #channel: WorkerChannel
  #start = performance.now()
  #controller: AbortController | null = null
  #aborted = false
  #credit = streamWindow
  #wakeStream: (() => void) | null = null

  constructor(job: JobMessage, channel: WorkerChannel) {
    this.seq = job[0]
    this.#job = job
    this.#channel = channel
  }

  age(): number {
    return performance.now() - this.#start
  }

  /** A promise only when the job is not done at once. */
  call(fn: JobFunction): unknown {
    this.#start = performance.now()
    return currentJob.run(this, () => {
      const [, , args, , chunked] = this.#job
      if (chunked) return this.#callEach(fn, args[0] as unknown[])
      const value = fn(...args)
      if (typeof value !== 'object' || value === null) return value
      if (isIterator(value)) return this.#stream(value)
      return 'then' in value && typeof value.then === 'function' ? Promise.resolve(value) : value
    })
  }

  async #callEach(fn: JobFunction, items: unknown[]): Promise<ChunkOutcome> {
    const results: unknown[] = []
    for (const item of items) {
      try {
        const value = fn(item)
        results.push(value instanceof Promise ? await value : value)
      } catch (error) {
        return { results, error: encodeError(error) }
      }
    }
    return { results, error: null }
  }

  async #stream(iterator: Iterator<unknown> | AsyncIterator<unknown>): Promise<unknown> {
    for (;;) {
      // In this order: asking whether it is aborted may let a credit in, which a wait begun after it would miss.
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
      this.#post('yield', step.value)
    }
  }

  grant(count: number): void {
    this.#credit += count
    this.#wakeStream?.()
  }

  #post(type: 'yield' | 'progress', value: unknown): void {
    try {
      this.#channel.post({ type, seq: this.seq, value }, transferListOf([value]))
    } catch (error) {
      throw unsendable(value, 'value', this.#channel, error)
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

  /** A loop that asks the signal lets no messages in, and would ask in vain. */
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

/** What a generator function returns; other iterators that can be cloned, such as arrays, are values. */
function isIterator(value: object): value is Iterator<unknown> | AsyncIterator<unknown> {
  return (
    'next' in value &&
    typeof value.next === 'function' &&
    (Symbol.iterator in value || Symbol.asyncIterator in value)
  )
}
