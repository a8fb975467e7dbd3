import { currentTask, Future, type Task } from '@tasktree/core'
import { takeRejections } from '@tasktree/core/lowlevel'
import { isOfCancel, isOfUseAfterEnd } from './errors.ts'
import { Exchange } from './exchange.ts'
import { enlargeReadAhead } from './incoming-body.ts'
import { type Incoming, isHttp2, type Outgoing } from './node-messages.ts'
import { sendStatus } from './send-status.ts'
import type { Service } from './service.ts'

const exchanges = new WeakMap<object, FrameworkExchange>()
const byTask = new WeakMap<object, FrameworkExchange>()
let isTakingRejections = false

/**
 * Calls the middlewares and handlers of the framework. Returns a promise of their end, which is never rejected, if the
 * framework tells that end.
 */
type Next = () => Promise<void> | void

/**
 * An exchange whose request is answered by a framework. The framework handles the request inside the task, which lasts
 * until the response is closed. A cancelled task lasts until its handlers have ended, if the framework tells that end.
 * Otherwise it lasts until they wait for no future of Tasktree.
 */
export class FrameworkExchange extends Exchange {
  readonly #next: Next
  readonly #answerRefused: (() => void) | null
  #response: Future<void> | null = null
  /** The end of the handlers, if the framework tells it. */
  #handled: Promise<void> | void = undefined
  /** The error that `next` has thrown. */
  #thrown: { error: unknown } | null = null

  constructor(
    service: Service,
    incoming: Incoming,
    outgoing: Outgoing,
    next: Next,
    answerRefused: (() => void) | null,
  ) {
    super(service, incoming, outgoing)
    this.#next = next
    this.#answerRefused = answerRefused
  }

  /**
   * Calls `next` in the task of the request. If too many requests are running, answers 503 instead. Some frameworks must
   * send such an answer themselves; their adapters pass `answerRefused`, a function that sends it.
   *
   * @throws the error that `next` throws; the caller handles it as it does without this package
   */
  static begin(
    service: Service,
    incoming: Incoming,
    outgoing: Outgoing,
    next: Next,
    answerRefused: (() => void) | null = null,
  ): FrameworkExchange | null {
    // If the application uses the middleware twice, the request has its task already.
    const existing = exchanges.get(incoming)
    if (existing !== undefined) {
      void next()
      return existing
    }
    if (service.isFull()) {
      sendStatus(outgoing, 503, { 'retry-after': '1' })
      return null
    }
    if (!isTakingRejections) {
      isTakingRejections = true
      takeRejections(isOfCancelledRequest)
    }
    enlargeReadAhead(incoming)
    const exchange = new FrameworkExchange(service, incoming, outgoing, next, answerRefused)
    exchanges.set(incoming, exchange)
    exchange.begin()
    if (exchange.#thrown !== null) throw exchange.#thrown.error
    return exchange
  }

  static of(incoming: object): FrameworkExchange | undefined {
    return exchanges.get(incoming)
  }

  /** Whether `task` is the task of a request that a framework answers. */
  static hasTask(task: Task): boolean {
    return byTask.has(task)
  }

  /** Whether `error` is the cancel of this request, or was caused by it, so that nothing has failed. */
  isOwnCancel(error: unknown): boolean {
    if (this.isBeingCancelled()) return isOfCancel(error) || isOfUseAfterEnd(error)
    // When the connection closes, the code that reads the body gets an error before the task is cancelled.
    const isGoing = this.incoming.socket.destroyed && !this.isClosed
    return isGoing && isOfUseAfterEnd(error)
  }

  override refuse(): void {
    const { isClosed, outgoing } = this
    if (isClosed || outgoing.writableEnded) return
    // The handler may still write to the response. Without a listener, the error of such a write would end the process.
    outgoing.on('error', () => {})
    if (this.#answerRefused === null || outgoing.headersSent) super.refuse()
    else this.#answerRefused()
  }

  /**
   * A refusal closes the connection, so that no other request is harmed when the framework destroys the connection later.
   * Express does that if the handler fails after the response was sent.
   */
  override mustClose(): boolean {
    return !isHttp2(this.outgoing)
  }

  protected override finished(): void {
    if (this.#response?.done() === false) this.#response.setResult()
  }

  #callNext(): void {
    try {
      this.#handled = this.#next()
    } catch (error) {
      this.#thrown = { error }
    }
  }

  protected override async answer(): Promise<void> {
    byTask.set(this.task, this)
    const response = new Future<void>()
    this.#response = response
    try {
      this.#callNext()
      if (!this.isClosed) await response
    } catch (error) {
      // After the end of this function, the cancelled task lets its handlers begin a wait only when another wait has ended.
      // So this function lasts until the handlers have ended, if the framework tells their end.
      await this.#handled
      throw error
    } finally {
      this.answered()
    }
  }
}

/**
 * Whether `error` is an unhandled rejection that must be dropped: the cancel of a request, which is not a failure. It is
 * unhandled because the framework does not await its handlers.
 */
function isOfCancelledRequest(error: unknown): boolean {
  const task = currentTask()
  return task !== null && byTask.get(task)?.isOwnCancel(error) === true
}
