import {
  type CancelledError,
  effectiveDeadline,
  getEventLoop,
  isCancelled,
  sleep,
  TimeoutError,
} from '@tasktree/core'
import {
  cancelOnAbort,
  checkCount,
  checkDuration,
  checkOptions,
  describe,
  DetailedFuture,
  type WaitDetails,
} from '@tasktree/core/lowlevel'
import { AsyncLocalStorage } from 'node:async_hooks'
import { noteDecoding } from './decoded-body.ts'
import { IncomingRequest } from './incoming-request.ts'

export interface FetchRetry {
  /** The greatest number of attempts, the first attempt included. @defaultValue 3 */
  attempts?: number | undefined
  /**
   * Returns the milliseconds to wait after attempt number `attempt`. By default 100, 200, 400 and so on, at most 30,000.
   * If the server sends a `Retry-After` header, that time is used instead, at most 30,000 milliseconds.
   */
  backoff?: ((attempt: number, error?: unknown) => number) | undefined
}

export interface FetchInit extends RequestInit {
  /**
   * How many milliseconds each attempt may take, the reading of the response's body included. An attempt that takes longer
   * fails with a TimeoutError. The waits between attempts do not count. To limit the whole call, use `timeout()` of
   * `@tasktree/core`.
   */
  timeout?: number | undefined
  /**
   * Sends the request again after a failure of the network, a timeout before the head of the response, or the status 408,
   * 429, 502, 503 or 504. A number says how many attempts there are. Without this option the request is sent once. If the
   * next attempt could begin only after the deadline of a scope around the call, the call ends at once with the last
   * response or error.
   */
  retry?: number | FetchRetry | undefined
}

/** The methods of requests that may be sent twice. TRACE is not here, because the platform's `fetch` does not send it. */
const idempotent = new Set(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'])
/** The longest wait between two attempts, in milliseconds, even if the server asks for a longer one. */
const longestWait = 30_000
const temporary = new Set([408, 429, 502, 503, 504])
/** The codes of the errors by which the platform refuses headers that `Headers` itself allows. */
const refusals = new Set([
  'UND_ERR_INVALID_ARG',
  'UND_ERR_NOT_SUPPORTED',
  'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH',
])

/**
 * Calls the platform's `fetch` as a wait of the running code: a cancel of its task or scope ends the request at once, and
 * the reading of the response's body too. `input` may also be a request that this package has passed to a handler.
 *
 * With `retry`, requests with the methods GET, HEAD, PUT, DELETE and OPTIONS are sent again after failures of the network,
 * timeouts and the statuses 408, 429, 502, 503 and 504. A body that is a stream, or another asynchronous iterable, is sent
 * only once, and so is a request that the platform refuses, such as one with an invalid URL. The last response or error is
 * the outcome. A failure while the caller reads the body of a response causes no new attempt. A scope around the call, such
 * as `timeout()`, also ends the waits between attempts. If the next attempt could begin only after the deadline of such a
 * scope, the call ends at once with the last response or error.
 *
 * @throws {TypeError} for wrong options
 * @throws {RangeError} for options whose value is out of range
 * @throws {TimeoutError} when the time has passed
 * @throws {CancelledError} when the running code is cancelled
 * @throws {TypeError} of the platform when the request fails
 *
 * @example
 *     await using server = await serve(() => Response.json({ apples: 3 }))
 *     const response = await fetch(server.url, { timeout: 1_000, retry: 3 })
 *     console.log(await response.json()) // { apples: 3 }
 */
export function fetch(input: string | URL | Request, init: FetchInit = {}): Promise<Response> {
  // The platform takes null as the option `signal`, too.
  checkOptions(init?.signal === null ? { ...init, signal: undefined } : init)
  const { timeout, retry, ...rest } = init
  if (timeout !== undefined) checkDuration('the option timeout', timeout)
  const attempts = attemptsOf(retry)
  const backoff = backoffOf(retry)
  return attemptAll(input, rest, timeout, attempts, backoff)
}

type Backoff = (attempt: number, error?: unknown) => number

function attemptsOf(retry: FetchInit['retry']): number {
  if (retry === undefined) return 1
  if (typeof retry === 'number') return checkCount('the option retry', retry, 1)
  if (typeof retry !== 'object' || retry === null) {
    throw new TypeError(`the option retry must be a number or an object, got ${describe(retry)}`)
  }
  return checkCount('the option attempts', retry.attempts ?? 3, 1)
}

function backoffOf(retry: FetchInit['retry']): Backoff {
  const backoff = typeof retry === 'object' ? retry.backoff : undefined
  if (backoff !== undefined && typeof backoff !== 'function') {
    throw new TypeError(`the option backoff must be a function, got ${describe(backoff)}`)
  }
  return backoff ?? ((attempt) => Math.min(100 * 2 ** (attempt - 1), longestWait))
}

async function attemptAll(
  input: string | URL | Request,
  init: RequestInit,
  timeout: number | undefined,
  attempts: number,
  backoff: Backoff,
): Promise<Response> {
  const [target, request] = toPlatform(input, init)
  const method = (
    request.method ?? (target instanceof Request ? target.method : 'GET')
  ).toUpperCase()
  const hasStream = isStream(request.body) || (target instanceof Request && target.body !== null)
  const most = idempotent.has(method) && !hasStream ? attempts : 1
  const own = target instanceof Request ? target.signal : null
  const signal = request.signal === undefined ? own : request.signal
  for (let attempt = 1; ; attempt++) {
    let response: Response | null = null
    let failure: unknown
    try {
      response = await fetchOnce(target, request, timeout, signal)
      if (attempt >= most || !temporary.has(response.status)) return response
    } catch (error) {
      const isLast = attempt >= most || isCancelled(error) || signal?.aborted === true
      if (isLast || isRefused(target, request, error)) throw error
      failure = error
    }
    const delay =
      response === null ? backoff(attempt, failure) : (retryAfter(response) ?? backoff(attempt))
    if (endsTooLate(delay)) {
      if (response === null) throw failure
      return response
    }
    if (response !== null) drop(response)
    await pause(delay, signal)
  }
}

/** Whether `body` can be read only once: a stream of the platform or of Node, or another asynchronous iterable. */
function isStream(body: unknown): body is AsyncIterable<Uint8Array> {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body
}

/**
 * Whether the platform's `fetch` has refused the request, so that each further attempt would fail as well: its URL, method,
 * headers or other options are invalid, or its outcome breaks a rule of the options, such as `redirect: 'error'`.
 */
function isRefused(target: string | URL | Request, init: RequestInit, failure: unknown): boolean {
  try {
    void new Request(target, init)
  } catch {
    return true
  }
  const cause = (failure as { cause?: unknown } | null)?.cause
  if (!(cause instanceof Error)) return false
  const { code } = cause as NodeJS.ErrnoException
  // A rule that is broken is a plain Error without a code. A failure of the network has a code, or a class of its own.
  return code === undefined ? cause.name === 'Error' : refusals.has(code)
}

/** Tells the server that nobody reads the body of `response`. The request is sent again, so a failure is of no interest. */
function drop(response: Response): void {
  response.body?.cancel().then(undefined, () => {})
}

/** Whether a wait of `delay` milliseconds ends only when the time of a scope around the code is over. */
function endsTooLate(delay: number): boolean {
  return getEventLoop().time() + delay >= effectiveDeadline()
}

/** Waits between two attempts. An abort of `signal` ends the wait, and its reason is thrown, as a `fetch` throws it. */
async function pause(delay: number, signal: AbortSignal | null): Promise<void> {
  if (signal === null) return await sleep(delay)
  try {
    await cancelOnAbort(sleep(delay), signal)
  } catch (error) {
    throw signal.aborted && (error as Error).cause === signal.reason ? signal.reason : error
  }
}

/**
 * Turns the request of a handler into a URL and options, because the platform's `fetch` cannot read that request object.
 */
function toPlatform(
  input: string | URL | Request,
  init: RequestInit,
): [string | URL | Request, RequestInit] {
  if (IncomingRequest.ownerOf(input) === null) return [input, init]
  const { url, method, headers, body } = input as Request
  const passed = new Headers(headers)
  // These headers describe the connection on which the request came. They are wrong for the connection to the next server,
  // so they are not passed on.
  for (const name of [
    'connection',
    'host',
    'keep-alive',
    'transfer-encoding',
    'expect',
    'upgrade',
  ]) {
    passed.delete(name)
  }
  return [
    url,
    { method, headers: passed, ...(body === null ? {} : { body, duplex: 'half' }), ...init },
  ]
}

/**
 * Returns the milliseconds that a `Retry-After` header asks the client to wait, at most `longestWait`. The header holds
 * seconds or a date. Returns null if there is no such header, or its value is invalid.
 */
function retryAfter(response: Response): number | null {
  const value = response.headers.get('retry-after')
  if (value === null) return null
  const seconds = Number(value)
  const delay = Number.isNaN(seconds) ? Date.parse(value) - Date.now() : seconds * 1_000
  return Number.isNaN(delay) ? null : Math.min(Math.max(delay, 0), longestWait)
}

async function fetchOnce(
  target: string | URL | Request,
  init: RequestInit,
  timeout: number | undefined,
  given: AbortSignal | null,
): Promise<Response> {
  const controller = new AbortController()
  const signals = [controller.signal]
  if (given !== null) signals.push(given)
  if (timeout !== undefined && timeout !== Infinity) {
    signals.push(AbortSignal.timeout(Math.min(Math.ceil(timeout), 0x7fff_ffff)))
  }
  const signal = signals.length === 1 ? controller.signal : AbortSignal.any(signals)
  const call = new Call(controller, signal, timeout, describeRequest(target, init))
  const { body } = init
  const sent = isStream(body)
    ? {
        ...init,
        body: inThisContext(body instanceof ReadableStream ? body : ReadableStream.from(body)),
        signal,
      }
    : { ...init, signal }
  const response = await call.wait(() => globalThis.fetch(target, sent))
  return call.watch(response)
}

/**
 * Returns a stream like `body` whose source runs in the asynchronous context of this call, so that the waits of the source
 * belong to the code that sends the request. The platform may read a body in another context. If an earlier request used
 * the same connection, that may be the context of a scope that was cancelled and has ended, and no wait may begin there.
 */
function inThisContext(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  const pull = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
    const { done, value } = await reader.read()
    if (done) controller.close()
    else controller.enqueue(value)
  }
  return new ReadableStream<Uint8Array>(
    {
      pull: AsyncLocalStorage.bind(pull),
      cancel: AsyncLocalStorage.bind((reason: unknown) => reader.cancel(reason)),
    },
    { highWaterMark: 0 },
  )
}

/** Returns the method and the URL of a request. The URL has no query, because a query may hold secrets. */
function describeRequest(target: string | URL | Request, init: RequestInit): string {
  const isRequest = target instanceof Request
  const method = init.method ?? (isRequest ? target.method : 'GET')
  const url = String(isRequest ? target.url : target)
  return `${method.toUpperCase()} ${url.replace(/[?#].*/s, '')}`
}

/** Returns the body that the platform has made for `response`, even if the property `body` was replaced by `watch`. */
function bodyOf(response: Response): unknown {
  return Reflect.get(Response.prototype, 'body', response)
}

/** One request to a server, and the reading of its response. */
class Call {
  readonly #controller: AbortController
  readonly #signal: AbortSignal
  readonly #timeout: number | undefined
  readonly #request: string
  #hasHead = false

  constructor(
    controller: AbortController,
    signal: AbortSignal,
    timeout: number | undefined,
    request: string,
  ) {
    this.#controller = controller
    this.#signal = signal
    this.#timeout = timeout
    this.#request = request
  }

  /** Waits for a promise of the platform's `fetch`. A cancel ends the wait at once, and aborts the call. */
  async wait<T>(begin: () => Promise<T>): Promise<T> {
    const ended = new DetailedFuture<T>(() => this.#details())
    try {
      begin().then(
        (value) => {
          if (!ended.done()) ended.setResult(value)
        },
        // After a cancel the error is of no interest, because the cancel has aborted the call.
        (error: unknown) => {
          if (!ended.done()) ended.setException(error)
        },
      )
      return await ended
    } catch (error) {
      if (isCancelled(error)) this.abort(error)
      throw this.#explain(error)
    }
  }

  #details(): WaitDetails {
    const part = this.#hasHead ? 'the body of an answer' : 'an answer'
    return { kind: 'http', label: `${part} of ${this.#request}` }
  }

  abort(reason: CancelledError): void {
    this.#controller.abort(reason)
  }

  #explain(error: unknown): unknown {
    const isTimeout =
      this.#signal.aborted && (this.#signal.reason as Error | undefined)?.name === 'TimeoutError'
    if (!isTimeout || this.#timeout === undefined || isCancelled(error)) return error
    const missed = this.#hasHead ? 'send the whole body' : 'answer'
    return new TimeoutError(`the server did not ${missed} within ${this.#timeout} ms`, {
      cause: error,
    })
  }

  /** Changes `response` so that each read of its body is a wait of the code that reads, and returns `response`. */
  watch(response: Response): Response {
    this.#hasHead = true
    const { body } = response
    if (body === null) return response
    let stream: ReadableStream<Uint8Array> | null = null
    const watched = (): ReadableStream<Uint8Array> => {
      if (stream === null) {
        stream = this.#watchStream(response)
        noteDecoding(stream, response.headers)
      }
      return stream
    }
    const clone = (): Response => {
      if (stream?.locked === true) throw new TypeError('the body of the response is locked')
      return this.watch(Response.prototype.clone.call(response))
    }
    Object.defineProperty(response, 'clone', { configurable: true, writable: true, value: clone })
    Object.defineProperty(response, 'body', { configurable: true, get: watched })
    for (const name of ['arrayBuffer', 'blob', 'bytes', 'formData', 'json', 'text'] as const) {
      const read = response[name]
      const value = (): Promise<unknown> =>
        this.wait<unknown>(() =>
          stream === null
            ? read.call(response)
            : new Response(stream, { headers: response.headers })[name](),
        )
      Object.defineProperty(response, name, { configurable: true, writable: true, value })
    }
    return response
  }

  #watchStream(response: Response): ReadableStream<Uint8Array> {
    let taken: ReadableStreamDefaultReader<Uint8Array> | null = null
    // The body is taken at the first read, because `clone` gives the response another body.
    const reader = (): ReadableStreamDefaultReader<Uint8Array> =>
      (taken ??= (bodyOf(response) as ReadableStream<Uint8Array>).getReader())
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const { done, value } = await this.wait(() => reader().read())
          if (done) controller.close()
          else controller.enqueue(value)
        },
        cancel: (reason) => reader().cancel(reason),
      },
      { highWaterMark: 0 },
    )
  }
}
