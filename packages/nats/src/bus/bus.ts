/**
 * What this package needs of a message system: messages between programs, streams that keep messages until a worker has
 * acknowledged them, and buckets of keys whose entries expire. NatsBus is made of NATS; MemoryBus of the door `testing`
 * has the same semantics in one process and virtual time, with every fault that the real system has.
 */
import type { Future } from '@tasktree/core'

export type Headers = Readonly<Record<string, string>>

/** A message between programs. It is delivered at most once. */
export interface BusMessage {
  readonly subject: string
  readonly data: Uint8Array
  /** The value of a header; null when the message does not have it. */
  header(name: string): string | null
  /** Where an answer is expected; '' for nowhere. */
  readonly reply: string
  /** The server's answer that nobody listens to the subject. */
  readonly isNoResponders: boolean
}

/** A message of a stream that a consumer was given to work on. It is delivered again unless it is acknowledged in time. */
export interface Delivery {
  readonly subject: string
  readonly data: Uint8Array
  header(name: string): string | null
  readonly headers: Headers
  /** How many times it has been delivered, this time included. */
  readonly count: number
  /** Its number in the stream. */
  readonly sequence: number
  /** When the server has stored it, in milliseconds of the Unix time. */
  readonly storedAt: number
  /** Done: the stream forgets the message. Settles when the server says so. */
  ack(): Future<void>
  /** Not done: it is delivered again after `delay` milliseconds. */
  nak(delay?: number): void
  /** Still at work: the time for the acknowledgement begins anew. */
  working(): void
  /** The stream forgets the message, although nobody has done the work. */
  term(): void
}

export interface StreamSettings {
  readonly name: string
  readonly subjects: readonly string[]
  /** `work`: a message is kept until it is acknowledged. `limits`: until it is too old. */
  readonly retention: 'work' | 'limits'
  /** How many messages it takes; later ones are refused. Undefined leaves a stream that exists as it is. */
  readonly maxMessages?: number | undefined
  /** How many messages of one subject it takes; later ones are refused. */
  readonly maxPerSubject?: number
  /** Milliseconds after which a message is forgotten. */
  readonly maxAge?: number
}

export interface ConsumerSettings {
  readonly stream: string
  readonly name: string
  /** Of which messages. */
  readonly subject: string
  /** Milliseconds that a receiver has to acknowledge a message before it is delivered to another receiver. */
  readonly ackWait: number
}

/**
 * A consumer that takes nothing: the messages stay in the stream until they are deleted, and need no acknowledgement. The
 * server forgets it when nobody has pulled for a while.
 */
export interface ReaderSettings {
  readonly stream: string
  readonly name: string
  /** Of which messages; may have wildcards. */
  readonly subject: string
  /** The sequence at which it begins. */
  readonly from: number
}

export interface StreamState {
  readonly messages: number
  /** Messages that were delivered and not acknowledged yet. */
  readonly pending: number
}

export interface Appended {
  readonly sequence: number
  /** A message with the same id was there already. */
  readonly duplicate: boolean
}

/** The requests of one receiver for the messages of a consumer. */
export interface Puller {
  /** Asks for `count` more messages. */
  request(count: number): void
  close(): void
}

export interface PullListener {
  onDelivery(delivery: Delivery): void
  /** A request for `count` messages has ended without them. */
  onExpired(count: number): void
  /** The consumer lives, and has nothing to deliver. */
  onHeartbeat(): void
  /** The requests have ended, for example because the consumer was deleted. */
  onBroken(why: string): void
}

export interface Entry {
  readonly value: Uint8Array
  readonly revision: number
}

/** Keys whose entries expire. Nobody is told when an entry expires. */
export interface Bucket {
  /** Its revision; null when there is an entry already. */
  create(key: string, value: Uint8Array): Future<number | null>
  /** The new revision; null when the entry is not at `revision` any more. */
  update(key: string, value: Uint8Array, revision: number): Future<number | null>
  put(key: string, value: Uint8Array): Future<number>
  get(key: string): Future<Entry | null>
  /** With `revision`, only if the entry is still at it. */
  delete(key: string, revision?: number): Future<void>
  keys(): Future<string[]>
}

export interface PublishOptions {
  readonly headers?: Headers | undefined
  readonly reply?: string
}

export type BusStatus = 'connected' | 'disconnected' | 'closed'

/**
 * One connection. When it is lost, everything that waits for an answer of the server fails with BusTimeout at once; what is
 * asked while it is lost fails too. Subscriptions go on when it is back.
 */
export interface Bus {
  /** How many bytes a message may have, its headers included. */
  readonly maxPayload: number
  readonly status: BusStatus
  /** Why it was closed, if it was by an error. */
  readonly closedBy: Error | null
  /** Names the server in messages. */
  readonly server: string
  onStatus(listener: (status: BusStatus) => void): () => void
  /** The Unix time in milliseconds. */
  now(): number
  /** @throws {PayloadTooLarge} {BusClosed} */
  publish(subject: string, data: Uint8Array, options?: PublishOptions): void
  /** With `queue`, each message goes to one of the subscribers of that queue. The listener must not wait. */
  subscribe(
    subject: string,
    listener: (message: BusMessage) => void,
    options?: { queue?: string },
  ): () => void
  /** Settles when the server has received what was sent before. */
  flush(): Future<void>
  openStream(settings: StreamSettings): Future<void>
  openConsumer(settings: ConsumerSettings | ReaderSettings): Future<void>
  /** @throws {StreamFull} {StreamMissing} {PayloadTooLarge} {BusTimeout} */
  append(
    subject: string,
    data: Uint8Array,
    options: { id: string; headers?: Headers },
  ): Future<Appended>
  /** False when there is no such message any more. */
  deleteMessage(stream: string, sequence: number): Future<boolean>
  /** Null when there is no such stream. */
  streamState(stream: string): Future<StreamState | null>
  pull(stream: string, consumer: string, listener: PullListener): Puller
  /** Its entries expire after `ttl` milliseconds; without `ttl`, or with Infinity, they do not. */
  openBucket(name: string, ttl?: number): Future<Bucket>
  /** Sends what is left, and ends the connection. */
  close(): Future<void>
}

/** How a cluster gets its bus. */
export type Connector = () => Future<Bus> | PromiseLike<Bus>
