import { getEventLoop, type TimerHandle } from '@tasktree/core'
import {
  type ConsumerSettings,
  type Headers,
  idHeader,
  type ReaderSettings,
  type StreamSettings,
  type StreamState,
} from '../bus/bus.ts'
import { StreamFull } from '../errors.ts'

/** Milliseconds for which a stream remembers the ids of its messages, as on a server. */
const duplicateWindow = 120_000

/** Returns whether a subject matches a pattern with `*` and `>`. Both were split at their dots. */
export function matches(pattern: readonly string[], subject: readonly string[]): boolean {
  for (const [i, token] of pattern.entries()) {
    if (token === '>') return subject.length > i
    if (subject[i] === undefined || (token !== '*' && token !== subject[i])) return false
  }
  return pattern.length === subject.length
}

export interface MemoryMessage {
  readonly sequence: number
  readonly subject: string
  readonly data: Uint8Array
  readonly headers: Headers
  readonly storedAt: number
}

/** Receives a message. `count` says how many times the server has delivered it, this time included. */
export type Deliver = (message: MemoryMessage, count: number) => void

/** A puller of a connection, as the server sees it. */
export interface Asker {
  readonly connection: object
}

interface Request {
  readonly asker: Asker
  readonly deliver: Deliver
  count: number
}

/** A stream of the server in memory. */
export class MemoryStream {
  settings: StreamSettings
  readonly messages: Map<number, MemoryMessage> = new Map()
  readonly #ids = new Map<string, Pick<MemoryMessage, 'sequence' | 'storedAt'>>()
  readonly #consumers = new Map<string, MemoryConsumer>()
  readonly #late: (ms: number) => number
  /** The sequence of the last message that was stored. */
  #last = 0
  /** What that sequence was when the stream became empty for the last time, and for the time before. */
  readonly #emptyAt = { last: 0, before: 0 }

  /** `late` returns the actual delay of a timer, which is longer than the intended one. */
  constructor(settings: StreamSettings, late: (ms: number) => number) {
    this.settings = settings
    this.#late = late
  }

  /** @throws {StreamFull} when the stream, or the part of it for `subject`, has no room */
  append(
    subject: string,
    data: Uint8Array,
    id: string,
    headers: Headers,
  ): { sequence: number; duplicate: boolean } {
    const now = getEventLoop().time()
    const known = this.#ids.get(id)
    if (known !== undefined && now < known.storedAt + duplicateWindow) {
      return { sequence: known.sequence, duplicate: true }
    }
    const { maxMessages = Infinity, maxPerSubject = Infinity } = this.settings
    if (this.messages.size >= maxMessages || this.#count(subject) >= maxPerSubject) {
      throw new StreamFull(subject)
    }
    const sequence = ++this.#last
    this.#ids.set(id, { sequence, storedAt: now })
    this.messages.set(sequence, { sequence, subject, data, headers, storedAt: now })
    for (const consumer of this.#consumers.values()) consumer.dispatch()
    return { sequence, duplicate: false }
  }

  /**
   * Forgets what a server forgets when it is killed: the ids of messages that were deleted, and, if the last message of the
   * stream was just deleted, the sequences since the time before when the stream was empty. It gives these sequences to new
   * messages.
   */
  forget(): void {
    for (const [id, { sequence }] of this.#ids) {
      if (!this.messages.has(sequence)) this.#ids.delete(id)
    }
    if (this.messages.size > 0) return
    this.#last = this.#emptyAt.before
    this.#emptyAt.last = this.#last
  }

  /** Whether there is a message with this sequence and id. */
  has(sequence: number, id: string | null): boolean {
    const message = this.messages.get(sequence)
    return message !== undefined && message.headers[idHeader] === id
  }

  #count(subject: string): number {
    let count = 0
    for (const message of this.messages.values()) if (message.subject === subject) count++
    return count
  }

  /** Deletes a message. Any receiver can do this, even if the server has delivered the message to another one since then. */
  delete(sequence: number): boolean {
    for (const consumer of this.#consumers.values()) consumer.forget(sequence)
    if (!this.messages.delete(sequence)) return false
    if (this.messages.size === 0) {
      this.#emptyAt.before = this.#emptyAt.last
      this.#emptyAt.last = this.#last
    }
    return true
  }

  consumer(settings: ConsumerSettings | ReaderSettings): MemoryConsumer {
    let consumer = this.#consumers.get(settings.name)
    if (consumer === undefined) {
      consumer = new MemoryConsumer(this, settings, this.#late)
      this.#consumers.set(settings.name, consumer)
    }
    return consumer
  }

  find(consumer: string): MemoryConsumer | null {
    return this.#consumers.get(consumer) ?? null
  }

  /** Drops the requests of a connection that was lost. */
  withdraw(connection: object): void {
    for (const consumer of this.#consumers.values()) consumer.withdraw(connection)
  }

  get state(): StreamState {
    let pending = 0
    for (const consumer of this.#consumers.values()) pending += consumer.pending
    return { messages: this.messages.size, pending }
  }
}

/** Delivers the messages of a stream to the pullers that request them, and again if they are not acknowledged in time. */
export class MemoryConsumer {
  readonly #stream: MemoryStream
  readonly #subject: readonly string[]
  /** Infinity for a consumer that only reads, because it needs no acknowledgements. */
  readonly #ackWait: number
  readonly #late: (ms: number) => number
  readonly #requests: Request[] = []
  /** The time of the next delivery of each message that was delivered and not acknowledged. */
  readonly #timers = new Map<number, TimerHandle>()
  readonly #counts = new Map<number, number>()
  readonly #again: number[] = []
  #next: number

  constructor(
    stream: MemoryStream,
    settings: ConsumerSettings | ReaderSettings,
    late: (ms: number) => number,
  ) {
    this.#stream = stream
    this.#subject = settings.subject.split('.')
    this.#ackWait = 'from' in settings ? Infinity : settings.ackWait
    this.#next = 'from' in settings ? settings.from : 1
    this.#late = late
  }

  get pending(): number {
    return this.#timers.size + this.#again.length
  }

  /** Returns the first message, from the sequence `from` on, that this consumer takes for acknowledged; null if there is none. */
  overlooked(from: number): MemoryMessage | null {
    const end = Math.min(this.#next, ...this.#timers.keys(), ...this.#again)
    return (
      this.#stream.messages.values().find((each) => from <= each.sequence && each.sequence < end) ??
      null
    )
  }

  request(asker: Asker, count: number, deliver: Deliver): void {
    this.#requests.push({ asker, count, deliver })
    this.dispatch()
  }

  hasRequest(asker: Asker): boolean {
    return this.#requests.some((request) => request.asker === asker)
  }

  /** Drops the requests of a puller, or of all pullers of a connection. */
  withdraw(from: Asker | Asker['connection']): void {
    for (let i = this.#requests.length - 1; i >= 0; i--) {
      const asker = this.#requests[i]?.asker
      if (asker === from || asker?.connection === from) this.#requests.splice(i, 1)
    }
  }

  dispatch(): void {
    for (let request = this.#requests[0]; request !== undefined; request = this.#requests[0]) {
      const message = this.#take()
      if (message === null) return
      if (--request.count === 0) this.#requests.shift()
      const count = (this.#counts.get(message.sequence) ?? 0) + 1
      this.#counts.set(message.sequence, count)
      if (this.#ackWait !== Infinity) this.#redeliverIn(message.sequence, this.#ackWait)
      request.deliver(message, count)
    }
  }

  #take(): MemoryMessage | null {
    for (
      let sequence = this.#again.shift();
      sequence !== undefined;
      sequence = this.#again.shift()
    ) {
      const message = this.#stream.messages.get(sequence)
      if (message !== undefined) return message
    }
    for (const message of this.#stream.messages.values()) {
      if (message.sequence < this.#next) continue
      if (!matches(this.#subject, message.subject.split('.'))) continue
      this.#next = message.sequence + 1
      return message
    }
    return null
  }

  #redeliverIn(sequence: number, ms: number): void {
    const ring = (): void => {
      this.#timers.delete(sequence)
      this.#again.push(sequence)
      this.dispatch()
    }
    const timer = getEventLoop().callLater(this.#late(ms), ring)
    this.#timers.get(sequence)?.cancel()
    this.#timers.set(sequence, timer)
  }

  nak(sequence: number, delay: number): void {
    if (this.#timers.has(sequence)) this.#redeliverIn(sequence, delay)
  }

  working(sequence: number): void {
    if (this.#timers.has(sequence)) this.#redeliverIn(sequence, this.#ackWait)
  }

  forget(sequence: number): void {
    this.#timers.get(sequence)?.cancel()
    this.#timers.delete(sequence)
    this.#counts.delete(sequence)
    const at = this.#again.indexOf(sequence)
    if (at !== -1) this.#again.splice(at, 1)
  }
}
