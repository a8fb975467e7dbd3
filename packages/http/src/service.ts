import { type CancelledError, getEventLoop, type Task } from '@tasktree/core'
import {
  checkCount,
  checkDuration,
  checkOptions,
  describe,
  isThenable,
  type Linked,
  LinkedList,
} from '@tasktree/core/lowlevel'
import type { Duplex } from 'node:stream'
import type { Incoming } from './node-messages.ts'

export interface ScopeOptions {
  /**
   * How many milliseconds a request may take, its response included. When they have passed, the scope of the request is
   * cancelled. The client gets status 503 with `Retry-After`, or a reset if the head was sent already. By default there is
   * no limit.
   */
  deadline?: number | undefined
  /**
   * How many requests are served at the same time. Further requests are answered with 503. By default there is no limit.
   */
  maxRequests?: number | undefined
}

export interface HandlerOptions extends ScopeOptions {
  /**
   * How many bytes the body of a request may have. A request whose header `content-length` is larger is answered with
   * 413, without a call of the handler. A body without this header is counted while the handler reads it; the read that
   * passes the limit throws BodyTooLargeError, and if the handler throws that error, the answer is 413 too. By default
   * there is no limit.
   */
  maxBody?: number | undefined
  /**
   * Called with each error that the handler throws, but not with the cancel of a request. Without this option, and if
   * `onError` itself fails, the error goes to the exception handler of the event loop of `@tasktree/core`.
   */
  onError?: ((error: unknown, request: Request) => void) | undefined
}

/**
 * An exchange (a request and its response) or an upgraded connection. `stop()` of the server waits until each has ended.
 */
export abstract class Work implements Linked<Work> {
  abstract readonly incoming: Incoming
  list: LinkedList<Work> | null = null
  nextInList: Work | null = null
  previousInList: Work | null = null

  /** Cancels the task. */
  abstract stop(reason: CancelledError): void
}

/** The state that all requests of one server or adapter share: the limits, and the work that has not ended. */
export class Service {
  readonly deadline: number | undefined
  readonly maxRequests: number
  readonly maxBody: number
  readonly #onError: HandlerOptions['onError']
  readonly #running = new LinkedList<Work>()
  /** Set when the server begins to stop: responses then close their connections. */
  isDraining = false
  /** Called with each exchange or upgraded connection that has ended. */
  onEnd: ((work: Work) => void) | null = null

  constructor(options: HandlerOptions | undefined) {
    checkOptions(options)
    const { deadline, maxBody = Infinity, maxRequests = Infinity, onError } = options ?? {}
    if (deadline !== undefined) checkDuration('the option deadline', deadline)
    checkCount('the option maxBody', maxBody, 0)
    checkCount('the option maxRequests', maxRequests, 1)
    if (onError !== undefined && typeof onError !== 'function') {
      throw new TypeError(`the option onError must be a function, got ${describe(onError)}`)
    }
    this.deadline = deadline === Infinity ? undefined : deadline
    this.maxBody = maxBody
    this.maxRequests = maxRequests
    this.#onError = onError
  }

  /** The number of exchanges and upgraded connections that have not ended. */
  get running(): number {
    return this.#running.size
  }

  /** Stops all work that has not ended. */
  stop(reason: CancelledError): void {
    for (const work of Array.from(this.#works())) work.stop(reason)
  }

  /** Whether a request of this connection has not ended. */
  isServing(socket: Duplex): boolean {
    for (const work of this.#works()) if (work.incoming.socket === socket) return true
    return false
  }

  *#works(): IterableIterator<Work> {
    for (let work = this.#running.first(); work !== null; work = work.nextInList) yield work
  }

  isFull(): boolean {
    return this.#running.size >= this.maxRequests
  }

  add(work: Work): void {
    this.#running.push(work)
  }

  /** Called when the task of `work` has ended, and its response or connection is closed. */
  remove(work: Work): void {
    if (this.#running.remove(work)) this.onEnd?.(work)
  }

  /** Passes the error to `onError` if there is one, otherwise to the exception handler of the loop. */
  report(exception: unknown, request: Request, task: Task, message: string): void {
    const loop = getEventLoop()
    const context = { message, exception, task }
    if (this.#onError === undefined) {
      loop.callExceptionHandler(context)
      return
    }
    const onFailure = (failure: unknown): void => {
      loop.callExceptionHandler(context)
      loop.callExceptionHandler({ message: 'onError has failed', exception: failure, task })
    }
    try {
      const returned: unknown = this.#onError(exception, request)
      if (isThenable(returned)) returned.then(undefined, onFailure)
    } catch (failure) {
      onFailure(failure)
    }
  }
}
