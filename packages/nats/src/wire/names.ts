import { describe } from '@tasktree/core/lowlevel'

/**
 * Encodes a text as one token of a subject, of the name of a stream, or of the key of a bucket. Letters, digits, `_` and `-`
 * stay; each other byte becomes `=XX`. Percent encoding is not possible, because keys of buckets must not have a `%`.
 */
export function token(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9_-]/gu, (character) =>
    [...new TextEncoder().encode(character)]
      .map((byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`)
      .join(''),
  )
}

/**
 * Encodes a text for the name of a bucket, in which only letters, digits, `_` and `-` are allowed: each other byte becomes
 * `-XX`. A `-` before two hexadecimal digits (0-9, A-F) becomes `-2D`, because it would look like an encoded byte. So no two
 * texts have the same encoding.
 */
function bucketToken(text: string): string {
  return token(text)
    .replaceAll(/-(?=[0-9A-F]{2})/g, '=2D')
    .replaceAll('=', '-')
}

/** The text that `token` has made into `encoded`; null if another program has made it. */
export function readToken(encoded: string): string | null {
  try {
    return decodeURIComponent(encoded.replaceAll('=', '%'))
  } catch {
    return null
  }
}

/** @throws {TypeError} for an empty text and for other values that are not a name */
export function checkName(what: string, name: unknown): void {
  if (typeof name !== 'string' || name === '') {
    throw new TypeError(`${what} must be a text that is not empty, got ${describe(name)}`)
  }
  // UTF-8 has no bytes for half a surrogate pair. An encoder writes the same bytes for each, so two names would become one.
  if (name.isWellFormed()) return
  throw new TypeError(
    `${what} must not have half of a character, such as of an emoji that was cut: got ${JSON.stringify(name)}`,
  )
}

/** All names that a cluster uses on its server. They begin with the namespace, so that several clusters can share a server. */
export class Names {
  readonly #space: string
  /** The prefix of the buckets. */
  readonly #bucketSpace: string

  constructor(namespace: string) {
    this.#space = token(namespace)
    this.#bucketSpace = bucketToken(namespace)
  }

  /** The stream of the jobs that wait or run. The stream deletes a job when its result is stored. */
  jobs(queue: string): string {
    return `${this.#space}_JOBS_${token(queue)}`
  }

  job(queue: string): string {
    return `${this.#space}.job.${token(queue)}`
  }

  /** The stream of the jobs that must not begin yet. */
  delayed(queue: string): string {
    return `${this.#space}_DELAYED_${token(queue)}`
  }

  delay(queue: string): string {
    return `${this.#space}.delay.${token(queue)}`
  }

  get deadLetters(): string {
    return `${this.#space}_DLQ`
  }

  deadLetter(queue: string): string {
    return `${this.#space}.dlq.${token(queue)}`
  }

  get everyDeadLetter(): string {
    return `${this.#space}.dlq.*`
  }

  service(name: string): string {
    return `${this.#space}.svc.${token(name)}`
  }

  /** The subject on which the cancel of the job or ask `id` is announced. */
  control(id: string): string {
    return `${this.#space}.ctl.${id}`
  }

  /** The bucket of the leases that last `ttl` milliseconds. */
  leases(ttl: number): string {
    return ttl === defaultLease ? `${this.#bucketSpace}_lease` : `${this.#bucketSpace}_lease_${ttl}`
  }

  /** The subject on which the holder of a lease announces that it has given the lease back. */
  freed(key: string): string {
    return `${this.#space}.freed.${key}`
  }

  /** The bucket of the settings that must be the same on all nodes, such as the number of shards of a type. */
  get settings(): string {
    return `${this.#bucketSpace}_settings`
  }

  /** The subject on which the hosts of a type of entities hear of each other. */
  hosts(type: string): string {
    return `${this.#space}.host.${token(type)}`
  }

  /** The subject on which the owner of a shard gets the messages of an entity that has no mailbox on the server. */
  entity(type: string, shard: number, key: string): string {
    return `${this.#space}.rpc.${token(type)}.${shard}.${token(key)}`
  }

  entitiesOf(type: string, shard: number): string {
    return `${this.#space}.rpc.${token(type)}.${shard}.*`
  }

  /** The name of the stream that holds the mailboxes of an entity type. */
  mailboxes(type: string): string {
    return `${this.#space}_MBX_${token(type)}`
  }

  mailbox(type: string, shard: number, key: string): string {
    return `${this.#space}.mbx.${token(type)}.${shard}.${token(key)}`
  }

  mailboxesOf(type: string, shard: number): string {
    return `${this.#space}.mbx.${token(type)}.${shard}.*`
  }

  everyMailbox(type: string): string {
    return `${this.#space}.mbx.${token(type)}.*.*`
  }

  /** The bucket of the states of all entities. */
  get states(): string {
    return `${this.#bucketSpace}_state`
  }

  /** Names an entity in the whole server. */
  stateOf(type: string, key: string): string {
    return `${this.states}.${stateKey(type, key)}`
  }

  get nodes(): string {
    return `${this.#bucketSpace}_node`
  }

  get cancels(): string {
    return `${this.#bucketSpace}_cancel`
  }

  /** The bucket of results that are kept for `ttl` milliseconds. On nats-server 2.9 all entries of a bucket
   * share one expiry time, so each `ttl` has a bucket of its own. */
  results(ttl: number): string {
    return ttl === defaultResultTtl
      ? `${this.#bucketSpace}_result`
      : `${this.#bucketSpace}_result_${ttl}`
  }
}

/** The key of an entity's state in its bucket. */
export function stateKey(type: string, key: string): string {
  return `${token(type)}.${token(key)}`
}

/** Milliseconds for which a result is kept by default. */
export const defaultResultTtl = 3_600_000
/**
 * The shortest time in milliseconds for which a result is kept. A program that has submitted a job that another program had
 * submitted before looks for the result every 500 ms, and must not miss it.
 */
export const shortestResultTtl = 1_000
/** The server counts nanoseconds in 64 bits, which is enough for 292 years. */
const longestTime = 9e12

/** Returns the time for which a server can keep results that is nearest to `ttl`: a whole number, or Infinity. */
export function keptFor(ttl: number): number {
  if (ttl > longestTime) return Infinity
  return Math.max(shortestResultTtl, Math.ceil(ttl))
}

/** Returns the time nearest to `ms` that a server can count: a whole number of milliseconds. */
export function countable(ms: number): number {
  return Math.min(Math.ceil(ms), longestTime)
}

/** Milliseconds that a lease lasts by default without being renewed. */
export const defaultLease = 5_000
