import {
  AckPolicy,
  DeliverPolicy,
  DiscardPolicy,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
} from '@nats-io/jetstream'
import { nanos } from '@nats-io/transport-node'
import {
  type ConsumerSettings,
  type Headers,
  idHeader,
  type ReaderSettings,
  type StoredMessage,
  type StreamSettings,
  type StreamState,
} from './bus.ts'
import { fromHeaders } from './lazy-message.ts'
import { code, isRefusal, translate } from './nats-errors.ts'

/** Milliseconds for which a stream remembers the ids of its messages. */
const duplicateWindow = 120_000
/** Milliseconds without a pull after which the server deletes a consumer that only reads. */
const readerPatience = 300_000

/** Makes the streams and consumers on the server, and reads what is in them. */
export class NatsStreams {
  readonly #manager: JetStreamManager
  readonly #replicas: number

  constructor(manager: JetStreamManager, replicas: number) {
    this.#manager = manager
    this.#replicas = replicas
  }

  async open(settings: StreamSettings): Promise<void> {
    const { name, maxMessages, maxPerSubject } = settings
    const { streams } = this.#manager
    const limits = {
      ...(maxMessages !== undefined && { max_msgs: maxMessages }),
      ...(maxPerSubject !== undefined && { max_msgs_per_subject: maxPerSubject }),
    }
    let overlapped = false
    for (;;) {
      try {
        const { config } = await streams.info(name)
        const isSame =
          (maxMessages ?? config.max_msgs) === config.max_msgs &&
          (maxPerSubject ?? config.max_msgs_per_subject) === config.max_msgs_per_subject
        if (!isSame) await streams.update(name, limits)
        return
      } catch (error) {
        if (!isRefusal(error, code.noStream)) throw translate(error, `the stream ${name}`)
      }
      try {
        await this.#addStream(settings, limits)
        return
      } catch (error) {
        // Another program has created the stream meanwhile, with other limits. While the server is creating it, it may answer that
        // the subjects of the two overlap. If there is still no stream of this name then, the subjects are those of another stream.
        const overlaps: boolean = isRefusal(error, code.subjectsOverlap) && !overlapped
        if (!overlaps && !isRefusal(error, code.streamNameInUse))
          throw translate(error, `the stream ${name}`)
        overlapped = overlaps
      }
    }
  }

  async #addStream(
    { name, subjects, retention, maxPerSubject, maxAge }: StreamSettings,
    limits: object,
  ): Promise<void> {
    const refuses = maxPerSubject !== undefined
    await this.#manager.streams.add({
      name,
      subjects: [...subjects],
      retention: retention === 'work' ? RetentionPolicy.Workqueue : RetentionPolicy.Limits,
      storage: StorageType.File,
      num_replicas: this.#replicas,
      discard: retention === 'work' || refuses ? DiscardPolicy.New : DiscardPolicy.Old,
      discard_new_per_subject: refuses,
      duplicate_window: nanos(duplicateWindow),
      ...limits,
      ...(maxAge !== undefined && { max_age: nanos(maxAge) }),
    })
  }

  async openConsumer(settings: ConsumerSettings | ReaderSettings): Promise<void> {
    const { stream, name, subject } = settings
    const config =
      'from' in settings
        ? {
            name,
            filter_subject: subject,
            ack_policy: AckPolicy.None,
            deliver_policy: DeliverPolicy.StartSequence,
            opt_start_seq: settings.from,
            inactive_threshold: nanos(readerPatience),
            mem_storage: true,
          }
        : {
            durable_name: name,
            filter_subject: subject,
            ack_policy: AckPolicy.Explicit,
            ack_wait: nanos(settings.ackWait),
            max_ack_pending: -1,
            max_deliver: -1,
          }
    try {
      await this.#manager.consumers.add(stream, config)
    } catch (error) {
      throw translate(error, `the consumer ${name} of ${stream}`)
    }
  }

  async readHeaders(stream: string, sequence: number, id: string): Promise<Headers | null> {
    try {
      const message = await this.#manager.streams.getMessage(stream, { seq: sequence })
      const headers = fromHeaders(message?.header)
      return headers[idHeader] === id ? headers : null
    } catch (error) {
      if (isRefusal(error, code.noMessage) || isRefusal(error, code.noStream)) return null
      throw translate(error, `message ${sequence} of ${stream}`)
    }
  }

  async overlooked(
    { stream, name, subject }: ConsumerSettings,
    from: number,
  ): Promise<StoredMessage | null> {
    const { consumers, streams } = this.#manager
    try {
      // The consumer is read before the message. Otherwise a message that is acknowledged in between would look like a message
      // that was overlooked.
      const { ack_floor: floor } = await consumers.info(stream, name)
      const next = { seq: from, next_by_subj: subject }
      const found = await streams.getMessage(stream, next)
      if (found === null || found.seq > floor.stream_seq) return null
      const { seq: sequence, data, header: headers } = found
      const header = (key: string): string | null => (headers.has(key) ? headers.get(key) : null)
      return { sequence, subject, data, header }
    } catch (error) {
      if (isRefusal(error, code.noStream) || isRefusal(error, code.noConsumer)) return null
      throw translate(error, `the consumer ${name} of ${stream}`)
    }
  }

  async state(stream: string): Promise<StreamState | null> {
    try {
      const { state } = await this.#manager.streams.info(stream)
      let pending = 0
      for await (const consumer of this.#manager.consumers.list(stream)) {
        pending += consumer.num_ack_pending
      }
      return { messages: state.messages, pending }
    } catch (error) {
      if (isRefusal(error, code.noStream)) return null
      throw translate(error, `the stream ${stream}`)
    }
  }
}
