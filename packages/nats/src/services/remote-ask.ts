import { AskTimeout, MailboxFull, NoProc } from '@tasktree/actor'
import { type CancelledError, effectiveDeadline, Future, type Handle } from '@tasktree/core'
import type { BusMessage } from '../bus/bus.ts'
import { ConnectionLost } from '../errors.ts'
import { answerTag, type AskMessage } from '../wire/ask-message.ts'
import { decodeOutcome } from '../wire/outcome.ts'
import { type AskTrace, askTracing } from '../wire/trace.ts'
import type { OpenAsks } from './open-asks.ts'
import type { Route } from './service-route.ts'

/** A message, for example to a full mailbox, is sent again after 50 to 100 % of this many milliseconds, doubled each time. */
const firstRetry = 10
const longestRetry = 500

export interface RemoteAskOptions {
  readonly path: string
  readonly route: Route
  readonly message: AskMessage
  /** Whether the message is sent again when the mailbox is full, until the time of the ask is over. */
  readonly waits: boolean
}

/** The future that `ask.method(...)` and `tell({ confirm: true }).method(...)` of a remote ref return. */
export class RemoteAsk extends Future<unknown> {
  readonly #owner: OpenAsks
  #options: RemoteAskOptions
  /** The subject for the answer. */
  readonly reply: string
  /** The latest time at which the ask ends, by the event loop's clock: its timeout, or the deadline of a scope around it. */
  readonly #deadline: number
  #timer: Handle | null = null
  #retry: Handle | null = null
  #retryDelay = firstRetry
  /** The node that handles the message; null until that node has reported it. */
  node: string | null = null

  constructor(owner: OpenAsks, options: RemoteAskOptions) {
    super()
    this.#owner = owner
    this.#options = options
    this.reply = owner.link.answers.newSubject()
    const loop = this.getLoop()
    if (askTracing.isOn) this.#trace()
    const { timeout } = options.message
    this.#deadline = Math.min(loop.time() + timeout, effectiveDeadline())
    owner.add(this)
    owner.link.answers.expect(this.reply, (answer) => this.#receive(answer))
    if (timeout !== Infinity) this.#timer = loop.callLater(timeout, () => this.#expire())
    this.#send()
  }

  /** Begins the trace of the ask. The trace context of the tool then travels with the ask. */
  #trace(): void {
    const { path, message } = this.#options
    const trace: AskTrace = { path, method: message.method, ask: this }
    askTracing.run(this, trace, () => {})
    const traceparent = trace.carrier?.['traceparent']
    if (traceparent === undefined) return
    this.#options = { ...this.#options, message: { ...message, traceparent } }
  }

  get path(): string {
    return this.#options.path
  }

  get message(): AskMessage {
    return this.#options.message
  }

  #send(): void {
    try {
      const bus = this.#owner.link.current()
      if (bus === null) {
        this.lost(false)
        return
      }
      const left = Math.max(0, this.#deadline - this.getLoop().time())
      this.#options.route.ask(this, bus, left)
    } catch (error) {
      this.refuse(error)
    }
  }

  #receive(answer: BusMessage): void {
    if (answer.isNoResponders) {
      this.#options.route.noResponders(this)
      return
    }
    const [tag] = answer.data
    if (tag === answerTag.accepted) {
      this.node = new TextDecoder().decode(answer.data.subarray(1))
      this.#owner.watch()
    } else if (tag === answerTag.overloaded) {
      this.overloaded()
    } else if (tag === answerTag.moved) {
      this.sendLater()
    } else {
      this.#settle(answer.data)
    }
  }

  /** Called by the route when no node serves the name, or hosts the type of the entity. */
  noProc(): void {
    this.refuse(new NoProc(this.path))
  }

  /** Called when the mailbox was full. */
  overloaded(): void {
    if (this.#options.waits) this.sendLater()
    else this.refuse(new MailboxFull(this.path, 0))
  }

  /** Called when the connection is lost, or when there was none. */
  lost(delivered: false | 'unknown'): void {
    if (this.#options.route.insists(this.message)) this.sendLater()
    else this.refuse(new ConnectionLost(this.path, delivered))
  }

  /** Sends the message again after a while, if its time is not over by then. */
  sendLater(): void {
    if (this.done()) return
    this.#retry?.cancel()
    const delay = this.#retryDelay * (0.5 + this.#owner.link.jitter() / 2)
    this.#retryDelay = Math.min(2 * this.#retryDelay, longestRetry)
    this.#retry = this.getLoop().callLater(delay, () => this.#send())
  }

  /** Called when the message of a confirmed tell is in the mailbox. */
  confirmed(): void {
    if (this.done()) return
    this.#end()
    this.setResult(true)
  }

  #settle(bytes: Uint8Array): void {
    if (this.done()) return
    try {
      const outcome = decodeOutcome(bytes, this.#owner.link.codec)
      if (outcome.kind === 'error') this.refuse(outcome.error)
      else {
        this.#end()
        if (askTracing.isLive) askTracing.settle(this, {})
        this.setResult(outcome.kind === 'value' ? outcome.value : undefined)
      }
    } catch (error) {
      this.refuse(error)
    }
  }

  #expire(): void {
    const { method, timeout } = this.#options.message
    this.#options.route.withdraw(this.#owner.link, this)
    this.refuse(new AskTimeout(this.path, method, timeout))
  }

  refuse(error: unknown): void {
    if (this.done()) return
    this.#end()
    if (askTracing.isLive) askTracing.settle(this, { error })
    this.setException(error)
  }

  override cancel(msg?: string | CancelledError): boolean {
    if (this.done()) return super.cancel(msg)
    this.#options.route.withdraw(this.#owner.link, this)
    this.#end()
    if (askTracing.isLive) askTracing.settle(this, { cancelled: true })
    return super.cancel(msg)
  }

  #end(): void {
    this.#timer?.cancel()
    this.#retry?.cancel()
    this.#owner.delete(this)
    this.#owner.link.answers.forget(this.reply)
  }
}
