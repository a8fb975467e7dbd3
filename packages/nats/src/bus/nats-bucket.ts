import type { KV } from '@nats-io/kv'
import type { Future } from '@tasktree/core'
import type { Bucket, Entry } from './bus.ts'
import { isWrongSequence, translate } from './nats-errors.ts'
import type { Pending } from './pending.ts'

export class NatsBucket implements Bucket {
  readonly #name: string
  readonly #kv: KV
  readonly #pending: Pending

  constructor(name: string, kv: KV, pending: Pending) {
    this.#pending = pending
    this.#name = name
    this.#kv = kv
  }

  create(key: string, value: Uint8Array): Future<number | null> {
    return this.#compared(this.#kv.create(key, value))
  }

  update(key: string, value: Uint8Array, revision: number): Future<number | null> {
    return this.#compared(this.#kv.update(key, value, revision))
  }

  /** Null when the key is at another revision. */
  #compared(writing: Promise<number>): Future<number | null> {
    return this.#pending.follow(
      writing.catch((error: unknown) => {
        if (isWrongSequence(error)) return null
        throw translate(error, `the bucket ${this.#name}`)
      }),
    )
  }

  put(key: string, value: Uint8Array): Future<number> {
    return this.#translated(this.#kv.put(key, value))
  }

  get(key: string): Future<Entry | null> {
    return this.#translated(
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
    return this.#pending.follow(
      this.#kv.delete(key, options).catch((error: unknown) => {
        if (isWrongSequence(error)) return
        throw translate(error, `the bucket ${this.#name}`)
      }),
    )
  }

  keys(): Future<string[]> {
    return this.#translated(this.#listKeys())
  }

  async #listKeys(): Promise<string[]> {
    const keys: string[] = []
    for await (const key of await this.#kv.keys()) keys.push(key)
    return keys
  }

  #translated<T>(promise: Promise<T>): Future<T> {
    return this.#pending.follow(
      promise.catch((error: unknown) => {
        throw translate(error, `the bucket ${this.#name}`)
      }),
    )
  }
}
