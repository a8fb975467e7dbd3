/**
 * A message server in the memory of one program, for tests in virtual time. It behaves like NATS in everything that makes
 * NATS hard to use:
 *
 * - A message takes time, and is lost if the connection is lost meanwhile.
 * - A message that was not acknowledged in time is delivered again.
 * - Any receiver of a message can acknowledge it, even if the server has delivered it to another receiver since then.
 * - Entries of buckets expire without notice.
 * - Timers of the server are late, by different amounts.
 *
 * With the same seed, and nodes of the same names, everything happens in the same order.
 */
import { Future, getEventLoop } from '@tasktree/core'
import { checkDuration, checkOptions } from '@tasktree/core/lowlevel'
import {
  type BusMessage,
  type Connector,
  type Headers,
  idHeader,
  type StreamSettings,
} from '../bus/bus.ts'
import { StreamFull } from '../errors.ts'
import { MemoryBus } from './memory-bus.ts'
import { matches, MemoryStream } from './memory-stream.ts'

export interface MemoryServerOptions {
  /** The seed of the random numbers for the delays of messages and timers. @defaultValue 0 */
  seed?: number
  /** The longest time that a message takes in one direction, in milliseconds. @defaultValue 5 */
  latency?: number
  /** The largest size of a message, in bytes. @defaultValue 1048576 */
  maxPayload?: number
}

interface Subscription {
  readonly bus: MemoryBus
  readonly tokens: readonly string[]
  readonly queue: string | null
  readonly listener: (message: BusMessage) => void
}

interface BucketEntry {
  readonly value: Uint8Array
  readonly revision: number
  readonly expiresAt: number
}

export interface MemoryBucketState {
  readonly ttl: number
  readonly entries: Map<string, BucketEntry>
}

/**
 * A server in the memory of the process, for tests in virtual time. It delays each message at random; a seed repeats
 * the delays.
 *
 * @example
 *     import { runVirtual } from '@tasktree/core/testing'
 *     import { connect } from '@tasktree/nats'
 *
 *     await runVirtual(async () => {
 *       const { connector } = new MemoryServer({ seed: 7 }) // a seed repeats the same delays
 *       const client = await connect({ connector })
 *       console.log(client.status) // connected
 *       await client[Symbol.asyncDispose]()
 *     })
 */
export class MemoryServer {
  readonly maxPayload: number
  readonly #latency: number
  readonly #subscriptions = new Set<Subscription>()
  readonly #streams = new Map<string, MemoryStream>()
  readonly #buckets = new Map<string, MemoryBucketState>()
  readonly #buses: MemoryBus[] = []
  #random: number
  #revision = 0
  #published = 0

  /**
   * @throws {TypeError} when an option is of a wrong type; the message names the option
   * @throws {RangeError} when an option is out of range
   */
  constructor(options: MemoryServerOptions = {}) {
    checkOptions(options)
    const { seed = 0, latency = 5, maxPayload = 1_048_576 } = options
    checkDuration('latency', latency)
    this.#random = (seed ^ 0x9e37_79b9) >>> 0
    this.#latency = latency
    this.maxPayload = maxPayload
  }

  /** The option `connector` for a cluster. Each call makes a new connection. */
  get connector(): Connector {
    return () => {
      const bus = new MemoryBus(this)
      this.#buses.push(bus)
      const made = new Future<MemoryBus>()
      made.setResult(bus)
      return made
    }
  }

  /**
   * Does what a kill and a new start of a server do. All connections are lost; `restore()` of a connection brings it back. The
   * server forgets the ids of messages that are not in a stream any more, and the latest sequences of a stream that is empty.
   */
  restart(): void {
    for (const bus of this.#buses) bus.cut()
    for (const stream of this.#streams.values()) stream.forget()
  }

  /** The connections in the order in which they were made. */
  get connections(): readonly MemoryBus[] {
    return this.#buses
  }

  /** Returns the next random number from 0 to 1. The seed determines the numbers. */
  random(): number {
    // This is the generator Mulberry32.
    this.#random = (this.#random + 0x6d2b_79f5) >>> 0
    let mixed = Math.imul(this.#random ^ (this.#random >>> 15), 1 | this.#random)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** Returns how many milliseconds the next message takes. */
  delay(): number {
    return this.random() * this.#latency
  }

  readonly #late = (ms: number): number => ms + this.delay()

  subscribe(
    bus: MemoryBus,
    subject: string,
    queue: string | null,
    listener: (message: BusMessage) => void,
  ): () => void {
    const subscription = { bus, tokens: subject.split('.'), queue, listener }
    this.#subscriptions.add(subscription)
    return () => void this.#subscriptions.delete(subscription)
  }

  publish(
    from: MemoryBus,
    subject: string,
    data: Uint8Array,
    headers: Headers,
    reply: string,
  ): void {
    this.#store(subject, data, headers)
    const tokens = subject.split('.')
    const groups = new Map<string, Subscription[]>()
    for (const subscription of this.#subscriptions) {
      if (!subscription.bus.isReachable || !matches(subscription.tokens, tokens)) continue
      const group = subscription.queue ?? `alone ${groups.size}`
      groups.set(group, [...(groups.get(group) ?? []), subscription])
    }
    if (groups.size === 0 && reply !== '') {
      this.#answerNobody(from, reply)
      return
    }
    for (const group of groups.values()) {
      const chosen = group[Math.floor(this.random() * group.length)] as Subscription
      chosen.bus.toClient(() => chosen.listener(makeMessage(subject, data, headers, reply, false)))
    }
  }

  /** Stores a message in the stream that keeps `subject`, if there is one. If the stream is full, the message is lost. */
  #store(subject: string, data: Uint8Array, headers: Headers): void {
    try {
      const id = headers[idHeader] ?? `published ${++this.#published}`
      this.streamOf(subject)?.append(subject, data, id, headers)
    } catch (error) {
      if (!(error instanceof StreamFull)) throw error
    }
  }

  #answerNobody(from: MemoryBus, reply: string): void {
    for (const { bus, tokens, listener } of this.#subscriptions) {
      if (bus !== from || !matches(tokens, reply.split('.'))) continue
      bus.toClient(() => listener(makeMessage(reply, new Uint8Array(0), {}, '', true)))
    }
  }

  openStream(settings: StreamSettings): void {
    const stream = this.#streams.get(settings.name)
    if (stream === undefined) {
      this.#streams.set(settings.name, new MemoryStream(settings, this.#late))
    } else {
      const { maxMessages = stream.settings.maxMessages } = settings
      const { maxPerSubject = stream.settings.maxPerSubject } = settings
      stream.settings = {
        ...stream.settings,
        maxMessages,
        ...(maxPerSubject !== undefined && { maxPerSubject }),
      }
    }
  }

  stream(name: string): MemoryStream | null {
    return this.#streams.get(name) ?? null
  }

  /** Returns the stream that keeps the messages to `subject`. */
  streamOf(subject: string): MemoryStream | null {
    const tokens = subject.split('.')
    for (const stream of this.#streams.values()) {
      if (stream.settings.subjects.some((each) => matches(each.split('.'), tokens))) return stream
    }
    return null
  }

  bucket(name: string, ttl: number): MemoryBucketState {
    let bucket = this.#buckets.get(name)
    if (bucket === undefined) this.#buckets.set(name, (bucket = { ttl, entries: new Map() }))
    return bucket
  }

  /** Returns the entry of a key, unless it has expired. */
  entry(bucket: MemoryBucketState, key: string): BucketEntry | null {
    const entry = bucket.entries.get(key)
    if (entry === undefined) return null
    if (entry.expiresAt > getEventLoop().time()) return entry
    bucket.entries.delete(key)
    return null
  }

  write(bucket: MemoryBucketState, key: string, value: Uint8Array): number {
    const revision = ++this.#revision
    const expiresAt = getEventLoop().time() + this.#late(bucket.ttl)
    bucket.entries.set(key, { value, revision, expiresAt })
    return revision
  }

  /** Drops the requests for messages of a connection. */
  disconnected(bus: MemoryBus): void {
    for (const stream of this.#streams.values()) stream.withdraw(bus)
  }

  forgetSubscriptions(bus: MemoryBus): void {
    for (const each of this.#subscriptions) if (each.bus === bus) this.#subscriptions.delete(each)
  }
}

function makeMessage(
  subject: string,
  data: Uint8Array,
  headers: Headers,
  reply: string,
  isNoResponders: boolean,
): BusMessage {
  return { subject, data, reply, isNoResponders, header: (name) => headers[name] ?? null }
}
