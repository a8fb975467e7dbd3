/**
 * The requests of one connection: messages that the server answers, such as an append to a stream.
 *
 * The problem: the client's own `request` creates a timer, two promises and an Error for each request, which takes longer
 * than the rest of a small request.
 *
 * The idea: all requests of a connection share one subscription, and have the same time for their answers. So they expire
 * in the order in which they were made, and one timer serves them all.
 */
import { JetStreamApiError } from '@nats-io/jetstream'
import { createInbox, type Msg, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node'
import { detached, Future } from '@tasktree/core'
import { afterDelay } from '@tasktree/core/lowlevel'
import { BusTimeout, PayloadTooLarge } from '../errors.ts'
import { translate } from './nats-errors.ts'

/** Milliseconds that the server has for an answer. */
export const answerTime = 5_000

/** Room for the headers of a request, in bytes: they count as part of the message. */
const headersSize = 256

export interface Request<T> {
  /** Names the request in errors. */
  readonly what: string
  readonly subject: string
  readonly data: Uint8Array | string
  readonly headers?: MsgHdrs
  /** Makes the result of the request from the answer. If it throws, the request fails with that error. */
  readonly read: (answer: Msg) => T | Future<T>
}

interface OpenRequest {
  readonly request: Request<unknown>
  readonly future: Future<unknown>
  /** The time of `performance.now()` at which the request fails. */
  readonly expiresAt: number
}

export class Requests {
  readonly #connection: NatsConnection
  readonly #inbox: string
  readonly #open = new Map<string, OpenRequest>()
  #made = 0
  #stopTimer: (() => void) | null = null
  /** Why nothing can be sent now; null while there is a connection. */
  #lost: Error | null = null
  /** How many times the connection was lost. */
  losses = 0

  constructor(connection: NatsConnection, inboxPrefix: string | undefined) {
    this.#connection = connection
    this.#inbox = `${createInbox(inboxPrefix)}.`
    connection.subscribe(`${this.#inbox}*`, {
      callback: (error, message) => {
        if (error === null) this.#receive(message)
      },
    })
  }

  /**
   * Sends a message and returns a future of its answer. It fails with BusTimeout when the server does not answer in time,
   * or when no program takes the message. After a cancel of the future the answer is ignored; the message was sent.
   */
  send<T>(request: Request<T>): Future<T> {
    const { subject, data, headers, what } = request
    const future = new Future<T>()
    if (this.#lost !== null) {
      // The client would keep the message and send it after the reconnect, when its sender has long seen a failure.
      future.setException(this.#lost)
      return future
    }
    const limit = this.#connection.info?.max_payload ?? Infinity
    const size = data.length + (headers === undefined ? 0 : headersSize)
    if (size > limit) {
      future.setException(new PayloadTooLarge(what, size, limit))
      return future
    }
    const key = (++this.#made).toString(36)
    const reply = this.#inbox + key
    try {
      this.#connection.publish(
        subject,
        data,
        headers === undefined ? { reply } : { reply, headers },
      )
    } catch (error) {
      future.setException(translate(error, what))
      return future
    }
    const expiresAt = performance.now() + answerTime
    this.#open.set(key, { request, future, expiresAt })
    if (this.#stopTimer === null) this.#watch(answerTime)
    return future
  }

  #receive(answer: Msg): void {
    const key = answer.subject.slice(this.#inbox.length)
    const open = this.#open.get(key)
    if (open === undefined) return
    this.#open.delete(key)
    const { future, request } = open
    if (future.done()) return
    if (answer.data.length === 0 && answer.headers?.code === 503) {
      future.setException(new BusTimeout(`${request.what}: nobody takes it now`))
      return
    }
    try {
      const result = request.read(answer)
      if (result instanceof Future) forward(result, future)
      else future.setResult(result)
    } catch (error) {
      future.setException(error)
    }
  }

  #watch(ms: number): void {
    // The timer belongs to all requests, and not to the task that made the first one.
    this.#stopTimer = detached(() => afterDelay(ms, () => this.#expire()))
  }

  #expire(): void {
    this.#stopTimer = null
    for (const [key, open] of this.#open) {
      const left = open.expiresAt - performance.now()
      if (left > 0) {
        this.#watch(left)
        return
      }
      this.#open.delete(key)
      const { future, request } = open
      if (!future.done()) future.setException(new BusTimeout(request.what))
    }
  }

  /** Called when the connection is lost: fails all open requests, and every request that is made before `goOn`. */
  fail(error: Error): void {
    this.#lost = error
    this.losses++
    for (const { future } of this.#open.values()) if (!future.done()) future.setException(error)
    this.#open.clear()
    this.#stopTimer?.()
    this.#stopTimer = null
  }

  /** Called when the connection is back. */
  goOn(): void {
    this.#lost = null
  }
}

function forward(from: Future<unknown>, to: Future<unknown>): void {
  from.addDoneCallback(() => {
    // Reading the exception tells the loop that the failure was seen, also if `to` was cancelled.
    const exception = from.cancelled() ? null : from.exception()
    if (to.done()) return
    if (from.cancelled()) to.cancel()
    else if (exception !== null) to.setException(exception)
    else to.setResult(from.result())
  })
}

/** The answer of the server to a message that a stream has stored. */
export interface Stored {
  readonly seq: number
  readonly duplicate?: boolean
}

/** Returns the answer of the server to a message for a stream, or the error with which it has refused the message. */
export function readStored(answer: Msg): Stored | JetStreamApiError {
  const text = answer.json<
    Stored & { error?: ConstructorParameters<typeof JetStreamApiError>[0] }
  >()
  return text.error === undefined ? text : new JetStreamApiError(text.error)
}
