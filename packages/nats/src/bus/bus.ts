/**
 * The interface between this package and a message system. The package needs three things: messages between programs,
 * streams that keep each message until it is acknowledged or deleted, and buckets, which are maps whose entries may expire.
 *
 * There are two implementations. NatsBus uses the NATS client. MemoryBus, which users get from `@tasktree/nats/testing`,
 * runs in one process and in virtual time, behaves like NATS, and produces the faults that NATS can have.
 */
import type { Future } from '@tasktree/core'

export type Headers = Readonly<Record<string, string>>

/** The header with the id of a message. Within two minutes a stream does not store two messages with the same id. */
export const idHeader = 'Nats-Msg-Id'

/** A message between programs. It is delivered at most once. */
export interface BusMessage {
  readonly subject: string
  readonly data: Uint8Array
  /** Returns the value of a header, or null if the message does not have that header. */
  header(name: string): string | null
  /** The subject to which the sender expects an answer; empty if it expects none. */
  readonly reply: string
  /** Whether the server sent this message to say that no program is subscribed to the subject. */
  readonly isNoResponders: boolean
}

/**
 * A message of a stream that the server has delivered to a consumer. The server delivers it again unless the consumer
 * acknowledges it in time, or only reads.
 *
 * A server that was killed may give the number of a deleted message to a new one. So if the connection was lost since the
 * delivery, or one of `ack`, `term` and `remove` was called before, each of these three looks at the id of the message first,
 * and does nothing if it is another message.
 */
export interface Delivery {
  readonly subject: string
  readonly data: Uint8Array
  header(name: string): string | null
  readonly headers: Headers
  /** How many times the server has delivered this message, this time included. */
  readonly count: number
  /** The number of the message in its stream. */
  readonly sequence: number
  /** When the server stored the message, as Unix time in milliseconds. */
  readonly storedAt: number
  /** Reports that the work is done, so that the stream deletes the message. Settles when the server confirms it. */
  ack(): Future<void>
  /** Gives the message back: the server delivers it again after `delay` milliseconds. */
  nak(delay?: number): void
  /** Reports that the work goes on: the server restarts the time in which it expects the acknowledgement. */
  working(): void
  /** Makes the stream delete the message although the work was not done. */
  term(): void
  /** Deletes the message of a consumer that only reads. The result is false if the stream does not have it any more. */
  remove(): Future<boolean>
}

export interface StreamSettings {
  readonly name: string
  readonly subjects: readonly string[]
  /** With `work` the stream keeps a message until it is acknowledged, with `limits` until it is too old. */
  readonly retention: 'work' | 'limits'
  /** The stream refuses further messages when it holds this many. Undefined leaves an existing stream as it is. */
  readonly maxMessages?: number | undefined
  /** The stream refuses further messages for a subject when it holds this many of that subject. */
  readonly maxPerSubject?: number
  /** Milliseconds after which the stream deletes a message. */
  readonly maxAge?: number
}

export interface ConsumerSettings {
  readonly stream: string
  readonly name: string
  /** The consumer gets the messages of this subject. */
  readonly subject: string
  /** If a receiver does not acknowledge a message for this many milliseconds, the server delivers it again. */
  readonly ackWait: number
}

/**
 * The settings of a consumer that only reads: its messages stay in the stream until they are deleted, and need no
 * acknowledgement. The server deletes the consumer when it was not pulled for a while.
 */
export interface ReaderSettings {
  readonly stream: string
  readonly name: string
  /** The consumer gets the messages of this subject, which may have wildcards. */
  readonly subject: string
  /** The number of the first message that the consumer gets. */
  readonly from: number
}

/** A message that was read from a stream without a consumer. */
export interface StoredMessage {
  readonly sequence: number
  readonly subject: string
  readonly data: Uint8Array
  readonly header: (name: string) => string | null
}

export interface StreamState {
  readonly messages: number
  /** How many messages were delivered and not acknowledged yet. */
  readonly pending: number
}

export interface Appended {
  readonly sequence: number
  /** Whether the stream had a message with the same id already. It has then not stored this one. */
  readonly duplicate: boolean
}

/** Requests messages of a consumer for one receiver. */
export interface Puller {
  /** Requests `count` more messages. */
  request(count: number): void
  /**
   * Ends the requests. The messages that the server has sent for them by then still arrive, before a `flush` that follows has
   * settled.
   */
  close(): void
}

export interface PullListener {
  onDelivery(delivery: Delivery): void
  /** A request has expired while `count` of its messages were missing. */
  onExpired(count: number): void
  /** The server reports that the consumer works, and has no message to deliver. */
  onHeartbeat(): void
  /** The server has ended the requests, for example because the consumer was deleted. */
  onBroken(why: string): void
}

export interface Entry {
  readonly value: Uint8Array
  readonly revision: number
}

/** A map on the server whose entries may expire. The server sends no notice when an entry expires. */
export interface Bucket {
  /** Creates an entry and returns its revision. Returns null if the key has an entry already. */
  create(key: string, value: Uint8Array): Future<number | null>
  /** Replaces an entry and returns its new revision. Returns null if the entry is not at `revision` any more. */
  update(key: string, value: Uint8Array, revision: number): Future<number | null>
  put(key: string, value: Uint8Array): Future<number>
  get(key: string): Future<Entry | null>
  /** Deletes an entry. With `revision`, deletes it only if it is still at that revision. */
  delete(key: string, revision?: number): Future<void>
  keys(): Future<string[]>
}

export interface PublishOptions {
  readonly headers?: Headers | undefined
  readonly reply?: string
}

export type BusStatus = 'connected' | 'disconnected' | 'closed'

/**
 * One connection to the message system. When it is lost, every call that waits for an answer of the server fails with
 * BusTimeout at once, and so does every such call that is made until it is back. Subscriptions survive the loss.
 */
export interface Bus {
  /** The largest size of a message in bytes, headers included. */
  readonly maxPayload: number
  readonly status: BusStatus
  /** The error that has closed the connection; null if there was none. */
  readonly closedBy: Error | null
  /** The address of the server, for messages to people. */
  readonly server: string
  onStatus(listener: (status: BusStatus) => void): () => void
  /** The Unix time in milliseconds. */
  now(): number
  /**
   * Sends a message. It may be lost, for example when the connection is.
   *
   * @throws {PayloadTooLarge} when the message is larger than the server allows; nothing was sent
   * @throws {ClusterClosed} when the bus is closed
   */
  publish(subject: string, data: Uint8Array, options?: PublishOptions): void
  /**
   * Calls `listener` for each message to `subject`. The listener must not block. With `queue`, the server gives each
   * message to only one of the subscribers with that queue. Returns a function that ends the subscription. What the server has
   * sent by then still arrives, before a `flush` that follows has settled.
   */
  subscribe(
    subject: string,
    listener: (message: BusMessage) => void,
    options?: { queue?: string },
  ): () => void
  /** Settles when the server has received everything that was sent before this call. */
  flush(): Future<void>
  openStream(settings: StreamSettings): Future<void>
  openConsumer(settings: ConsumerSettings | ReaderSettings): Future<void>
  /**
   * Stores a message in the stream that keeps `subject`. Fails with StreamFull, with PayloadTooLarge, and with BusTimeout,
   * also when no stream keeps the subject.
   */
  append(
    subject: string,
    data: Uint8Array,
    options: { id: string; headers?: Headers },
  ): Future<Appended>
  /** Deletes the message with this sequence and id. The result is false if the stream has no such message any more. */
  deleteMessage(stream: string, sequence: number, id: string): Future<boolean>
  /** Reads the headers of the message with this sequence and id. The result is null if the stream has no such message. */
  readHeaders(stream: string, sequence: number, id: string): Future<Headers | null>
  /**
   * Returns the first message, from the sequence `from` on, that the consumer takes for acknowledged, so that the server never
   * delivers it. The result is null if there is none.
   */
  overlooked(settings: ConsumerSettings, from: number): Future<StoredMessage | null>
  /** The result is null if there is no such stream. */
  streamState(stream: string): Future<StreamState | null>
  pull(stream: string, consumer: string, listener: PullListener): Puller
  /** Opens or creates a bucket. Its entries expire after `ttl` milliseconds; without `ttl`, or with Infinity, never. */
  openBucket(name: string, ttl?: number): Future<Bucket>
  /** Sends the messages that were not sent yet, and ends the connection. */
  close(): Future<void>
}

/** Makes the connection of a cluster. */
export type Connector = () => Future<Bus> | PromiseLike<Bus>
