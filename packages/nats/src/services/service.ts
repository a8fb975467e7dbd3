/**
 * Gives the messages that come for a name to an actor. The callback of the subscription only sends each message on and
 * never waits, because the server cuts off a client that is slow to read.
 */
import {
  type ActorRef,
  child,
  type ChildOptions,
  type ChildSpec,
  MailboxFull,
  NoProc,
} from '@tasktree/actor'
import { createTask, ensureFuture, Future, getEventLoop } from '@tasktree/core'
import { checkCount, checkOptions, describe } from '@tasktree/core/lowlevel'
import type { Bus, BusMessage } from '../bus/bus.ts'
import { PayloadTooLarge, ResultTooLarge } from '../errors.ts'
import type { Link } from '../link/link.ts'
import { acceptedBy, type AskMessage, overloaded, readAsk } from '../wire/ask-message.ts'
import { checkName } from '../wire/names.ts'
import { encodeOutcome, type Outcome } from '../wire/outcome.ts'
import { traceparent } from '../wire/trace.ts'

export interface ServiceOptions extends ChildOptions {
  /** How many messages may be under way; further ones are answered as from a full mailbox. @defaultValue 1000 */
  maxPending?: number
}

/** Milliseconds after which the sender of an ask is told which node works on it. */
const acceptTime = 100

// oxlint-disable-next-line typescript/no-explicit-any -- a ref to any actor
type AnyRef = ActorRef<any>

/** @internal the spec of `cluster.service` */
export function serviceSpec(
  link: Link,
  name: string,
  ref: AnyRef | (() => AnyRef | null),
  options: ServiceOptions = {},
): ChildSpec {
  checkName('the name of a service', name)
  checkOptions(options)
  const { maxPending = 1_000, ...supervision } = options
  checkCount('maxPending', maxPending, 1)
  if (typeof ref !== 'function' && typeof ref?.ask !== 'function') {
    throw new TypeError(`the service ${name} needs the ref of an actor, got ${describe(ref)}`)
  }
  return child.resource(
    `service-${name}`,
    () => new Service(link, name, typeof ref === 'function' ? ref : () => ref, maxPending),
    supervision,
  )
}

type Sends = Record<string, ((...args: readonly unknown[]) => PromiseLike<unknown>) | undefined>

class Service implements AsyncDisposable {
  readonly #link: Link
  readonly #name: string
  readonly #ref: () => AnyRef | null
  readonly #maxPending: number
  readonly #open = new Set<Future<unknown>>()
  #unsubscribe: (() => void) | null = null

  constructor(link: Link, name: string, ref: () => AnyRef | null, maxPending: number) {
    this.#link = link
    this.#name = name
    this.#ref = ref
    this.#maxPending = maxPending
  }

  async start(): Promise<void> {
    const bus = await this.#link.connected()
    const subject = this.#link.names.service(this.#name)
    this.#unsubscribe = bus.subscribe(subject, (message) => this.#receive(bus, message), {
      queue: 'service',
    })
    await bus.flush()
  }

  #receive(bus: Bus, message: BusMessage): void {
    const ask = readAsk(message)
    if (ask === null) return
    if (this.#open.size >= this.#maxPending) {
      if (message.reply !== '') bus.publish(message.reply, overloaded)
      return
    }
    this.#handle(bus, message.reply, ask)
  }

  #handle(bus: Bus, reply: string, ask: AskMessage): void {
    const { controls } = this.#link
    if (ask.kind === 'ask' && controls.wasCancelled(ask.id)) return
    const sending = this.#send(ask)
    const answers = ask.kind !== 'tell' && reply !== ''
    const accept = answers
      ? getEventLoop().callLater(acceptTime, () => {
          if (bus.status === 'connected') bus.publish(reply, acceptedBy(this.#link.node))
        })
      : null
    this.#open.add(sending)
    if (ask.kind === 'ask') controls.expect(ask.id, () => sending.cancel('cancelled by its sender'))
    sending.addDoneCallback(() => {
      this.#open.delete(sending)
      controls.forget(ask.id)
      accept?.cancel()
      if (sending.cancelled()) return
      const error = sending.exception()
      if (!answers || bus.status !== 'connected') return
      const outcome: Outcome =
        error === null ? { kind: 'value', value: sending.result() } : { kind: 'error', error }
      this.#answer(bus, reply, ask, outcome)
    })
  }

  /** Gives the message to the actor. */
  #send(ask: AskMessage): Future<unknown> {
    const send = (): PromiseLike<unknown> => {
      const args = this.#link.codec.decode(ask.body) as readonly unknown[]
      const ref = this.#ref()
      if (ref === null) throw new NoProc(this.#name)
      const sends = (ask.kind === 'ask' ? ref.ask({ timeout: ask.timeout }) : ref.tell) as Sends
      const method = sends[ask.method]
      if (typeof method !== 'function') {
        throw new TypeError(`the service ${this.#name} has no message ${ask.method}`)
      }
      return Reflect.apply(method, sends, args)
    }
    if (ask.traceparent !== null) {
      return createTask(async () => {
        traceparent.set(ask.traceparent)
        return send()
      })
    }
    try {
      return ensureFuture(send())
    } catch (error) {
      const failed = new Future<unknown>()
      failed.setException(error)
      return failed
    }
  }

  #answer(bus: Bus, reply: string, ask: AskMessage, outcome: Outcome): void {
    if (outcome.kind === 'error' && outcome.error instanceof MailboxFull) {
      bus.publish(reply, overloaded)
      return
    }
    const { codec } = this.#link
    try {
      bus.publish(reply, encodeOutcome(outcome, codec))
    } catch (cause) {
      const what = `${this.#name}.${ask.method}`
      const error =
        cause instanceof PayloadTooLarge
          ? new ResultTooLarge(what, cause.size, cause.limit)
          : new TypeError(`the reply of ${what} cannot be sent`, { cause })
      bus.publish(reply, encodeOutcome({ kind: 'error', error }, codec))
    }
  }

  /** Takes no more messages, and lets those that have come be answered. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#link.status !== 'idle') this.#unsubscribe?.()
    await Promise.allSettled(this.#open)
  }
}
