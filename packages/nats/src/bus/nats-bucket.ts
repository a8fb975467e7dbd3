import { JetStreamApiError, type StreamAPI } from '@nats-io/jetstream'
import type { KV } from '@nats-io/kv'
import { headers } from '@nats-io/transport-node'
import type { Future } from '@tasktree/core'
import type { Bucket, Entry } from './bus.ts'
import { isWrongSequence, translate } from './nats-errors.ts'
import { readStored, type Requests } from './server-requests.ts'
import type { Pending } from './pending.ts'

export class NatsBucket implements Bucket {
  readonly #name: string
  readonly #kv: KV
  readonly #streams: StreamAPI
  readonly #requests: Requests
  readonly #pending: Pending

  constructor(name: string, kv: KV, streams: StreamAPI, requests: Requests, pending: Pending) {
    this.#streams = streams
    this.#name = name
    this.#kv = kv
    this.#requests = requests
    this.#pending = pending
  }

  create(key: string, value: Uint8Array): Future<number | null> {
    return this.#store(key, value, 0, () => this.#createAgain(key, value))
  }

  update(key: string, value: Uint8Array, revision: number): Future<number | null> {
    return this.#store(key, value, revision, () => null)
  }

  put(key: string, value: Uint8Array): Future<number> {
    return this.#requests.send({
      what: this.#what(),
      subject: this.#subject(key),
      data: value,
      read: (answer) => {
        const stored = readStored(answer)
        if (stored instanceof JetStreamApiError) throw stored
        return stored.seq
      },
    })
  }

  /**
   * Stores `value` if the entry is at `revision`; 0 means that there is no entry. If it is not, the result is that of
   * `otherwise`.
   */
  #store(
    key: string,
    value: Uint8Array,
    revision: number,
    otherwise: () => Future<number | null> | null,
  ): Future<number | null> {
    const expected = headers()
    expected.set('Nats-Expected-Last-Subject-Sequence', String(revision))
    return this.#requests.send<number | null>({
      what: this.#what(),
      subject: this.#subject(key),
      data: value,
      headers: expected,
      read: (answer) => {
        const stored = readStored(answer)
        if (!(stored instanceof JetStreamApiError)) return stored.seq
        if (isWrongSequence(stored)) return otherwise()
        throw stored
      },
    })
  }

  /**
   * Creates the entry with the client's method, which also works for an entry that was deleted: the server keeps a
   * marker of the deletion, and the marker has a revision.
   */
  #createAgain(key: string, value: Uint8Array): Future<number | null> {
    return this.#translated(() =>
      this.#kv.create(key, value).catch((error: unknown) => {
        if (isWrongSequence(error)) return null
        throw error
      }),
    )
  }

  #what(): string {
    return `the bucket ${this.#name}`
  }

  #subject(key: string): string {
    return `$KV.${this.#name}.${key}`
  }

  get(key: string): Future<Entry | null> {
    return this.#translated(() =>
      this.#kv
        .get(key)
        .then((entry) =>
          entry === null || entry.operation !== 'PUT'
            ? null
            : { value: entry.value, revision: entry.revision },
        ),
    )
  }

  delete(key: string, revision?: number): Future<void> {
    const options = { ...(revision !== undefined && { previousSeq: revision }) }
    return this.#translated(() =>
      this.#kv.delete(key, options).catch((error: unknown) => {
        if (!isWrongSequence(error)) throw error
      }),
    )
  }

  keys(): Future<string[]> {
    return this.#translated(() => this.#listKeys())
  }

  /**
   * Lists the subjects of the bucket's stream. The client's method `keys` reads the entries with a consumer, and waits for
   * ever if an entry is written at the same time: the consumer then delivers fewer messages than the client expects.
   */
  async #listKeys(): Promise<string[]> {
    const prefix = this.#subject('')
    const { state } = await this.#streams.info(`KV_${this.#name}`, {
      subjects_filter: `${prefix}>`,
    })
    const keys = Object.keys(state.subjects ?? {}).map((subject) => subject.slice(prefix.length))
    // The server keeps a marker of each deleted entry.
    const entries = await Promise.all(keys.map((key) => this.#kv.get(key)))
    return keys.filter((_, i) => entries[i]?.operation === 'PUT')
  }

  #translated<T>(call: () => Promise<T>): Future<T> {
    return this.#pending.follow(() =>
      call().catch((error: unknown) => {
        throw translate(error, this.#what())
      }),
    )
  }
}
