import { CancelledError, isCancelled } from '@tasktree/core'

/**
 * The CancelledError for the task of a request whose client has gone: the connection was closed, or the HTTP/2 stream was
 * reset, before the response was finished. Its status is 499, which tells a framework that no answer is due and that there
 * is nothing to log.
 */
export class ClientGoneError extends CancelledError {
  override readonly code: string = 'ERR_HTTP_CLIENT_GONE'
  readonly status: number = 499
  readonly statusCode: number = 499
  readonly expose: boolean = false

  constructor(message: string = 'the client has gone before the response was finished') {
    super(message)
  }

  /** Hono calls this to get a response for the error. Nobody receives that response, because the client has gone. */
  getResponse(): Response {
    return new Response(null, { status: this.status })
  }
}

/** The CancelledError for the task of a request that was still running when the grace of `stop()` was over. */
export class ServerStoppedError extends CancelledError {
  override readonly code: string = 'ERR_HTTP_SERVER_STOPPED'

  constructor() {
    super('the server has stopped')
  }
}

/** The body of a request is larger than the option `maxBody` allows. The client is answered with status 413. */
export class BodyTooLargeError extends Error {
  override readonly name: string = 'BodyTooLargeError'
  readonly code: string = 'ERR_HTTP_BODY_TOO_LARGE'
  readonly status: number = 413
  readonly statusCode: number = 413

  constructor(maxBody: number) {
    super(`the body of the request is larger than ${maxBody} bytes`)
  }
}

/**
 * Whether `error` is a cancel as waiting code sees it: a CancelledError, or the AbortError that an API of the platform
 * throws when its signal aborts. An error that a handler throws in response to a cancel is not a cancel.
 */
export function isPlainCancel(error: unknown): boolean {
  if (isCancelled(error)) return true
  return error instanceof Error && error.name === 'AbortError' && isOfCancel(error)
}

/** The number of nested causes that are looked at. There must be a limit, because an error may be its own cause. */
const longestChain = 10

/** Whether `error` is a cancel or has one among its causes, as when a library wraps the error that interrupted it. */
export function isOfCancel(error: unknown): boolean {
  let each = error
  for (let i = 0; i < longestChain; i++) {
    if (isCancelled(each)) return true
    if (!(each instanceof Error)) return false
    each = each.cause
  }
  return false
}
