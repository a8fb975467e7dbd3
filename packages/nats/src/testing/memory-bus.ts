import { Future, getEventLoop, type Handle } from '@tasktree/core'
import { completed } from '@tasktree/core/lowlevel'
import {
  type Appended,
  type Bucket,
  type Bus,
  type BusMessage,
  type BusStatus,
  type ConsumerSettings,
  type Delivery,
  type Entry,
  type Headers,
  idHeader,
  type PublishOptions,
  type Puller,
  type PullListener,
  type ReaderSettings,
  type StoredMessage,
  type StreamSettings,
  type StreamState,
} from '../bus/bus.ts'
import { checkSize } from '../bus/message-size.ts'
import { BusTimeout, ClusterClosed } from '../errors.ts'
import type { MemoryBucketState, MemoryServer } from './memory-server.ts'
import type { MemoryConsumer, MemoryMessage, MemoryStream } from './memory-stream.ts'

/** Milliseconds between the heartbeats of a consumer. */
const heartbeat = 5_000

/** One direction of a connection. */
class Way {
  /** The messages that have not arrived, the oldest first. */
  readonly messages: (() => void)[] = []
  /** When the last of them arrives. */
  lastAt = 0
}

/**
 * One connection to a MemoryServer. Its methods produce faults: `cut`, `restore`, `kill`, `isStalled`.
 *
 * @example
 *     import { connect } from '@tasktree/nats'
 *
 *     const server = new MemoryServer()
 *     await using client = await connect({ connector: server.connector })
 *     server.connections[0]?.cut() // the network fails
 *     console.log(client.status) // disconnected
 *     server.connections[0]?.restore()
 */
export class MemoryBus implements Bus {
  readonly server: string = 'memory'
  readonly closedBy: Error | null = null
  readonly #home: MemoryServer
  readonly #listeners = new Set<(status: BusStatus) => void>()
  readonly #waiting = new Set<Future<unknown>>()
  #status: BusStatus = 'connected'
  /** How many times the connection was lost or restored. A message from before such a change does not arrive after it. */
  #epoch = 0
  #up = new Way()
  #down = new Way()
  /** While this is true, the server drops this connection's requests for messages without an error. */
  #isStalled = false

  /** @internal made by a MemoryServer */
  constructor(home: MemoryServer) {
    this.#home = home
  }

  get maxPayload(): number {
    return this.#home.maxPayload
  }

  get status(): BusStatus {
    return this.#status
  }

  get isReachable(): boolean {
    return this.#status === 'connected'
  }

  now(): number {
    return getEventLoop().time()
  }

  onStatus(listener: (status: BusStatus) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Cuts the connection. All messages that are on their way, in both directions, are lost. */
  cut(): void {
    if (this.#status === 'connected') this.#change('disconnected')
  }

  /** Restores the connection and its subscriptions. */
  restore(): void {
    if (this.#status === 'disconnected') this.#change('connected')
  }

  /** Acts as if the program of this connection had died: no message from it or to it arrives any more. */
  kill(): void {
    this.cut()
    this.#home.forgetSubscriptions(this)
  }

  get isStalled(): boolean {
    return this.#isStalled
  }

  set isStalled(isStalled: boolean) {
    this.#isStalled = isStalled
    if (isStalled) this.#home.disconnected(this)
  }

  #change(status: BusStatus): void {
    this.#status = status
    this.#epoch++
    this.#up = new Way()
    this.#down = new Way()
    this.#home.disconnected(this)
    if (status !== 'connected') {
      const error = new BusTimeout('the connection was lost')
      for (const waiting of this.#waiting) if (!waiting.done()) waiting.setException(error)
      this.#waiting.clear()
    }
    for (const listener of this.#listeners) listener(status)
  }

  #toServer(act: () => void): void {
    this.#carry(this.#up, act)
  }

  toClient(act: () => void): void {
    this.#carry(this.#down, act)
  }

  /** Calls of `act` keep the order in which they were made, as on a TCP connection. */
  #carry(way: Way, act: () => void): void {
    const epoch = this.#epoch
    const loop = getEventLoop()
    way.lastAt = Math.max(way.lastAt, loop.time() + this.#home.delay())
    way.messages.push(act)
    // With a seed, the loop runs timers of the same time in any order. So each timer lets the oldest message arrive.
    const arrival: Handle = loop.callAt(way.lastAt, () => {
      const arrive = way.messages.shift()
      if (this.#epoch === epoch) arrive?.()
    })
    void arrival
  }

  /** Calls `work` at the server, and returns a future of its outcome. */
  #request<T>(work: () => T): Future<T> {
    const answer = new Future<T>()
    if (this.#status !== 'connected') {
      answer.setException(
        this.#status === 'closed' ? new ClusterClosed() : new BusTimeout('there is no connection'),
      )
      return answer
    }
    this.#waiting.add(answer)
    answer.addDoneCallback(() => this.#waiting.delete(answer))
    this.#toServer(() => {
      let settle: () => void
      try {
        const value = work()
        settle = () => answer.setResult(value)
      } catch (error) {
        settle = () => answer.setException(error)
      }
      this.toClient(() => {
        if (!answer.done()) settle()
      })
    })
    return answer
  }

  publish(subject: string, data: Uint8Array, options: PublishOptions = {}): void {
    checkSize(subject, data, options.headers, this.maxPayload)
    if (this.#status === 'closed') throw new ClusterClosed()
    const { headers = {}, reply = '' } = options
    this.#toServer(() => this.#home.publish(this, subject, data, headers, reply))
  }

  subscribe(
    subject: string,
    listener: (message: BusMessage) => void,
    options: { queue?: string } = {},
  ): () => void {
    return this.#home.subscribe(this, subject, options.queue ?? null, listener)
  }

  flush(): Future<void> {
    return this.#request(() => {})
  }

  openStream(settings: StreamSettings): Future<void> {
    return this.#request(() => this.#home.openStream(settings))
  }

  openConsumer(settings: ConsumerSettings | ReaderSettings): Future<void> {
    return this.#request(() => void this.#home.stream(settings.stream)?.consumer(settings))
  }

  append(
    subject: string,
    data: Uint8Array,
    options: { id: string; headers?: Headers },
  ): Future<Appended> {
    return this.#request(() => {
      checkSize(subject, data, options.headers, this.maxPayload)
      const stream = this.#home.streamOf(subject)
      if (stream === null) throw new BusTimeout(`no stream keeps ${subject}`)
      const { id, headers } = options
      return stream.append(subject, data, id, { ...headers, [idHeader]: id })
    })
  }

  deleteMessage(name: string, sequence: number, id: string): Future<boolean> {
    return this.#request(() => {
      const stream = this.#home.stream(name)
      return stream?.has(sequence, id) === true && stream.delete(sequence)
    })
  }

  readHeaders(name: string, sequence: number, id: string): Future<Headers | null> {
    return this.#request(() => {
      const stream = this.#home.stream(name)
      return stream?.has(sequence, id) === true
        ? (stream.messages.get(sequence)?.headers ?? null)
        : null
    })
  }

  overlooked({ stream, name }: ConsumerSettings, from: number): Future<StoredMessage | null> {
    return this.#request(() => {
      const message = this.#home.stream(stream)?.find(name)?.overlooked(from) ?? null
      return message && { ...message, header: (key) => message.headers[key] ?? null }
    })
  }

  streamState(stream: string): Future<StreamState | null> {
    return this.#request(() => this.#home.stream(stream)?.state ?? null)
  }

  pull(streamName: string, consumer: string, listener: PullListener): Puller {
    const asker = { connection: this }
    let isOpen = true
    const find = (): MemoryConsumer | null => this.#home.stream(streamName)?.find(consumer) ?? null
    // The server sends heartbeats while it has a request.
    const tick = (): void => {
      if (find()?.hasRequest(asker) === true) {
        this.toClient(() => {
          if (isOpen) listener.onHeartbeat()
        })
      }
      beat = getEventLoop().callLater(heartbeat, tick)
    }
    let beat = getEventLoop().callLater(heartbeat, tick)
    return {
      request: (count) =>
        this.#toServer(() => {
          const stream = this.#home.stream(streamName)
          if (stream === null || this.#isStalled) return
          find()?.request(asker, count, (message, times) =>
            this.toClient(() =>
              listener.onDelivery(this.#delivery(stream, consumer, message, times)),
            ),
          )
        }),
      close: () => {
        isOpen = false
        beat.cancel()
        this.#toServer(() => find()?.withdraw(asker))
      },
    }
  }

  #delivery(
    stream: MemoryStream,
    consumerName: string,
    message: MemoryMessage,
    count: number,
  ): Delivery {
    const consumer = stream.find(consumerName)
    const { sequence, data, headers, storedAt } = message
    const epoch = this.#epoch
    let wasDeleted = false
    // The sequence may name another message after the connection was lost.
    const remove = (): (() => boolean) => {
      const isMine = !wasDeleted && this.#epoch === epoch
      wasDeleted = true
      const id = headers[idHeader] ?? null
      return () => (isMine || stream.has(sequence, id)) && stream.delete(sequence)
    }
    return {
      subject: message.subject,
      data,
      headers,
      header: (name) => headers[name] ?? null,
      count,
      sequence,
      storedAt,
      ack: () => {
        const ack = remove()
        return this.#request(() => void ack())
      },
      nak: (delay = 0) => this.#toServer(() => consumer?.nak(sequence, delay)),
      working: () => this.#toServer(() => consumer?.working(sequence)),
      term: () => this.#toServer(remove()),
      remove: () => this.#request(remove()),
    }
  }

  openBucket(name: string, ttl: number = Infinity): Future<Bucket> {
    return this.#request(() => this.#bucket(this.#home.bucket(name, ttl)))
  }

  #bucket(bucket: MemoryBucketState): Bucket {
    const home = this.#home
    const write = (key: string, value: Uint8Array): number => {
      checkSize(key, value, undefined, this.maxPayload)
      return home.write(bucket, key, value)
    }
    return {
      create: (key, value) =>
        this.#request(() => (home.entry(bucket, key) === null ? write(key, value) : null)),
      update: (key, value, revision) =>
        this.#request(() =>
          home.entry(bucket, key)?.revision === revision ? write(key, value) : null,
        ),
      put: (key, value) => this.#request(() => write(key, value)),
      get: (key) =>
        this.#request((): Entry | null => {
          const entry = home.entry(bucket, key)
          return entry === null ? null : { value: entry.value, revision: entry.revision }
        }),
      delete: (key, revision) =>
        this.#request(() => {
          if (revision !== undefined && home.entry(bucket, key)?.revision !== revision) return
          bucket.entries.delete(key)
        }),
      keys: () =>
        this.#request(() =>
          [...bucket.entries.keys()].filter((key) => home.entry(bucket, key) !== null),
        ),
    }
  }

  close(): Future<void> {
    if (this.#status !== 'closed') {
      this.#change('closed')
      this.#home.forgetSubscriptions(this)
    }
    return completed(undefined)
  }
}
