import { types } from 'node:util'
import type { Transferable } from 'node:worker_threads'
import { sayWhy } from '../jobs/clone-path.ts'
import { encodeError, type EncodedError, encodeSummary } from '../jobs/encode-error.ts'
import { takeTransferList } from '../jobs/transfer.ts'
import {
  type ChunkOutcome,
  type ControlMessage,
  type FromWorker,
  isSingle,
  type JobMessage,
  type JobsMessage,
  type SingleJobMessage,
} from '../transport/protocol.ts'
import { describeUnsent, isChunkOutcome, sendDeepResults, trimChunk } from './chunk.ts'
import { Execution } from './execution.ts'
import { JobLoader } from './load-job.ts'

/** A worker's connection to its pool. */
export interface WorkerChannel {
  /**
   * Sends in order. When it returns, the message has left this worker's code, so that a later crash does not lose
   * it. `next` is the job that begins now, for the last message of a job; undefined for other messages.
   *
   * @throws what the transport throws for a value that it cannot carry; nothing has been sent then
   */
  post(message: FromWorker, transferList?: readonly Transferable[], next?: number): void
  /**
   * Takes the next message of jobs, undefined when there is none.
   *
   * @throws when the message cannot be decoded here; it has been taken then
   */
  receive(): JobsMessage | undefined
  /** Whether job `seq` may start; from then on the pool does not take it back. */
  claim(seq: number): boolean
  noteEnded(seq: number): void
  /** Whether job `seq` was cancelled, even if no message could be read since. */
  isCancelled(seq: number): boolean
  /** Whether the pool must be told which job begins, because it cannot see it. */
  readonly announces: boolean
  /** Ends this worker, with its exit listeners and its output. */
  exit(): void
  /** @throws when `value` cannot be sent */
  readonly tryClone: (value: unknown) => void
  /**
   * Called when the worker has run all the jobs that it has received. What they left behind, such as microtasks,
   * runs before the channel calls `look` again.
   */
  rest(): void
}

/** The kind of the initializer. The kinds of jobs count from 1. */
const initializerKind = 0

/** Runs the jobs of one worker, one after another. */
export class WorkerRuntime {
  readonly #channel: WorkerChannel
  readonly #loader = new JobLoader()
  /** Jobs that were received and have not started. */
  readonly #queue: JobMessage[] = []
  #received = 0
  #running: Execution | null = null
  #isBusy = false
  /** Jobs whose cancel came before they began. They may begin all the same, if the pool's recall came too late. */
  readonly #cancelledAhead = new Set<number>()

  constructor(channel: WorkerChannel) {
    this.#channel = channel
  }

  /** Runs what has come. Returns whether there was anything, or a job runs already. */
  look(): boolean {
    if (this.#isBusy) return true
    this.#isBusy = true
    const job = this.#receiveNext()
    if (job === null) {
      // An initializer may have begun, which keeps the worker busy.
      if (this.#isInitializing) return true
      this.#isBusy = false
      return false
    }
    this.#run(job)
    return true
  }

  #isInitializing = false

  readonly control = (message: ControlMessage): void => {
    switch (message.type) {
      case 'cancel':
        if (this.#running?.seq === message.seq) this.#running.abort()
        else this.#cancelledAhead.add(message.seq)
        break
      case 'credit':
        if (this.#running?.seq === message.seq) this.#running.grant(message.count)
        break
      case 'look':
        break
      case 'stop':
        this.#channel.exit()
        break
      default:
        message satisfies never
    }
  }

  /** The next job that may start. When all received jobs have started, it reads the next message. */
  #receiveNext(): JobMessage | null {
    for (;;) {
      const job = this.#takeNext()
      if (job !== null) {
        if (this.#channel.announces) this.#channel.post({ type: 'start', seq: job[0] })
        return job
      }
      let message: JobsMessage | undefined
      try {
        message = this.#channel.receive()
      } catch (error) {
        this.#channel.post({ type: 'unreadable', message: ++this.#received, why: sayWhy(error) })
        continue
      }
      if (message === undefined) return null
      this.#received++
      if (!('type' in message)) this.#enqueue(message)
      else if (message.type === 'forget') this.#loader.forget()
      else {
        void this.#initialize(message)
        return null
      }
    }
  }

  #enqueue(message: readonly JobMessage[] | SingleJobMessage): void {
    const jobs = isSingle(message) ? [unwrap(message)] : message
    for (const job of jobs) {
      const [, kind, , target] = job
      if (target !== null) this.#loader.learn(kind, target)
      this.#queue.push(job)
    }
  }

  #takeNext(): JobMessage | null {
    for (let job = this.#queue.shift(); job !== undefined; job = this.#queue.shift()) {
      if (this.#channel.claim(job[0])) return job
    }
    return null
  }

  async #initialize({ target, args }: Extract<JobsMessage, { type: 'init' }>): Promise<void> {
    this.#isInitializing = true
    await Promise.resolve()
    try {
      if (target !== null) {
        this.#loader.learn(initializerKind, target)
        const initializer = await this.#loader.load(initializerKind)
        await initializer(...args)
      }
      this.#channel.post({ type: 'ready' })
    } catch (error) {
      this.#postSafely(
        (encoded) => ({ type: 'failed', error: encoded }),
        this.#loader.explain(initializerKind, error),
      )
    }
    this.#isInitializing = false
    this.#isBusy = false
    if (!this.look()) this.#channel.rest()
  }

  /** Jobs that do not wait run in one go, without a promise each. */
  #run(first: JobMessage): void {
    let job: JobMessage | null = first
    while (job !== null) {
      const execution: Execution = new Execution(job, this.#channel, (error) =>
        this.#loader.explain(execution.kind, error),
      )
      this.#running = execution
      if (this.#cancelledAhead.delete(execution.seq)) execution.abort()
      let outcome: unknown
      try {
        const fn = this.#loader.load(execution.kind)
        outcome =
          typeof fn === 'function'
            ? execution.call(fn)
            : fn.then((loaded) => execution.call(loaded))
      } catch (error) {
        job = this.#endFailed(execution, error)
        continue
      }
      if (types.isPromise(outcome)) {
        void outcome.then(
          (value) => this.#goOn(this.#end(execution, value)),
          (error: unknown) => this.#goOn(this.#endFailed(execution, error)),
        )
        return
      }
      job = this.#end(execution, outcome)
    }
    this.#isBusy = false
    this.#cancelledAhead.clear()
    this.#channel.rest()
  }

  #goOn(job: JobMessage | null): void {
    if (job !== null) {
      this.#run(job)
      return
    }
    this.#isBusy = false
    this.#cancelledAhead.clear()
    this.#channel.rest()
  }

  /** Sends the outcome, and returns the next job that was received already. */
  #end(execution: Execution, value: unknown): JobMessage | null {
    const next = this.#finish(execution)
    try {
      this.#postResult(execution, value, next)
    } catch (error) {
      this.#postUnsent(execution, value, error, next)
    }
    return next
  }

  #postUnsent(execution: Execution, value: unknown, cause: unknown, next: JobMessage | null): void {
    if (isChunkOutcome(execution, value)) {
      const trimmed = trimChunk(value, this.#channel)
      try {
        if (trimmed !== null) return this.#postResult(execution, trimmed, next)
      } catch {
        // A getter gives another value each time: the whole chunk fails.
      }
    }
    this.#postError(execution, describeUnsent(value, 'result', this.#channel, cause), next)
  }

  #postResult(execution: Execution, value: unknown, next: JobMessage | null): void {
    const isChunk = isChunkOutcome(execution, value)
    const sent = isChunk ? sendDeepResults(execution, value, this.#channel) : value
    const message = [execution.seq, execution.age(), next?.[0] ?? 0, sent] as const
    const values = isChunk ? (sent as ChunkOutcome).results : [value]
    this.#channel.post(message, takeTransferList(values), next?.[0] ?? 0)
  }

  #endFailed(execution: Execution, thrown: unknown): JobMessage | null {
    const next = this.#finish(execution)
    this.#postError(execution, this.#loader.explain(execution.kind, thrown), next)
    return next
  }

  #postError(execution: Execution, thrown: unknown, next: JobMessage | null): void {
    const { seq } = execution
    const ms = execution.age()
    this.#postSafely(
      (error) => ({ type: 'error', seq, ms, next: next?.[0] ?? 0, error }),
      thrown,
      next?.[0] ?? 0,
    )
  }

  /** Sends an error, in a shorter form when the whole of it cannot be sent. */
  #postSafely(wrap: (error: EncodedError) => FromWorker, thrown: unknown, next = 0): void {
    const { tryClone } = this.#channel
    try {
      this.#channel.post(wrap(encodeError(thrown, tryClone)), [], next)
    } catch {
      this.#channel.post(wrap(encodeSummary(thrown)), [], next)
    }
  }

  /** The job's code has ended. Returns the next job that was received already. */
  #finish(execution: Execution): JobMessage | null {
    this.#running = null
    this.#channel.noteEnded(execution.seq)
    return this.#takeNext()
  }
}

/** The value of the job's own that `message` carries; null if it carries none. Errors are left out, because they were checked when they were encoded. */
export function valueIn(message: FromWorker): unknown {
  if (!('type' in message)) return message[3]
  if (message.type === 'part') return message.results
  return message.type === 'yield' || message.type === 'progress' ? message.value : null
}

function unwrap([seq, kind, target, chunked, ...args]: SingleJobMessage): JobMessage {
  return [seq, kind, args, target, chunked]
}
