import { CancelledError, isCancelled } from '@tasktree/core'

/**
 * What cancels the task of a request whose client has gone: the connection was closed, or the HTTP/2 stream was reset,
 * before the response was finished. Frameworks read its status, so that they answer nobody and log no failure.
 */
export class ClientGoneError extends CancelledError {
  override readonly code: string = 'ERR_HTTP_CLIENT_GONE'
  readonly status: number = 499
  readonly statusCode: number = 499
  readonly expose: boolean = false

  constructor(message: string = 'the client has gone before the response was finished') {
    super(message)
  }

  /** The response that Hono gives for this error. Nobody receives it. */
  getResponse(): Response {
    return new Response(null, { status: this.status })
  }
}

/** What cancels the task of a request that was still running when the grace of `stop()` was over. */
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
 * Whether `error` is what a cancel looks like where it arrives: the CancelledError, or the AbortError that an API of the
 * platform makes of an aborted signal. An error that the handler has made of it is an error of its own.
 */
export function isPlainCancel(error: unknown): boolean {
  if (isCancelled(error)) return true
  return error instanceof Error && error.name === 'AbortError' && isOfCancel(error)
}

/** How many causes of an error are looked at: an error may be its own cause. */
const longestChain = 10

/** Whether `error` is a cancel, or was caused by one: a library may wrap what it was interrupted with. */
export function isOfCancel(error: unknown): boolean {
  let each = error
  for (let i = 0; i < longestChain; i++) {
    if (isCancelled(each)) return true
    if (!(each instanceof Error)) return false
    each = each.cause
  }
  return false
}
