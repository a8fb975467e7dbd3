/**
 * Gives the messages for a name to an actor. The callback of the subscription starts the handling of each message and does
 * not wait for it, because the server disconnects a client that reads slowly.
 */
import { child, type ChildOptions, type ChildSpec, NoProc } from '@tasktree/actor'
import { type Future, getEventLoop, wait } from '@tasktree/core'
import { checkCount, checkOptions, describe } from '@tasktree/core/lowlevel'
import type { Bus, BusMessage } from '../bus/bus.ts'
import { endSubscription } from '../link/end-subscription.ts'
import type { Link } from '../link/link.ts'
import { acceptedBy, type AskMessage, overloaded, readAsk } from '../wire/ask-message.ts'
import { checkName, token } from '../wire/names.ts'
import type { Outcome } from '../wire/outcome.ts'
import { readable } from '../wire/readable.ts'
import { answer, type AnyRef, forward } from './forward.ts'

export interface ServiceOptions extends ChildOptions {
  /**
   * How many messages are handled at the same time. Further messages are answered as if the mailbox were full.
   * @defaultValue 1000
   */
  maxPending?: number
}

/** After this many milliseconds the sender of an ask is told which node handles it. */
const acceptTime = 100

/**
 * Returns the timeout rounded up to 100 milliseconds. The actor keeps a list for each different timeout, so there should be
 * few of them. The sender itself ends an ask exactly at its time, so here it is enough that a message is not handled long
 * after that.
 */
function roundUp(timeout: number): number {
  return Math.ceil(timeout / 100) * 100
}

/** @internal makes the child spec that `cluster.service` returns */
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
  if (typeof ref !== 'function') checkRef(name, ref)
  return child.resource(
    `service-${token(name)}`,
    () => new Service(link, name, typeof ref === 'function' ? ref : () => ref, maxPending),
    supervision,
  )
}

/** @throws {TypeError} when `ref` is not the ref of an actor */
function checkRef(name: string, ref: AnyRef): void {
  if (typeof (ref as AnyRef | undefined)?.ask === 'function') return
  throw new TypeError(`the service ${name} needs the ref of an actor, got ${describe(ref)}`)
}

class Service implements AsyncDisposable {
  readonly #link: Link
  readonly #name: string
  readonly #ref: () => AnyRef | null
  readonly #maxPending: number
  readonly #open = new Set<Future<unknown>>()
  #bus: Bus | null = null
  #unsubscribe: (() => void) | null = null

  constructor(link: Link, name: string, ref: () => AnyRef | null, maxPending: number) {
    this.#link = link
    this.#name = name
    this.#ref = ref
    this.#maxPending = maxPending
  }

  async start(): Promise<void> {
    const bus = await this.#link.connected()
    this.#bus = bus
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
    const { receivedCancels } = this.#link
    if (ask.kind === 'ask' && receivedCancels.wasCancelled(ask.id)) return
    const sending = this.#send(ask)
    const answers = ask.kind !== 'tell' && reply !== ''
    const accept = answers
      ? getEventLoop().callLater(acceptTime, () => {
          if (bus.status === 'connected') bus.publish(reply, acceptedBy(this.#link.node))
        })
      : null
    this.#open.add(sending)
    const stopListening =
      ask.kind === 'ask'
        ? receivedCancels.expect(ask.id, () => sending.cancel('cancelled by its sender'))
        : null
    sending.addDoneCallback(() => {
      this.#open.delete(sending)
      stopListening?.()
      accept?.cancel()
      if (sending.cancelled()) return
      const error = readable(sending.exception(), `the service ${this.#name}`)
      if (error !== null && ask.kind === 'tell') this.#lost(error)
      if (!answers || bus.status !== 'connected') return
      const outcome: Outcome =
        error === null ? { kind: 'value', value: sending.result() } : { kind: 'error', error }
      answer(bus, this.#link.codec, reply, `${this.#name}.${ask.method}`, outcome)
    })
  }

  /** Gives the message to the actor. */
  #send(ask: AskMessage): Future<unknown> {
    return forward(`the service ${this.#name}`, ask, this.#link.codec, (options) => {
      const ref = this.#ref()
      if (ref === null) throw new NoProc(this.#name)
      checkRef(this.#name, ref)
      return ask.kind === 'ask'
        ? ref.ask({ ...options, timeout: roundUp(ask.timeout) })
        : options.context === undefined
          ? ref.tell
          : ref.tell(options)
    })
  }

  /** Reports that a tell did not reach an actor, because its sender gets no answer. That there is no actor needs no report. */
  #lost(exception: unknown): void {
    if (exception instanceof NoProc) return
    const message = `The service ${this.#name} has lost a message`
    getEventLoop().callExceptionHandler({ message, exception })
  }

  /** Takes no more messages, and waits until those that the server has sent are answered. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#bus !== null) await endSubscription(this.#bus, this.#unsubscribe)
    // A kill ends this wait, and not the asks, whose senders still wait for an answer.
    if (this.#open.size > 0) await wait([...this.#open])
  }
}
