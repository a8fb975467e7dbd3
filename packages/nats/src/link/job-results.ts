/**
 * The results of jobs on the server.
 *
 * The problem: on nats-server 2.9 all entries of a bucket expire after the same time, so each `resultTtl` has a bucket of its
 * own. A program that submits a job again, or cancels it, does not know the `resultTtl` of the first submission, so it does
 * not know the bucket of the result.
 *
 * The idea: the bucket of settings has a list of all times that are in use. An executor adds its own time before it sends its
 * first job, so the list has the time of each job that an executor has sent. Only the default is not in the list: each search
 * looks there too. There are few times, because each is an option of an executor. Most clusters have one.
 *
 * A note for each job, which says where its result is, would not do: the note must be there while the job waits and while
 * its result is kept, and the entries of a bucket cannot expire after different times. The message of the job says it too,
 * but the stream deletes the message when the job has ended.
 */
import { defaultResultTtl } from '../wire/names.ts'
import type { Link } from './link.ts'

/** The key of the list in the bucket of settings. */
const listKey = 'result-ttls'

export class JobResults {
  readonly #link: Link

  constructor(link: Link) {
    this.#link = link
  }

  /** Adds a time to the list. Must be called before a job with this `resultTtl` is sent. */
  async announce(ttl: number): Promise<void> {
    if (ttl === defaultResultTtl) return
    await this.#link.insist(async (bus) => {
      const settings = this.#link.bucket(bus, this.#link.names.settings, Infinity)
      for (;;) {
        const entry = await settings.get(listKey)
        const list = readList(entry?.value)
        if (list.includes(ttl)) return
        const value = new TextEncoder().encode([...list, ttl].join(' '))
        const revision =
          entry === null
            ? await settings.create(listKey, value)
            : await settings.update(listKey, value, entry.revision)
        if (revision !== null) return
        // Another program has changed the list at the same time.
      }
    })
  }

  /** Returns all times that are in use, `ttl` first, because most results are there. */
  async times(ttl: number): Promise<readonly number[]> {
    const entry = await this.#link.insist((bus) =>
      this.#link.bucket(bus, this.#link.names.settings, Infinity).get(listKey),
    )
    return [...new Set([ttl, defaultResultTtl, ...readList(entry?.value)])]
  }

  /** Returns the result of a job from the buckets of `times`; null if none of them has it. */
  async find(id: string, times: readonly number[]): Promise<Uint8Array | null> {
    for (const ttl of times) {
      const entry = await this.#link.insist((bus) => this.#link.results(bus, ttl).get(id))
      if (entry !== null) return entry.value
    }
    return null
  }

  /**
   * Stores the result of a job, unless it has one. Returns the result that the server has then. `mayBeElsewhere` says that
   * the job may have a result of another submission, with another `ttl`.
   *
   * If two workers run such submissions at the same time and both end within milliseconds, the job may get two results.
   * Two submissions within two minutes are usually one message, so this takes two that are further apart.
   */
  async record(
    id: string,
    ttl: number,
    record: Uint8Array,
    mayBeElsewhere: boolean,
  ): Promise<Uint8Array> {
    if (mayBeElsewhere) {
      const times = await this.times(ttl)
      const first = await this.find(id, times.slice(1))
      if (first !== null) return first
    }
    return this.#link.insist(async (bus) => {
      const results = this.#link.results(bus, ttl)
      if ((await results.create(id, record)) !== null) return record
      const first = await results.get(id)
      return first?.value ?? record
    })
  }
}

function readList(value: Uint8Array | undefined): number[] {
  if (value === undefined) return []
  return new TextDecoder().decode(value).split(' ').map(Number)
}
