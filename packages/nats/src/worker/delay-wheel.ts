/**
 * Releases jobs that must not begin before a certain time.
 *
 * The idea: such jobs are in a separate stream, and the server keeps the time. The wheel takes each job, and gives it back
 * to the server with the delay that is left, so a restart of the wheel or of the server loses nothing. When the time of a
 * job has come, the wheel appends it to the stream of the queue, under the same id. Every worker has a wheel.
 */
import { createServiceTask } from '@tasktree/core/lowlevel'
import type { ConsumerSettings, Delivery } from '../bus/bus.ts'
import type { Link } from '../link/link.ts'
import { StreamFull } from '../errors.ts'
import { type JobMessage, messageId, readHeaders, toHeaders } from '../wire/job-message.ts'
import { PullLoop } from '../link/pull-loop.ts'

/** How many jobs the wheel takes at the same time. */
const grip = 64
/** If the wheel has not handled a job for this many milliseconds, the server delivers it again. */
const ackWait = 30_000
/** Milliseconds before the next attempt to append a job to a full queue. */
const fullDelay = 1_000

export class DelayWheel {
  readonly #link: Link
  readonly #queue: string
  readonly #loop: PullLoop
  /** The consumer that the wheels of all workers share. */
  readonly consumer: ConsumerSettings
  #held = 0

  constructor(link: Link, queue: string) {
    this.#link = link
    this.#queue = queue
    const { names } = link
    this.consumer = {
      stream: names.delayed(queue),
      name: 'wheel',
      subject: names.delay(queue),
      ackWait,
    }
    this.#loop = new PullLoop(link, this.consumer, this)
  }

  get room(): number {
    return grip - this.#held
  }

  take(delivery: Delivery): void {
    const message = readHeaders((name) => delivery.header(name))
    if (message === null) {
      delivery.term()
      return
    }
    const left = message.notBefore - this.#link.now()
    if (left > 0) {
      delivery.nak(left)
      return
    }
    this.#held++
    const task = createServiceTask(async () => this.#release(delivery), {
      name: `release ${message.id}`,
    })
    task.addDoneCallback(() => {
      this.#held--
      this.#loop.roomier()
      // A failure needs no report: the server delivers the job again.
      if (!task.cancelled()) task.exception()
    })
  }

  async #release(delivery: Delivery): Promise<void> {
    const message = readHeaders((name) => delivery.header(name))
    if (message === null) return
    try {
      await this.#append({ ...message, notBefore: 0, mayBeKnown: true }, delivery.data)
    } catch (error) {
      if (!(error instanceof StreamFull)) throw error
      delivery.nak(fullDelay)
      return
    }
    await delivery.ack()
  }

  /**
   * Appends the job to the queue, unless the queue has a job with the same id. If it had one that has ended, the job is
   * appended nevertheless: a worker then sends the result to its submitter, or runs it if the result has expired.
   */
  async #append(message: JobMessage, data: Uint8Array): Promise<void> {
    const { names } = this.#link
    const stream = names.jobs(this.#queue)
    for (let next = message; ;) {
      const id = messageId(next)
      const { sequence, duplicate } = await this.#link.insist((bus) =>
        bus.append(names.job(this.#queue), data, { id, headers: toHeaders(next) }),
      )
      if (!duplicate) return
      const first = await this.#link.insist((bus) => bus.readHeaders(stream, sequence, id))
      if (first !== null) return
      next = { ...message, after: sequence }
    }
  }

  run(): Promise<never> {
    return this.#loop.run()
  }
}
