import { isThenable } from '@tasktree/core/lowlevel'
import { isBodyTooLarge, isPlainCancel } from './errors.ts'
import { Exchange } from './exchange.ts'
import type { RequestOwner } from './incoming-body.ts'
import { IncomingRequest } from './incoming-request.ts'
import type { Incoming, Outgoing } from './node-messages.ts'
import { resetResponse } from './reset-response.ts'
import { isResponse, type Sender, sendResponse } from './send-response.ts'
import { sendStatus } from './send-status.ts'
import type { Service } from './service.ts'

export type Handler = (request: Request) => PromiseLike<Response> | Response

/** An exchange whose request is answered by a handler of `serve` or `nodeHandler`. */
export class HandlerExchange extends Exchange implements RequestOwner, Sender {
  readonly #handler: Handler
  readonly #request: Request

  constructor(
    service: Service,
    handler: Handler,
    incoming: Incoming,
    outgoing: Outgoing,
    url: string,
  ) {
    super(service, incoming, outgoing)
    this.#handler = handler
    this.#request = new IncomingRequest(this, url) as unknown as Request
  }

  get maxBody(): number {
    return this.service.maxBody
  }

  continue(): void {
    if (!this.awaitsContinue) return
    this.awaitsContinue = false
    if (!this.outgoing.headersSent) this.outgoing.writeContinue()
  }

  reportUnlessCancelled(error: unknown): void {
    if (!isPlainCancel(error)) this.#report(error)
  }

  /** Whether `error` is the cancel of this request, which is not reported as a failure. */
  #isCancel(error: unknown): boolean {
    return this.isBeingCancelled() && isPlainCancel(error)
  }

  protected override async answer(): Promise<void> {
    try {
      const returned = this.#handler(this.#request)
      const response = isThenable(returned) ? await returned : returned
      const sending = sendResponse(this, response)
      if (sending !== null) await sending
    } catch (error) {
      if (this.#isCancel(error)) throw error
      await this.#fail(error)
    } finally {
      this.answered()
    }
  }

  /** Answers the client when the handler has thrown `error`, or its response could not be sent because of `error`. */
  async #fail(error: unknown): Promise<void> {
    const { outgoing } = this
    if (isResponse(error) && !outgoing.headersSent) {
      try {
        await sendResponse(this, error)
      } catch (sendingError) {
        if (this.#isCancel(sendingError)) throw sendingError
        this.#failUnexpectedly(sendingError)
      }
    } else if (isBodyTooLarge(error) && !outgoing.headersSent) {
      sendStatus(outgoing, error.status, this.closing())
    } else this.#failUnexpectedly(error)
  }

  #failUnexpectedly(error: unknown): void {
    const { outgoing } = this
    // The error is reported first, because sending the answer may fail too.
    this.#report(error)
    if (this.isClosed || outgoing.writableEnded) {
      // The client has got its answer, or has gone.
    } else if (outgoing.headersSent) resetResponse(outgoing)
    else sendStatus(outgoing, 500, this.closing())
  }

  #report(error: unknown): void {
    const { task } = this
    this.noteFailure(error)
    this.service.report(error, this.#request, task, `the handler of ${task.name} has failed`)
  }
}
