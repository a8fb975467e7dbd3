import { CancelledError, isCancelled } from '@tasktree/core'

/**
 * The CancelledError for the task of a request whose client has gone: the connection was closed, or the HTTP/2 stream was
 * reset, before the response was finished. Its status is 499, which tells a framework that no answer is due and that there
 * is nothing to log.
 */
export class ClientGoneError extends CancelledError {
  override readonly name: string = 'ClientGoneError'
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

/**
 * The CancelledError for the task of a request that was still running when its server stopped, after the time that the option
 * `grace` of `serve` gives to running requests.
 */
export class ServerStoppedError extends CancelledError {
  override readonly name: string = 'ServerStoppedError'
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
 * Asks a question about a value that was thrown. The answer is false if the question itself throws, as it does for a Proxy
 * that was revoked.
 */
export function holds(question: () => boolean): boolean {
  try {
    return question()
  } catch {
    return false
  }
}

export function isBodyTooLarge(error: unknown): error is BodyTooLargeError {
  return holds(() => error instanceof BodyTooLargeError)
}

/**
 * Whether `error` is a cancel as waiting code sees it: a CancelledError, or the AbortError that an API of the platform
 * throws when its signal aborts. An error that a handler throws in response to a cancel is not a cancel.
 */
export function isPlainCancel(error: unknown): boolean {
  if (isCancelled(error)) return true
  return holds(() => error instanceof Error && error.name === 'AbortError') && isOfCancel(error)
}

/** The number of nested causes that are looked at. There must be a limit, because an error may be its own cause. */
const longestChain = 10

/** Whether `error` is a cancel or has one among its causes, as when a library wraps the error that interrupted it. */
export function isOfCancel(error: unknown): boolean {
  return holds(() => {
    let each = error
    for (let i = 0; i < longestChain; i++) {
      if (isCancelled(each)) return true
      if (!(each instanceof Error)) return false
      each = each.cause
    }
    return false
  })
}

/** The codes of the errors that Node and Fastify give to code that goes on with a response which was ended or closed. */
const codesAfterEnd = new Set([
  'ERR_HTTP_HEADERS_SENT',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ERR_STREAM_WRITE_AFTER_END',
  'FST_ERR_REP_ALREADY_SENT',
])

/**
 * Whether `error` is an error that code gets if it goes on with a request whose connection was closed, or whose response
 * was ended. Such an error is not a failure if the request was cancelled.
 */
export function isOfUseAfterEnd(error: unknown): boolean {
  return holds(() => {
    if (!(error instanceof Error)) return false
    const { code, type } = error as { code?: unknown; type?: unknown }
    // Code that reads the body of a request gets `aborted` from Node, or `request.aborted` from the parsers of Express. The
    // codes of these errors are not enough, because a failed connection to another server has the same codes.
    return (
      codesAfterEnd.has(code as string) ||
      (code === 'ECONNRESET' && error.message === 'aborted') ||
      type === 'request.aborted'
    )
  })
}
