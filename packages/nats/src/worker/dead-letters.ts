import type { Link } from '../link/link.ts'
import { Signal } from '../link/signal.ts'
import { PayloadTooLarge, type PoisonedJob } from '../errors.ts'
import { deadLetterHeader } from '../wire/job-message.ts'
import type { JobRun } from './job-run.ts'

/** Milliseconds for which a dead letter is kept: 14 days. */
const maxAge = 14 * 24 * 3_600_000

export interface DeadJob {
  readonly run: JobRun
  readonly error: PoisonedJob
}

/** Moves jobs that no worker can finish to the dead-letter stream, and makes them fail. */
export class DeadLetters {
  readonly #link: Link
  readonly #queue: string
  readonly #waiting: DeadJob[] = []
  readonly #added = new Signal()
  readonly #moved: (run: JobRun) => void

  constructor(link: Link, queue: string, moved: (run: JobRun) => void) {
    this.#link = link
    this.#queue = queue
    this.#moved = moved
  }

  add(job: DeadJob): void {
    this.#waiting.push(job)
    this.#added.notify()
  }

  /**
   * Runs until it is cancelled. If the cancel interrupts the move of a job, the server delivers the job again, and another
   * worker moves it, or does the rest of the move.
   */
  async run(): Promise<never> {
    const { names } = this.#link
    await this.#link.insist((bus) =>
      bus.openStream({
        name: names.deadLetters,
        subjects: [names.everyDeadLetter],
        retention: 'limits',
        maxAge,
      }),
    )
    for (;;) {
      const job = this.#waiting[0]
      if (job === undefined) {
        await this.#added.wait()
        continue
      }
      await this.#move(job)
      this.#waiting.shift()
    }
  }

  async #move({ run, error }: DeadJob): Promise<void> {
    const { delivery } = run
    try {
      await this.#append(run, delivery.data, error.message, error)
    } catch (tooLarge) {
      if (!(tooLarge instanceof PayloadTooLarge)) throw tooLarge
      // Another program has sent the job, with no room for the headers that are added here.
      const reason = `${error.message}; its arguments are left out, because they are too large`
      await this.#append(run, new Uint8Array(0), reason, error)
    }
    // The failure is stored later than the dead letter, because the server deletes a job that has a result.
    run.reply(await run.record({ kind: 'error', error }))
    delivery.term()
    this.#moved(run)
  }

  async #append(run: JobRun, data: Uint8Array, reason: string, error: PoisonedJob): Promise<void> {
    const { delivery, message } = run
    await this.#link.insist((bus) =>
      bus.append(this.#link.names.deadLetter(this.#queue), data, {
        id: `${message.id}:dead`,
        headers: {
          ...delivery.headers,
          [deadLetterHeader.reason]: reason,
          [deadLetterHeader.deliveries]: String(error.deliveries),
        },
      }),
    )
  }
}
