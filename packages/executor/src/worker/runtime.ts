import { types } from 'node:util'
import type { Transferable } from 'node:worker_threads'
import { sayWhy } from '../jobs/explain-uncloneable.ts'
import { type EncodedError, encodeSummary } from '../jobs/encode-error.ts'
import { transferListOf, unmark } from '../jobs/transfer.ts'
import {
  type ChunkOutcome,
  type ControlMessage,
  type FromWorker,
  isSingle,
  isTuple,
  type JobMessage,
  type JobsMessage,
  type SingleJobMessage,
} from '../transport/protocol.ts'
import {
  describeUnsent,
  encodeFailure,
  isChunkOutcome,
  sendDeepResults,
  trimChunk,
} from './chunk.ts'
import { workerId } from './context.ts'
import { Execution } from './execution.ts'
import { runTracing } from './run-tracing.ts'
import { type JobFunction, JobLoader } from './load-job.ts'

/** The connection of a worker to its pool. */
export interface WorkerChannel {
  /**
   * Sends messages in order. When `post` returns, the message is in the pipe or port to the pool, so a later crash does
   * not lose it. With the last message of a job, `next` is the number of the job that begins now, or 0 when there is
   * none; with other messages it is undefined.
   *
   * @throws when a value in the message cannot be sent; then nothing was sent
   */
  post(message: FromWorker, transferList?: readonly Transferable[], next?: number): void
  /**
   * Takes and returns the next message of jobs; undefined when there is none.
   *
   * @throws when the message cannot be decoded; it is then lost
   */
  receive(): JobsMessage | undefined
  /** Returns true if job `seq` may start. After that, the pool cannot take it back. */
  claim(seq: number): boolean
  noteEnded(seq: number): void
  /** Whether job `seq` was cancelled. This works even if the job blocks and no message can be read. */
  isCancelled(seq: number): boolean
  /**
   * Whether the worker must announce by messages which job begins, because the pool cannot read that from shared
   * memory.
   */
  readonly announces: boolean
  /** Ends this worker. Its exit listeners run and its output is written. */
  exit(): void
  /** Checks whether `value` can be sent while the objects in `moved` move. @throws when it cannot */
  readonly tryClone: (value: unknown, moved?: readonly Transferable[]) => void
  /**
   * Called when the worker has run all jobs that it has received. Microtasks and similar callbacks that the jobs left
   * behind run before the channel calls `look` again.
   */
  rest(): void
}

/** The kind number of the initializer. The kinds of jobs are numbered from 1. */
const initializerKind = 0

/** Runs the jobs of one worker, one after another. */
export class WorkerRuntime {
  readonly #channel: WorkerChannel
  readonly #loader = new JobLoader()
  /** Jobs that this worker has received and not started. */
  readonly #queue: JobMessage[] = []
  #received = 0
  #running: Execution | null = null
  #isBusy = false
  /**
   * Numbers of jobs that were cancelled before they began. Such a job may still begin, if the pool was too late to take
   * it back.
   */
  readonly #cancelledAhead = new Set<number>()

  constructor(channel: WorkerChannel) {
    this.#channel = channel
  }

  /**
   * Runs the jobs that have arrived. Returns true if there were any, or if a job or the initializer is already running.
   */
  look(): boolean {
    if (this.#isBusy) return true
    this.#isBusy = true
    const job = this.#receiveNext()
    if (job === null) {
      // An initializer may have begun, which keeps the worker busy.
      if (this.#isInitializing) return true
      // Each job was sent before its cancel. No job is left to be read, so the cancelled jobs were taken back.
      this.#cancelledAhead.clear()
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

  /**
   * Returns the next job that may start; null when there is none. When all received jobs have started, this method
   * reads the next message.
   */
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
      if (isTuple(message)) this.#enqueue(message)
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

  /**
   * Runs `first` and the received jobs after it. Jobs that end within their call run in one loop, without a promise for
   * each.
   */
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
            ? this.#call(execution, fn)
            : fn.then((loaded) => this.#call(execution, loaded))
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
    this.#channel.rest()
  }

  #call(execution: Execution, fn: JobFunction): unknown {
    if (!runTracing.isOn) return execution.call(fn)
    const { kind, carrier } = execution
    const trace = { job: this.#loader.nameOf(kind), worker: workerId, carrier }
    return runTracing.run(execution, trace, () => execution.call(fn))
  }

  #settleTrace(execution: Execution, outcome: { result: unknown } | { error: unknown }): void {
    const isCancelled = 'error' in outcome && execution.isAborted()
    runTracing.settle(execution, isCancelled ? { cancelled: true } : outcome)
  }

  #goOn(job: JobMessage | null): void {
    if (job !== null) {
      this.#run(job)
      return
    }
    this.#isBusy = false
    this.#channel.rest()
  }

  /** Sends the outcome of a job. Returns the next job that was already received; null when there is none. */
  #end(execution: Execution, value: unknown): JobMessage | null {
    if (runTracing.isLive) {
      const hasFailed = isChunkOutcome(execution, value) && value.error !== null
      this.#settleTrace(execution, hasFailed ? { error: execution.failure } : { result: value })
    }
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
        // Reading the results again gave a value that cannot be sent, for example from a getter. So the whole chunk
        // fails.
      }
    }
    this.#postError(execution, describeUnsent(value, 'result', this.#channel, cause), next)
  }

  #postResult(execution: Execution, value: unknown, next: JobMessage | null): void {
    const isChunk = isChunkOutcome(execution, value)
    const sent = isChunk ? sendDeepResults(execution, value, this.#channel) : value
    const message = [execution.seq, execution.age(), next?.[0] ?? 0, sent] as const
    const values = isChunk ? (sent as ChunkOutcome).results : [value]
    const moved = transferListOf(values)
    this.#channel.post(message, moved, next?.[0] ?? 0)
    if (moved.length > 0) unmark(values)
  }

  #endFailed(execution: Execution, thrown: unknown): JobMessage | null {
    if (runTracing.isLive) this.#settleTrace(execution, { error: thrown })
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

  /** Sends an error. If the error cannot be sent as a whole, sends only its message and stack. */
  #postSafely(wrap: (error: EncodedError) => FromWorker, thrown: unknown, next = 0): void {
    try {
      this.#channel.post(wrap(encodeFailure(thrown, this.#channel)), [], next)
    } catch {
      this.#channel.post(wrap(encodeSummary(thrown)), [], next)
    }
  }

  /**
   * Called when the code of the job has ended. Returns the next job that was already received; null when there is none.
   */
  #finish(execution: Execution): JobMessage | null {
    this.#running = null
    this.#channel.noteEnded(execution.seq)
    return this.#takeNext()
  }
}

/**
 * Returns the value of the job's code that `message` carries; null if it carries none. Errors are left out, because
 * they were checked when they were encoded.
 */
export function valueIn(message: FromWorker): unknown {
  if (isTuple(message)) return message[3]
  if (message.type === 'part') return message.results
  return message.type === 'yield' || message.type === 'progress' ? message.value : null
}

function unwrap([seq, kind, target, mode, ...args]: SingleJobMessage): JobMessage {
  return [seq, kind, args, target, mode]
}
