import { type JetStreamClient, JetStreamApiError, type JetStreamManager } from '@nats-io/jetstream'
import { Kvm } from '@nats-io/kv'
import { headers as makeHeaders, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node'
import { detached, Future } from '@tasktree/core'
import { afterDelay } from '@tasktree/core/lowlevel'
import { BusTimeout, ClusterClosed, StreamFull } from '../errors.ts'
import {
  type Appended,
  type Bucket,
  type Bus,
  type BusMessage,
  type BusStatus,
  type ConsumerSettings,
  type Headers,
  idHeader,
  type PublishOptions,
  type Puller,
  type PullListener,
  type ReaderSettings,
  type StoredMessage,
  type StreamSettings,
  type StreamState,
} from './bus.ts'
import { failDeadHandshake } from './dead-handshake.ts'
import { guarded } from './guarded.ts'
import { LazyMessage } from './lazy-message.ts'
import { checkSize } from './message-size.ts'
import { NatsBucket } from './nats-bucket.ts'
import { code, translate } from './nats-errors.ts'
import { NatsPuller } from './nats-puller.ts'
import { NatsStreams } from './nats-streams.ts'
import { readStored, Requests } from './server-requests.ts'
import { Pending } from './pending.ts'
import { ifStored, removeStored } from './stored-messages.ts'

/** Milliseconds that a server has to take what is buffered when the connection is closed. */
const drainPatience = 2_000

function toHeaders(record: Headers): MsgHdrs {
  const made = makeHeaders()
  for (const [name, value] of Object.entries(record)) made.append(name, value)
  return made
}

export class NatsBus implements Bus {
  readonly #connection: NatsConnection
  readonly #client: JetStreamClient
  readonly #manager: JetStreamManager
  readonly #streams: NatsStreams
  readonly #pending = new Pending()
  readonly #requests: Requests
  readonly #listeners = new Set<(status: BusStatus) => void>()
  #status: BusStatus = 'connected'
  #closedBy: Error | null = null

  readonly #replicas: number
  readonly #inboxPrefix: string | undefined

  constructor(
    connection: NatsConnection,
    client: JetStreamClient,
    manager: JetStreamManager,
    replicas: number,
    inboxPrefix: string | undefined,
  ) {
    this.#replicas = replicas
    this.#inboxPrefix = inboxPrefix
    this.#connection = connection
    this.#client = client
    this.#manager = manager
    this.#streams = new NatsStreams(manager, replicas)
    this.#requests = new Requests(connection, inboxPrefix)
    void this.#follow()
    void connection.closed().then((error) => {
      this.#closedBy = error instanceof Error ? error : null
      this.#report('closed')
    })
  }

  async #follow(): Promise<void> {
    for await (const { type } of this.#connection.status()) {
      if (type === 'disconnect') {
        this.#report('disconnected')
        failDeadHandshake(this.#connection)
      } else if (type === 'reconnect') this.#report('connected')
    }
  }

  #report(status: BusStatus): void {
    if (this.#status === status || this.#status === 'closed') return
    this.#status = status
    if (status === 'connected') {
      this.#pending.goOn()
      this.#requests.goOn()
    } else {
      const error =
        status === 'closed' ? new ClusterClosed() : new BusTimeout('the connection was lost')
      this.#pending.fail(error)
      this.#requests.fail(error)
    }
    for (const listener of this.#listeners) listener(status)
  }

  get status(): BusStatus {
    return this.#status
  }

  get closedBy(): Error | null {
    return this.#closedBy
  }

  get server(): string {
    return this.#connection.getServer()
  }

  get maxPayload(): number {
    return this.#connection.info?.max_payload ?? 1_048_576
  }

  now(): number {
    return Date.now()
  }

  onStatus(listener: (status: BusStatus) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  publish(subject: string, data: Uint8Array, options: PublishOptions = {}): void {
    const { headers, reply } = options
    checkSize(subject, data, headers, this.maxPayload)
    try {
      this.#connection.publish(subject, data, {
        ...(headers !== undefined && { headers: toHeaders(headers) }),
        ...(reply !== undefined && { reply }),
      })
    } catch (error) {
      throw translate(error, subject)
    }
  }

  subscribe(
    subject: string,
    listener: (message: BusMessage) => void,
    options: { queue?: string } = {},
  ): () => void {
    const subscription = this.#connection.subscribe(subject, {
      ...options,
      callback: (error, message) => {
        if (error === null) guarded(subject, listener, new NatsMessage(message))
      },
    })
    return () => {
      if (this.#connection.isClosed()) return
      // A lost connection ends the subscription too.
      subscription.drain().catch(() => {})
    }
  }

  flush(): Future<void> {
    return this.#pending.follow(() =>
      this.#connection.flush().catch((error: unknown) => {
        throw translate(error, 'a flush')
      }),
    )
  }

  openStream(settings: StreamSettings): Future<void> {
    return this.#pending.follow(() => this.#streams.open(settings))
  }

  openConsumer(settings: ConsumerSettings | ReaderSettings): Future<void> {
    return this.#pending.follow(() => this.#streams.openConsumer(settings))
  }

  append(
    subject: string,
    data: Uint8Array,
    { id, headers: given }: { id: string; headers?: Headers },
  ): Future<Appended> {
    const headers = toHeaders({ ...given, [idHeader]: id })
    try {
      checkSize(subject, data, given, this.maxPayload)
    } catch (error) {
      const refused = new Future<Appended>()
      refused.setException(error)
      return refused
    }
    return this.#requests.send({
      what: subject,
      subject,
      data,
      headers,
      read: (answer) => {
        const stored = readStored(answer)
        if (!(stored instanceof JetStreamApiError)) {
          return { sequence: stored.seq, duplicate: stored.duplicate ?? false }
        }
        throw stored.code === code.full ? new StreamFull(subject, { cause: stored }) : stored
      },
    })
  }

  deleteMessage(stream: string, sequence: number, id: string): Future<boolean> {
    const requests = this.#requests
    const remove = (): Future<boolean> => removeStored(requests, stream, sequence)
    return ifStored(requests, { stream, sequence, id }, remove, false)
  }

  readHeaders(stream: string, sequence: number, id: string): Future<Headers | null> {
    return this.#pending.follow(() => this.#streams.readHeaders(stream, sequence, id))
  }

  overlooked(settings: ConsumerSettings, from: number): Future<StoredMessage | null> {
    return this.#pending.follow(() => this.#streams.overlooked(settings, from))
  }

  streamState(stream: string): Future<StreamState | null> {
    return this.#pending.follow(() => this.#streams.state(stream))
  }

  pull(stream: string, consumer: string, listener: PullListener): Puller {
    return new NatsPuller(
      this.#connection,
      stream,
      consumer,
      this.#inboxPrefix,
      this.#requests,
      listener,
    )
  }

  openBucket(name: string, ttl: number = Infinity): Future<Bucket> {
    const options = { history: 1, replicas: this.#replicas, ...(ttl !== Infinity && { ttl }) }
    return this.#pending.follow(() =>
      new Kvm(this.#client).create(name, options).then(
        (kv) => new NatsBucket(name, kv, this.#manager.streams, this.#requests, this.#pending),
        (error: unknown) => {
          throw translate(error, `the bucket ${name}`)
        },
      ),
    )
  }

  /**
   * Ends the connection. This method uses only promises of the client and a timer that belongs to no task and no loop. So the
   * connection ends even if the caller is killed or its run ends meanwhile.
   */
  close(): Future<void> {
    // This future is not one of `#pending`, because those fail when the connection ends.
    return new Pending().follow(() => detached(() => this.#close()))
  }

  async #close(): Promise<void> {
    if (this.#status === 'closed') return
    if (this.#status === 'connected' && !this.#connection.isDraining()) await this.#drain()
    await this.#connection.close()
    this.#report('closed')
  }

  /** Waits until the server has taken what is buffered, the connection is lost, or the server has been too slow. */
  #drain(): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        stopTimer()
        stopListening()
        resolve()
      }
      const stopTimer = afterDelay(drainPatience, end)
      const stopListening = this.onStatus(end)
      this.#connection.drain().then(end, end)
    })
  }
}

class NatsMessage extends LazyMessage implements BusMessage {
  get reply(): string {
    return this.message.reply ?? ''
  }

  get isNoResponders(): boolean {
    return this.data.length === 0 && this.message.headers?.code === 503
  }
}
