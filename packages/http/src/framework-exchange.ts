import { currentTask, Future } from '@tasktree/core'
import { takeRejections } from '@tasktree/core/lowlevel'
import { Exchange } from './exchange.ts'
import { enlargeReadAhead } from './incoming-body.ts'
import type { Incoming, Outgoing } from './node-messages.ts'
import { sendStatus } from './send-status.ts'
import type { Service } from './service.ts'

const exchanges = new WeakMap<object, FrameworkExchange>()
const byTask = new WeakMap<object, FrameworkExchange>()
let isTakingRejections = false

/**
 * An exchange whose request is answered by a framework. The framework handles the request inside the task, which lasts
 * until the response is closed.
 */
export class FrameworkExchange extends Exchange {
  readonly #next: () => unknown
  readonly #answerRefused: (() => void) | null
  #response: Future<void> | null = null

  constructor(
    service: Service,
    incoming: Incoming,
    outgoing: Outgoing,
    next: () => unknown,
    answerRefused: (() => void) | null,
  ) {
    super(service, incoming, outgoing)
    this.#next = next
    this.#answerRefused = answerRefused
  }

  /**
   * Calls `next` in the task of the request. If too many requests are running, answers 503 instead. Some frameworks must
   * send such an answer themselves; their adapters pass `answerRefused`, a function that sends it.
   */
  static begin(
    service: Service,
    incoming: Incoming,
    outgoing: Outgoing,
    next: () => unknown,
    answerRefused: (() => void) | null = null,
  ): FrameworkExchange | null {
    // If the application uses the middleware twice, the request has its task already.
    const existing = exchanges.get(incoming)
    if (existing !== undefined) {
      next()
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
    return exchange
  }

  static of(incoming: object): FrameworkExchange | undefined {
    return exchanges.get(incoming)
  }

  override refuse(): void {
    if (this.#answerRefused === null || this.outgoing.headersSent) super.refuse()
    else this.#answerRefused()
  }

  protected override finished(): void {
    if (this.#response?.done() === false) this.#response.setResult()
  }

  protected override async answer(): Promise<void> {
    byTask.set(this.task, this)
    const response = new Future<void>()
    this.#response = response
    try {
      this.#next()
      if (!this.isClosed) await response
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
