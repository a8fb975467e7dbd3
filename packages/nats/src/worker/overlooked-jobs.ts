/**
 * Jobs that are in the stream of a queue, and that the server would never deliver.
 *
 * The problem: the consumer of the workers notes in a file of its own up to which sequence all messages are acknowledged. A
 * nats-server 2.9 that was killed may bring back messages below that, and it may give the sequences of acknowledged jobs to
 * new jobs. In both cases it does not deliver them.
 *
 * The idea: each worker looks for messages below that sequence, soon after each connect, and then every half minute. A job
 * that has a result is deleted. Another one is appended again, so that it gets a new sequence.
 */
import { type ConsumerSettings, idHeader, type StoredMessage } from '../bus/bus.ts'
import { PayloadTooLarge, StreamFull } from '../errors.ts'
import type { Link } from '../link/link.ts'
import { Signal } from '../link/signal.ts'
import { type JobMessage, readHeaders, toHeaders } from '../wire/job-message.ts'

/** Milliseconds from a connect to the second search. The time to the next one doubles each time. */
const firstPause = 500
const longestPause = 30_000

export class OverlookedJobs {
  readonly #link: Link
  readonly #settings: ConsumerSettings

  constructor(link: Link, settings: ConsumerSettings) {
    this.#link = link
    this.#settings = settings
  }

  /** Searches until it is cancelled. */
  async run(): Promise<never> {
    const connected = new Signal()
    let pause = firstPause
    const stop = this.#link.onStatus((status) => {
      if (status !== 'connected') return
      pause = firstPause
      connected.notify()
    })
    try {
      for (;;) {
        await this.#search()
        await connected.wait(pause)
        pause = Math.min(2 * pause, longestPause)
      }
    } finally {
      stop()
    }
  }

  async #search(): Promise<void> {
    for (let from = 1; ;) {
      const found = await this.#link.insist((bus) => bus.overlooked(this.#settings, from))
      if (found === null) return
      await this.#rescue(found)
      from = found.sequence + 1
    }
  }

  async #resultOf({ id, resultTtl }: JobMessage): Promise<Uint8Array | null> {
    const { jobResults } = this.#link
    return jobResults.find(id, await jobResults.times(resultTtl))
  }

  /** Makes a job run that has no result, and deletes its message. */
  async #rescue({ sequence, subject, data, header }: StoredMessage): Promise<void> {
    const link = this.#link
    const { stream } = this.#settings
    const message = readHeaders(header)
    const id = header(idHeader)
    if (id === null) return
    if (message !== null && (await this.#resultOf(message)) === null) {
      try {
        await link.insist((bus) =>
          bus.append(subject, data, {
            // Two workers that find the job at the same time append it once.
            id: `${id}:again:${sequence}`,
            headers: toHeaders({ ...message, mayBeKnown: true }),
          }),
        )
      } catch (error) {
        // The message stays where it is. The next search tries again.
        if (error instanceof StreamFull || error instanceof PayloadTooLarge) return
        throw error
      }
    }
    await link.insist((bus) => bus.deleteMessage(stream, sequence, id))
  }
}
