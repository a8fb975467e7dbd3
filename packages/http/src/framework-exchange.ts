import { currentTask, Future } from '@tasktree/core'
import { takeRejections } from '@tasktree/core/lowlevel'
import { isOfCancel } from './errors.ts'
import { Exchange } from './exchange.ts'
import { enlargeReadAhead } from './incoming-body.ts'
import type { Incoming, Outgoing } from './message.ts'
import { sendStatus } from './send-status.ts'
import type { Service } from './service.ts'

const exchanges = new WeakMap<object, FrameworkExchange>()
const tasks = new WeakSet<object>()
let isTakingRejections = false

/**
 * An exchange whose request is answered by a framework. The rest of the framework's work on the request is done inside the
 * task, which lasts until the response is closed.
 */
export class FrameworkExchange extends Exchange {
  readonly #next: () => unknown
  #response: Future<void> | null = null

  constructor(service: Service, incoming: Incoming, outgoing: Outgoing, next: () => unknown) {
    super(service, incoming, outgoing)
    this.#next = next
  }

  /** Calls `next` in the task of the request; answers 503 instead when there are too many requests. */
  static begin(
    service: Service,
    incoming: Incoming,
    outgoing: Outgoing,
    next: () => unknown,
  ): FrameworkExchange | null {
    // A second middleware of the kind, or a route inside another: the request has its task already.
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
    const exchange = new FrameworkExchange(service, incoming, outgoing, next)
    exchanges.set(incoming, exchange)
    exchange.begin()
    return exchange
  }

  static of(incoming: object): FrameworkExchange | undefined {
    return exchanges.get(incoming)
  }

  protected override finished(): void {
    if (this.#response?.done() === false) this.#response.setResult()
  }

  protected override async answer(): Promise<void> {
    tasks.add(this.task)
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

/** A framework that does not await its handlers leaves their cancel unhandled. It is no failure. */
function isOfCancelledRequest(error: unknown): boolean {
  const task = currentTask()
  return task !== null && tasks.has(task) && task.cancelling() > 0 && isOfCancel(error)
}
