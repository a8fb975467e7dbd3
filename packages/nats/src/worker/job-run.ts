/** One delivery of a job to a worker, until the server has the result. */
import { failAfter, type Future, isCancelled, Task, TimeoutError } from '@tasktree/core'
import { JobSerializationError } from '@tasktree/executor'
import type { Delivery } from '../bus/bus.ts'
import type { Link } from '../link/link.ts'
import { PayloadTooLarge, PoisonedJob } from '../errors.ts'
import type { JobMessage } from '../wire/job-message.ts'
import { encodeOutcome, type Outcome } from '../wire/outcome.ts'
import { progressTag } from '../wire/progress.ts'
import { readable, textOf } from '../wire/readable.ts'
import { carrierOf, runTracing, traceparent } from '../wire/trace.ts'
import { putBackUnknown } from './unknown-job.ts'
import type { WorkerState } from './worker-state.ts'

export class JobRun {
  readonly delivery: Delivery
  readonly message: JobMessage
  readonly #worker: WorkerState
  readonly #link: Link
  #work: Future<unknown> | null = null
  #isCancelled = false
  /** Whether this worker ends, so that another worker must do the job. */
  #isGivenUp = false

  constructor(worker: WorkerState, delivery: Delivery, message: JobMessage) {
    this.#worker = worker
    this.#link = worker.link
    this.delivery = delivery
    this.message = message
  }

  /** Called when it is known that the submitter has cancelled the job, maybe more than once. */
  cancel(): void {
    this.#isCancelled = true
    this.#work?.cancel('the job was cancelled')
  }

  /** Ends the job on this worker, and gives it back for another worker. */
  giveUp(): void {
    this.#isGivenUp = true
    this.#work?.cancel('the worker ends')
  }

  /** Asks the server whether the submitter has cancelled the job. */
  async wasCancelled(): Promise<boolean> {
    const { id } = this.message
    const entry = await this.#link.insist((bus) => this.#link.cancels(bus).get(id))
    return entry !== null
  }

  /** Handles the delivery: skips it, refuses it, or runs the job and stores its result. */
  async run(): Promise<void> {
    const { message, delivery } = this
    if ((delivery.count > 1 || message.mayBeKnown) && (await this.#isSettled())) return
    if (delivery.count > this.#worker.maxDeliver) {
      const why = 'each worker that began it has died, or has not finished it in time'
      this.#bury(why, undefined)
      return
    }
    if (this.#isCancelled || this.#link.receivedCancels.wasCancelled(message.id)) {
      await this.settle({ kind: 'cancelled' })
      return
    }
    const left = message.deadline - this.#link.now()
    if (left <= 0) {
      const error = new TimeoutError(`the job ${message.job} reached its deadline before it began`)
      await this.settle({ kind: 'error', error })
      return
    }
    await this.#execute(left)
  }

  /**
   * Returns whether the job has a result already or was cancelled; the delivery needs no more work then. Sends an existing
   * result again, because the first message with it may be lost.
   */
  async #isSettled(): Promise<boolean> {
    const { id, resultTtl } = this.message
    const { jobResults } = this.#link
    const record = await jobResults.find(id, await jobResults.times(resultTtl))
    if (record !== null) {
      this.reply(record)
      await this.#acknowledge()
      return true
    }
    if (!(await this.wasCancelled())) return false
    await this.settle({ kind: 'cancelled' })
    return true
  }

  async #execute(left: number): Promise<void> {
    const { job, isChunked } = this.message
    let outcome: Outcome
    try {
      const start = await this.#worker.modules.find(job)
      if (start === null) {
        const error = await putBackUnknown(this.#worker, this.delivery, this.message)
        if (error === null) await this.#acknowledge()
        else await this.settle({ kind: 'error', error })
        return
      }
      let args: readonly unknown[]
      try {
        args = this.#link.codec.decode(this.delivery.data) as readonly unknown[]
        if (!Array.isArray(args)) throw new TypeError('its arguments are not a list')
      } catch (error) {
        this.#bury('its arguments cannot be read', error)
        return
      }
      if (this.#isGivenUp) {
        this.delivery.nak()
        return
      }
      const call = { args, isChunked, onProgress: (value: unknown) => this.#report(value) }
      const value = await this.#within(left, () => {
        traceparent.set(this.message.traceparent)
        return runTracing.isOn ? this.#traced(() => start(call)) : start(call)
      })
      if (runTracing.isLive) runTracing.settle(this, { result: value })
      outcome = { kind: 'value', value }
    } catch (thrown) {
      const error = readable(thrown, 'the job')
      if (runTracing.isLive)
        runTracing.settle(this, this.#isCancelled ? { cancelled: true } : { error })
      if (this.#isGivenUp || this.#wasEndedFromOutside()) {
        this.delivery.nak()
        return
      }
      if (this.#isCancelled) outcome = { kind: 'cancelled' }
      else if (isCancelled(error) && this.#work === null) throw error
      else if (this.#worker.mayRetry(job, error)) {
        this.#retry(error)
        return
      } else outcome = { kind: 'error', error }
    }
    const settled = this.settle(outcome)
    // `executed` requests the next job. The request leaves in one packet with the record, which `settle` has usually sent now.
    this.#worker.executed(this)
    await settled
  }

  #traced(begin: () => Future<unknown>): Future<unknown> {
    const { job, traceparent: header } = this.message
    const trace = { job, worker: this.#link.node, carrier: carrierOf(header) }
    return runTracing.run(this, trace, begin)
  }

  /** Whether the end of the program or of the pool has cancelled the job. That is not a result of the job. */
  #wasEndedFromOutside(): boolean {
    const work = this.#work
    if (this.#isCancelled || work === null || !work.done() || !work.cancelled()) return false
    // A task without a cancel request has thrown the CancelledError itself. That is a result of the job.
    return !(work instanceof Task) || work.cancelling() > 0
  }

  async #within(left: number, start: () => Future<unknown>): Promise<unknown> {
    const body = async (): Promise<unknown> => {
      const work = start()
      this.#work = work
      if (this.#isCancelled) work.cancel('the job was cancelled')
      return work
    }
    return left === Infinity ? body() : failAfter(left, body)
  }

  #retry(error: unknown): void {
    const { delivery } = this
    if (delivery.count >= this.#worker.maxDeliver) {
      this.#bury('each attempt has failed, and maxDeliver allows no further one', error)
      return
    }
    delivery.nak(this.#worker.backoff(this.message.job, delivery.count))
  }

  /** Sends a progress value. It is lost if there is no connection. */
  #report(value: unknown): void {
    const { reply, job } = this.message
    const bus = this.#link.status === 'connected' ? this.#link.current() : null
    if (bus === null || reply === '') return
    const what = `a progress value of ${job}`
    let body: Uint8Array
    try {
      body = this.#link.codec.encode(value)
    } catch (cause) {
      throw new JobSerializationError(`${what} cannot be sent: ${textOf(cause)}`, { cause })
    }
    const bytes = new Uint8Array(body.length + 1)
    bytes[0] = progressTag
    bytes.set(body, 1)
    if (bytes.length > bus.maxPayload) throw new PayloadTooLarge(what, bytes.length, bus.maxPayload)
    bus.publish(reply, bytes)
  }

  /** Gives the job to the dead-letter mover, which also stores its failure. */
  #bury(why: string, cause: unknown): void {
    const { job } = this.message
    const error = new PoisonedJob(job, this.delivery.count, why, { cause })
    this.#worker.bury({ run: this, error })
  }

  /**
   * Stores `outcome` as the result of the job, unless it has one already. The record is stored first, then the answer is
   * sent, and the delivery is acknowledged last. If the worker dies between two of these steps, the job is delivered
   * again, and the next worker does the rest.
   */
  async settle(outcome: Outcome): Promise<void> {
    const record = await this.record(outcome)
    // The answer and the acknowledgement are sent in one turn, so that they leave in one packet.
    this.reply(record)
    await this.#acknowledge()
  }

  /** Stores the outcome. Returns the record that the server has, which another worker may have stored before. */
  async record(outcome: Outcome): Promise<Uint8Array> {
    const { id, resultTtl, mayBeKnown } = this.message
    const record = encodeOutcome(
      outcome,
      this.#link.codec,
      this.message.job,
      this.#worker.maxResult(),
    )
    return this.#link.jobResults.record(id, resultTtl, record, mayBeKnown)
  }

  /** Sends the result to the submitter. */
  reply(record: Uint8Array): void {
    const { reply } = this.message
    // If there is no connection, the submitter finds the record on the server.
    if (reply !== '' && this.#link.status === 'connected')
      this.#link.current()?.publish(reply, record)
  }

  /**
   * Tells the server that the job is done. If this message is lost, the server delivers the job again, and the next worker
   * finds what was done.
   */
  async #acknowledge(): Promise<void> {
    try {
      await this.delivery.ack()
    } catch (error) {
      if (isCancelled(error)) throw error
    }
  }
}
