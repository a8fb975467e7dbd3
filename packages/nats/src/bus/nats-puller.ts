/**
 * Pulls the messages of a consumer.
 *
 * The problem: a worker needs exactly one message for each job that it has room for. The client's `consume` requests a
 * fixed number of messages ahead, and its `fetch` makes a subscription for each request.
 *
 * The idea: this file uses the protocol of JetStream's pull requests directly. A request names an inbox and a number of
 * messages. The server answers with messages, with heartbeats while it has none, and with a status when the request ends early.
 */
import {
  createInbox,
  type Msg,
  nanos,
  type NatsConnection,
  type Subscription,
} from '@nats-io/transport-node'
import type { Future } from '@tasktree/core'
import { completed } from '@tasktree/core/lowlevel'
import { type Delivery, type Headers, idHeader, type Puller, type PullListener } from './bus.ts'
import { guarded } from './guarded.ts'
import { fromHeaders, LazyMessage } from './lazy-message.ts'
import type { Requests } from './server-requests.ts'
import { ifStored, removeStored } from './stored-messages.ts'

/**
 * The longest delay of a message that is given back: 30 days. The server reads a delay as a whole number of nanoseconds in
 * 64 bits. It ignores any other number, and delivers the message again at once.
 */
const longestDelay = 2_592_000_000

/** Milliseconds after which the server ends a request. */
const expires = 30_000
/** Milliseconds between the heartbeats of the server. */
const heartbeat = 5_000

const status = { heartbeat: 100, noMessages: 404, expired: 408, ended: 409 } as const

export class NatsPuller implements Puller {
  readonly #connection: NatsConnection
  readonly #requests: Requests
  readonly #subject: string
  readonly #inbox: string
  readonly #listener: PullListener
  readonly #subscription: Subscription
  readonly #body = { expires: nanos(expires), idle_heartbeat: nanos(heartbeat) }

  constructor(
    connection: NatsConnection,
    stream: string,
    consumer: string,
    inboxPrefix: string | undefined,
    requests: Requests,
    listener: PullListener,
  ) {
    this.#inbox = createInbox(inboxPrefix)
    this.#connection = connection
    this.#requests = requests
    this.#subject = `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`
    this.#listener = listener
    this.#subscription = connection.subscribe(this.#inbox, {
      callback: (error, message) => {
        if (error === null) guarded(this.#inbox, (each) => this.#receive(each), message)
      },
    })
  }

  request(count: number): void {
    const body = JSON.stringify({ ...this.#body, batch: count })
    this.#connection.publish(this.#subject, body, { reply: this.#inbox })
  }

  #receive(message: Msg): void {
    const code = message.headers?.code ?? 0
    if (code === 0 || message.reply?.startsWith('$JS.ACK.') === true) {
      this.#listener.onDelivery(new NatsDelivery(this.#connection, this.#requests, message))
    } else if (code === status.heartbeat) {
      this.#listener.onHeartbeat()
    } else if (code === status.expired || code === status.noMessages) {
      this.#listener.onExpired(Number(message.headers?.get('Nats-Pending-Messages') || 0))
    } else {
      this.#listener.onBroken(`${code} ${message.headers?.description ?? ''}`.trim())
    }
  }

  /**
   * The server drops a request as soon as nobody is subscribed to its inbox. If it was about to send a message then, it keeps
   * the message for the next request.
   */
  close(): void {
    if (this.#connection.isClosed()) return
    // A lost connection ends the subscription too.
    this.#subscription.drain().catch(() => {})
  }
}

const ackText = '+ACK'
const workingText = '+WPI'
const termText = '+TERM'

class NatsDelivery extends LazyMessage implements Delivery {
  readonly #connection: NatsConnection
  readonly #requests: Requests
  readonly count: number
  readonly sequence: number
  readonly storedAt: number
  readonly #stream: string
  /** How many times the connection had been lost when it brought the message. */
  readonly #losses: number
  /** Whether a request that deletes the message was sent. */
  #wasDeleted = false

  constructor(connection: NatsConnection, requests: Requests, message: Msg) {
    super(message)
    this.#requests = requests
    this.#connection = connection
    this.#losses = requests.losses
    // $JS.ACK.[domain.account.]stream.consumer.count.sequence.consumer sequence.nanoseconds.pending[.random]
    const tokens = (message.reply ?? '').split('.')
    const at = tokens.length === 9 ? 4 : 6
    this.#stream = tokens[at - 2] ?? ''
    this.count = Number(tokens[at])
    this.sequence = Number(tokens[at + 1])
    this.storedAt = Math.floor(Number(tokens[at + 3]) / 1e6)
  }

  get headers(): Headers {
    return fromHeaders(this.message.headers)
  }

  ack(): Future<void> {
    const { reply = '' } = this.message
    const what = 'an acknowledgement'
    return this.#ifMine<void>(
      () => this.#requests.send({ what, subject: reply, data: ackText, read: () => {} }),
      undefined,
    )
  }

  remove(): Future<boolean> {
    return this.#ifMine(() => removeStored(this.#requests, this.#stream, this.sequence), false)
  }

  /**
   * Sends a request that deletes the message, unless the sequence may name another message by now. `otherwise` is the result
   * if it does.
   */
  #ifMine<T>(request: () => Future<T>, otherwise: T): Future<T> {
    const isMine = !this.#wasDeleted && this.#requests.losses === this.#losses
    this.#wasDeleted = true
    if (isMine) return request()
    const id = this.header(idHeader)
    if (id === null) return completed(otherwise)
    const message = { stream: this.#stream, sequence: this.sequence, id }
    return ifStored(this.#requests, message, request, otherwise)
  }

  nak(delay?: number): void {
    const text =
      delay === undefined
        ? ''
        : ` ${JSON.stringify({ delay: Math.floor(nanos(Math.min(delay, longestDelay))) })}`
    this.#respond(`-NAK${text}`)
  }

  working(): void {
    this.#respond(workingText)
  }

  term(): void {
    const asked = this.#ifMine<void>(() => {
      this.#respond(termText)
      return completed(undefined)
    }, undefined)
    // If the check fails, the server delivers the message again.
    asked.addDoneCallback(() => void (asked.cancelled() || asked.exception()))
  }

  #respond(text: string): void {
    const { reply = '' } = this.message
    try {
      this.#connection.publish(reply, text)
    } catch {
      // The connection has ended, so the server will deliver the message again.
    }
  }
}
