/**
 * Gives the messages that come for a name to an actor. The callback of the subscription only begins a task for each
 * message, because the server cuts off a client that is slow to read.
 */
import {
  type ActorRef,
  child,
  type ChildOptions,
  type ChildSpec,
  MailboxFull,
} from '@tasktree/actor'
import { createTask, type Future, getEventLoop, type Task } from '@tasktree/core'
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
  ref: AnyRef | (() => AnyRef),
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
    () => new Service(link, name, typeof ref === 'function' ? ref() : ref, maxPending),
    supervision,
  )
}

class Service implements AsyncDisposable {
  readonly #link: Link
  readonly #name: string
  readonly #ref: AnyRef
  readonly #maxPending: number
  readonly #open = new Set<Task>()
  #unsubscribe: (() => void) | null = null

  constructor(link: Link, name: string, ref: AnyRef, maxPending: number) {
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
    const ask = readAsk((name) => message.header(name))
    if (ask === null) return
    if (this.#open.size >= this.#maxPending) {
      if (message.reply !== '') bus.publish(message.reply, overloaded)
      return
    }
    const task = createTask(() => this.#handle(bus, message, ask), {
      name: `${this.#name}.${ask.method}`,
    })
    this.#open.add(task)
    if (ask.kind === 'ask')
      this.#link.controls.expect(ask.id, () => task.cancel('cancelled by its sender'))
    task.addDoneCallback(() => {
      this.#open.delete(task)
      this.#link.controls.forget(ask.id)
      if (task.cancelled()) return
      const exception = task.exception()
      if (exception === null) return
      getEventLoop().callExceptionHandler({
        message: `${this.#name} could not answer`,
        exception,
        task,
      })
    })
  }

  async #handle(bus: Bus, message: BusMessage, ask: AskMessage): Promise<void> {
    if (ask.kind === 'ask' && this.#link.controls.wasCancelled(ask.id)) return
    const { reply } = message
    const answers = ask.kind !== 'tell' && reply !== ''
    const accept = answers
      ? getEventLoop().callLater(acceptTime, () => {
          if (bus.status === 'connected') bus.publish(reply, acceptedBy(this.#link.node))
        })
      : null
    try {
      const outcome = await this.#call(message, ask)
      if (!answers || bus.status !== 'connected') return
      this.#answer(bus, reply, ask, outcome)
    } finally {
      accept?.cancel()
    }
  }

  async #call(message: BusMessage, ask: AskMessage): Promise<Outcome> {
    traceparent.set(ask.traceparent)
    try {
      const args = this.#link.codec.decode(message.data) as readonly unknown[]
      const sends = (
        ask.kind === 'ask' ? this.#ref.ask({ timeout: ask.timeout }) : this.#ref.tell
      ) as Record<string, ((...args: readonly unknown[]) => Future<unknown>) | undefined>
      const send = sends[ask.method]
      if (typeof send !== 'function') {
        throw new TypeError(`the service ${this.#name} has no message ${ask.method}`)
      }
      return { kind: 'value', value: await Reflect.apply(send, sends, args) }
    } catch (error) {
      return { kind: 'error', error }
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
