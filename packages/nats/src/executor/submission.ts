import { type CancelledError, type Handle, isCancelled, TimeoutError } from '@tasktree/core'
import type { Linked, LinkedList, WaitDetails } from '@tasktree/core/lowlevel'
import {
  type MappedJob,
  noteFailure,
  stackText,
  type SubmitStack,
  type SubmitStacks,
} from '@tasktree/executor/lowlevel'
import { ClusterClosed, PayloadTooLarge, QueueFull, StreamFull } from '../errors.ts'
import type { BusMessage } from '../bus/bus.ts'
import type { Link } from '../link/link.ts'
import { decodeOutcome, type Outcome } from '../wire/outcome.ts'
import { type JobMessage, messageId, readHeaders, toHeaders } from '../wire/job-message.ts'
import { progressTag } from '../wire/progress.ts'
import { type JobTrace, jobTracing } from '../wire/trace.ts'
import { cancelJob, type JobPlace } from './cancel-job.ts'
import { RemoteJob } from './remote-job.ts'

/** Bytes of the message of a job that are kept free for its headers. Workers add some when they send it to another stream. */
const headersSize = 1_024

/** The part of an executor that its submissions use. */
export interface SubmissionOwner {
  readonly link: Link
  readonly queue: string
  ended(submission: Submission, how: 'completed' | 'failed' | 'cancelled'): void
}

/** A job in the program that has submitted it, from the submission to its end. */
export class Submission implements MappedJob, Linked<Submission> {
  list: LinkedList<Submission> | null = null
  nextInList: Submission | null = null
  previousInList: Submission | null = null
  readonly future: RemoteJob<unknown>
  readonly #owner: SubmissionOwner
  #message: JobMessage
  readonly #body: Uint8Array
  readonly #stacks: SubmitStacks
  /** The stack of the call that has submitted the job, which is added to its error. */
  submitted: SubmitStack = {}
  #timer: Handle | null = null
  /** How far the job has come. After a loss of the connection, only results of accepted jobs are searched for. */
  #state: 'waiting' | 'sending' | 'accepted' = 'waiting'
  /** Where the message of the job is in its stream; null until the server has confirmed it. */
  #place: JobPlace | null = null
  #hasEnded = false
  /**
   * Whether the server had a message with the same id. If it is that of another submission, the worker sends the result there,
   * so this one must search for the result.
   */
  isDuplicate = false
  /** The `resultTtl` of the submission whose message is in the stream. */
  resultTtl: number

  constructor(owner: SubmissionOwner, message: JobMessage, body: Uint8Array, stacks: SubmitStacks) {
    this.#owner = owner
    this.#message = message
    this.resultTtl = message.resultTtl
    this.#body = body
    this.#stacks = stacks
    this.future = new RemoteJob<unknown>(message.id, {
      abandon: () => this.#abandon(),
      details: () => this.#details(),
      grant: () => {},
    })
    if (jobTracing.isOn) this.#trace()
    owner.link.answers.expect(message.reply, (answer) => this.#receive(answer))
    const { deadline } = message
    if (deadline !== Infinity) {
      const left = Math.max(0, deadline - owner.link.now())
      this.#timer = this.future.getLoop().callLater(left, () => this.#expire(left))
    }
  }

  /** Whether the job was sent or is being sent. */
  get isStarted(): boolean {
    return this.#state !== 'waiting'
  }

  /** Whether the server may have the result although no answer has arrived. */
  get isAccepted(): boolean {
    return this.#state === 'accepted'
  }

  get id(): string {
    return this.#message.id
  }

  /** The reference of the job: its module's id and its export. */
  get job(): string {
    return this.#message.job
  }

  /** Sends the job again and again until the server has stored it. */
  async send(): Promise<void> {
    if (this.#hasEnded) return
    this.#state = 'sending'
    const { link, queue } = this.#owner
    const { names } = link
    let message = this.#message
    const isDelayed = message.notBefore > link.now()
    const subject = isDelayed ? names.delay(queue) : names.job(queue)
    const stream = isDelayed ? names.delayed(queue) : names.jobs(queue)
    try {
      const { sequence, duplicate } = await link.insist((bus) => {
        const limit = bus.maxPayload - headersSize
        const size = this.#body.length
        if (size > limit) throw new PayloadTooLarge(`the job ${message.job}`, size, limit)
        const sending = bus.append(subject, this.#body, {
          id: messageId(message),
          headers: toHeaders(message),
        })
        // The server remembers an id for two minutes. A later attempt may store the job a second time.
        message = { ...message, mayBeKnown: true }
        return sending
      })
      this.#place = { stream, sequence, id: messageId(message) }
      this.isDuplicate = duplicate
      this.#state = 'accepted'
      if (!this.future.accepted.done()) this.future.accepted.setResult()
    } catch (error) {
      this.fail(
        error instanceof StreamFull
          ? new QueueFull(queue, { cause: error })
          : error instanceof PayloadTooLarge
            ? new PayloadTooLarge(`the job ${message.job}`, error.size, error.limit)
            : error,
      )
      if (isCancelled(error)) throw error
    }
  }

  /**
   * Reads the message of the first submission, which says where the result will be. Returns false if the stream does not have
   * it any more: the stream deletes the message when the result is stored.
   */
  async readFirst(): Promise<boolean> {
    const place = this.#place
    if (place === null) return false
    const headers = await this.#owner.link.insist((bus) =>
      bus.readHeaders(place.stream, place.sequence, place.id),
    )
    const first = headers === null ? null : readHeaders((name) => headers[name] ?? null)
    if (first !== null) this.resultTtl = first.resultTtl
    return first !== null
  }

  /**
   * Sends the job of a duplicate, because the message of the first submission is gone and there is no result. Either the
   * result has expired, so that the id names a new job; or the job is in another message, because a worker has put it back
   * or its delay is over. In the second case the worker that gets this message finds the result, or runs the job once more.
   */
  async sendAgain(): Promise<void> {
    const place = this.#place
    if (place === null) return
    const { link, queue } = this.#owner
    // A job whose delay is over has moved to the other stream, under the same id.
    if (place.stream === link.names.delayed(queue)) {
      this.#message = { ...this.#message, notBefore: 0 }
    } else this.#message = { ...this.#message, after: place.sequence }
    await this.send()
  }

  #receive(answer: BusMessage): void {
    const { codec } = this.#owner.link
    if (answer.data[0] !== progressTag) {
      this.settle(answer.data)
      return
    }
    try {
      this.future.progressed(codec.decode(answer.data.subarray(1)))
    } catch (exception) {
      // The job goes on, and its result will come.
      const message = `A progress value of ${this.job} cannot be read`
      this.future.getLoop().callExceptionHandler({ message, exception, future: this.future })
    }
  }

  /** Called with the encoded outcome of the job. */
  settle(record: Uint8Array): void {
    if (this.#hasEnded) return
    let outcome: Outcome
    try {
      outcome = decodeOutcome(record, this.#owner.link.codec, () => stackText(this.submitted))
    } catch (error) {
      this.fail(error)
      return
    }
    if (outcome.kind === 'error') {
      this.#stacks.noteFailure()
      this.fail(outcome.error)
      return
    }
    if (outcome.kind === 'value') this.#stacks.noteSuccess(this.submitted)
    this.#end(outcome.kind === 'cancelled' ? 'cancelled' : 'completed')
    if (this.future.done()) return
    if (outcome.kind === 'value') this.future.setResult(outcome.value)
    else this.future.cancel('the job was cancelled')
  }

  fail(error: unknown): void {
    if (this.#hasEnded) return
    // This is the cancel of the task that sends the job: the cluster or the run has ended.
    if (isCancelled(error)) {
      if (this.#owner.link.hasEnded) this.fail(new ClusterClosed())
      else this.#cancelled(error)
      return
    }
    this.#end('failed', error)
    if (!this.future.accepted.done()) this.future.accepted.setException(error)
    if (this.future.done()) return
    this.future.setException(error)
    noteFailure(this.future)
  }

  /** Ends the job whose sending was cancelled. The end of a run is not a failure of the job. */
  #cancelled(reason: CancelledError): void {
    this.#end('cancelled')
    if (!this.future.accepted.done()) this.future.accepted.cancel(reason)
    if (!this.future.done()) this.future.cancel(reason)
  }

  /** Tells `why()` of core, which explains what a task waits for, where the job is. */
  #details(): WaitDetails {
    const { queue } = this.#owner
    const where = {
      waiting: `waits here to be sent to the queue '${queue}' of the cluster`,
      sending: `is on its way to the queue '${queue}' of the cluster`,
      accepted: `is in the queue '${queue}' of the cluster or at a worker`,
    }
    return { kind: 'job', label: `job '${this.#message.job}'`, note: where[this.#state] }
  }

  #expire(ms: number): void {
    if (this.#hasEnded) return
    this.#cancelRemotely()
    this.fail(new TimeoutError(`the job ${this.#message.job} did not end within ${ms} ms`))
  }

  /** Called when the future was cancelled. */
  #abandon(): void {
    if (this.#hasEnded) return
    this.#cancelRemotely()
    if (!this.future.accepted.done()) this.future.accepted.cancel('the job was cancelled')
    this.#end('cancelled')
  }

  /** Begins the trace of the job. The trace context of the tool then travels with the job. */
  #trace(): void {
    const trace: JobTrace = {
      executor: this.#owner,
      future: this.future,
      job: this.#message.job,
      worker: null,
    }
    jobTracing.run(this.future, trace, () => {})
    const traceparent = trace.carrier?.['traceparent']
    if (traceparent !== undefined) this.#message = { ...this.#message, traceparent }
  }

  #end(how: 'completed' | 'failed' | 'cancelled', error?: unknown): void {
    this.#hasEnded = true
    if (jobTracing.isLive) {
      const outcome = how === 'cancelled' ? { cancelled: true } : how === 'failed' ? { error } : {}
      jobTracing.settle(this.future, outcome)
    }
    this.#timer?.cancel()
    this.#owner.link.answers.forget(this.#message.reply)
    if (how === 'completed' && !this.future.accepted.done()) this.future.accepted.setResult()
    this.#owner.ended(this, how)
  }

  #cancelRemotely(): void {
    if (this.#state === 'waiting') return
    const { link } = this.#owner
    const { id } = this.#message
    link.start(`cancel ${id}`, async () => {
      // The others that wait for this job look for the result where its message says.
      if (this.isDuplicate) await this.readFirst()
      const { resultTtl } = this
      await cancelJob(link, { ...this.#message, resultTtl }, this.#place)
    })
  }
}
