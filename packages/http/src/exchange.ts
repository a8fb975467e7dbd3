import { type CancelledError, type CancelScope, currentTask, type Task } from '@tasktree/core'
import { createServiceTask } from '@tasktree/core/lowlevel'
import { hasGone, onClosed } from './client-gone.ts'
import { ClientGoneError } from './errors.ts'
import { type Incoming, isHttp2, type Outgoing } from './node-messages.ts'
import { answerBefore } from './request-deadline.ts'
import { resetResponse } from './reset-response.ts'
import { sendStatus } from './send-status.ts'
import { requestTracing } from './instrument.ts'
import { type Service, Work } from './service.ts'

/**
 * One request, from its head to the end of its response.
 *
 * The task of the exchange answers the request. The client counts as gone when the response has closed before it was
 * finished, and then the task is cancelled. The end of the request's body, a finished response and an idle connection do
 * not cancel the task. The exchange has ended when its task is done and its response is closed.
 */
export abstract class Exchange extends Work {
  readonly service: Service
  readonly incoming: Incoming
  readonly outgoing: Outgoing
  #task: Task<void> | null = null
  /** The scope that is cancelled when the deadline passes; null if there is no deadline. */
  #scope: CancelScope | null = null
  #isClosed = false
  #failure: unknown = undefined
  #hasAnswered = false
  /** True when the server itself has reset the response. Then its close does not mean that the client has gone. */
  #isRefused = false
  /** True while the client waits for permission to send its body (`Expect: 100-continue`). */
  awaitsContinue = false

  constructor(service: Service, incoming: Incoming, outgoing: Outgoing) {
    super()
    this.service = service
    this.incoming = incoming
    this.outgoing = outgoing
  }

  /** Answers the request. Runs in the task, and must call `answered()` at its end. */
  protected abstract answer(): Promise<void>

  /** Called when the code of the task has ended. */
  protected answered(): void {
    this.#hasAnswered = true
    if (this.#isClosed) this.#remove()
    // Code that does not belong to this package may have cancelled the task, as the end of a run does. Then nothing has
    // answered the client yet.
    else if (this.isBeingCancelled()) this.task.addDoneCallback(() => this.refuse())
  }

  /** Called when the response has closed, if it was sent completely or the server itself has reset it. */
  protected finished(): void {}

  begin(): void {
    this.service.add(this)
    onClosed(this.incoming, this.outgoing, () => this.#onClose())
    const { incoming, outgoing } = this
    if (!requestTracing.isOn) this.#start()
    else requestTracing.run(this, { incoming, outgoing }, () => this.#start())
  }

  #start(): void {
    // `#run` sets `#task`, because the answer begins before this call returns.
    void createServiceTask(() => this.#run(), { name: taskName(this.incoming), eager: true })
  }

  /** Notes the error that the handler has thrown, for tools that trace the request. */
  protected noteFailure(error: unknown): void {
    this.#failure = error
  }

  get task(): Task<void> {
    return this.#task as Task<void>
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Aborts when the task is cancelled: the client has gone, the deadline has passed, or the server stops. */
  get signal(): AbortSignal {
    return this.#scope?.signal ?? this.task.signal
  }

  /** Whether the task was cancelled, or its deadline has passed. */
  isBeingCancelled(): boolean {
    return this.task.cancelling() > 0 || this.#scope?.cancelCalled === true
  }

  /** Cancels the task and answers the client at once, because the handler may be in an await that cannot be cancelled. */
  stop(reason: CancelledError): void {
    if (this.task.done()) return
    this.refuse()
    this.task.cancel(reason)
  }

  /** Answers 503, or resets the connection when the head was sent already. */
  refuse(): void {
    if (this.#isClosed || this.outgoing.writableEnded) return
    if (this.outgoing.headersSent) {
      this.#isRefused = true
      resetResponse(this.outgoing)
    } else sendStatus(this.outgoing, 503, { 'retry-after': '1', ...this.closing() })
  }

  /** Called when the client has gone. A reader of the request's body may notice that before the response closes. */
  leave(): void {
    if (!this.task.done()) this.task.cancel(new ClientGoneError())
  }

  /**
   * Whether the connection must close after this response. It must if the server is stopping, or if the client still waits
   * for permission to send its body. Connections of HTTP/2 stay open.
   */
  mustClose(): boolean {
    return (this.service.isDraining || this.awaitsContinue) && !isHttp2(this.outgoing)
  }

  protected closing(): Record<string, string> {
    return this.mustClose() ? { connection: 'close' } : {}
  }

  #onClose(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    // If `refuse` has reset the response, the task was cancelled at that moment. A second cancel would interrupt its
    // clean-up.
    if (this.#isRefused) this.finished()
    else if (hasGone(this.outgoing)) this.leave()
    else this.finished()
    if (this.#hasAnswered || this.isBeingCancelled()) this.#remove()
  }

  /**
   * Removes this exchange from the running exchanges. If its task was cancelled, first waits until the clean-up has ended.
   */
  #remove(): void {
    if (this.isBeingCancelled() && !this.task.done()) {
      this.task.addDoneCallback(() => this.#end())
    } else this.#end()
  }

  #end(): void {
    if (requestTracing.isLive) {
      const { statusCode } = this.outgoing
      const result = this.#failure === undefined ? { result: statusCode } : { error: this.#failure }
      requestTracing.settle(this, this.isBeingCancelled() ? { cancelled: true } : result)
    }
    this.service.remove(this)
  }

  #run(): Promise<void> {
    this.#task = currentTask() as Task<void>
    const { deadline } = this.service
    if (deadline === undefined) return this.answer()
    return answerBefore(deadline, {
      answer: (scope) => {
        this.#scope = scope
        return this.answer()
      },
      refuse: () => this.refuse(),
    })
  }
}

/** Returns the name for the task of a request: `GET /path`, without the query. */
export function taskName(incoming: Incoming): string {
  // Express and Connect take the path at which a router is mounted away from `url`.
  const { originalUrl } = incoming as { originalUrl?: unknown }
  const target = typeof originalUrl === 'string' ? originalUrl : (incoming.url as string)
  const end = target.indexOf('?')
  return `${incoming.method} ${end === -1 ? target : target.slice(0, end)}`
}
