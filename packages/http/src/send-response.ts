import { describe } from '@tasktree/core/lowlevel'
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { AsyncLocalStorage } from 'node:async_hooks'
import { BodyReader } from './response-body-reader.ts'
import { isDecoded } from './decoded-body.ts'
import { ClientGoneError, holds } from './errors.ts'
import { type Incoming, isHttp2, type Outgoing } from './node-messages.ts'
import { hasNoBody, plainOf, type PlainResponse } from './response.ts'

/**
 * Headers that describe one connection. They are removed from the response of a handler, because node:http frames the body
 * itself, and because a response that the handler has received from another server describes the connection with that
 * server. `Connection: close` is kept: the server then closes the connection after the response.
 */
const connectionHeaders = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])
const closing = /(?:^|,)\s*close\s*(?:,|$)/i

/** The exchange, or the refused upgrade, whose response is sent. */
export interface Sender {
  readonly incoming: Incoming
  readonly outgoing: Outgoing
  readonly isClosed: boolean
  readonly signal: AbortSignal
  mustClose(): boolean
  /** Reports an error that the source of a body has thrown in its clean-up, unless the error is the cancel itself. */
  reportUnlessCancelled(error: unknown): void
}

/** Whether `value` is a `Response` of the platform, or of another library such as undici. */
export function isResponse(value: unknown): value is Response {
  return holds(
    () =>
      value instanceof Response ||
      (typeof value === 'object' &&
        value !== null &&
        'status' in value &&
        typeof value.status === 'number' &&
        'headers' in value &&
        typeof value.headers === 'object' &&
        value.headers !== null &&
        Symbol.iterator in value.headers &&
        'body' in value),
  )
}

/**
 * Sends `response` to the client. Returns null if it was sent at once, otherwise a promise that resolves when the body was
 * sent. A cancel ends the sending and the source of the body.
 *
 * @throws {TypeError} if `response` is not a Response, or its body was read already
 */
export function sendResponse(sender: Sender, response: Response): Promise<void> | null {
  const plain = plainOf(response)
  if (plain !== null) {
    sendPlain(sender, plain)
    return null
  }
  if (!isResponse(response)) {
    throw new TypeError(`the handler must return a Response, got ${describe(response)}`)
  }
  const { outgoing } = sender
  const { status, statusText, body } = response
  if (body !== null && (response.bodyUsed || body.locked)) {
    throw new TypeError('the body of the response was read already, or is locked')
  }
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new TypeError(`the status of a response must be 200 to 599, got ${describe(status)}`)
  }
  const headers = collectHeaders(response.headers)
  if (body !== null && isDecoded(body)) {
    delete headers['content-encoding']
    delete headers['content-length']
  }
  const length = headers['content-length']
  if (length !== undefined && !/^\d+$/.test(String(length))) {
    throw new TypeError(`the content-length of a response must be digits, got ${describe(length)}`)
  }
  if (sender.isClosed || outgoing.writableEnded) {
    return body === null ? null : body.cancel(new ClientGoneError())
  }
  if (body === null || sender.incoming.method === 'HEAD' || hasNoBody(status)) {
    if (body === null && !hasNoBody(status)) headers['content-length'] ??= '0'
    writeHead(sender, status, statusText, headers)
    outgoing.end()
    return body === null ? null : body.cancel()
  }
  return sendStream(sender, body, () => writeHead(sender, status, statusText, headers), headers)
}

function sendPlain(sender: Sender, plain: PlainResponse): void {
  const { outgoing } = sender
  if (sender.isClosed || outgoing.writableEnded) return
  const { status, body } = plain
  const headers = { ...plain.headers }
  if (!hasNoBody(status)) {
    const length =
      body === null ? 0 : typeof body === 'string' ? Buffer.byteLength(body) : body.length
    headers['content-length'] = length
  }
  writeHead(sender, status, plain.statusText, headers)
  if (body === null || sender.incoming.method === 'HEAD') outgoing.end()
  else outgoing.end(body)
}

function writeHead(
  sender: Sender,
  status: number,
  statusText: string,
  headers: OutgoingHttpHeaders,
): void {
  const outgoing = sender.outgoing as ServerResponse
  const { connection, upgrade } = headers
  for (const name in headers) if (connectionHeaders.has(name)) delete headers[name]
  if (hasNoBody(status)) delete headers['content-length']
  if (isHttp2(sender.outgoing)) {
    outgoing.writeHead(status, headers)
    return
  }
  if (sender.mustClose() || (connection !== undefined && closing.test(String(connection)))) {
    headers.connection = 'close'
  }
  // A response 426 (Upgrade Required) must name the protocol.
  if (status === 426 && upgrade !== undefined) headers.upgrade = upgrade
  if (statusText === '') outgoing.writeHead(status, headers)
  else outgoing.writeHead(status, statusText, headers)
}

function collectHeaders(headers: Headers): OutgoingHttpHeaders {
  // The object has no prototype, because a header may have the name of a property of objects, such as `constructor`.
  const collected = Object.create(null) as OutgoingHttpHeaders
  for (const [name, value] of headers) {
    const known = collected[name]
    // Only Set-Cookie comes several times, because its values cannot be joined.
    if (known === undefined) collected[name] = value
    else collected[name] = Array.isArray(known) ? [...known, value] : [String(known), value]
  }
  return collected
}

async function sendStream(
  sender: Sender,
  body: ReadableStream<Uint8Array>,
  sendHead: () => void,
  headers: OutgoingHttpHeaders,
): Promise<void> {
  // A cancelled request does not wait for the clean-up of the source, so an error of that clean-up is reported.
  const reader = new BodyReader(body, (error) => sender.reportUnlessCancelled(error))
  const outgoing = sender.outgoing as ServerResponse
  try {
    const { hasBegun, whole } = await reader.look()
    const given = headers['content-length']
    if (given !== undefined) {
      if (whole !== null && Number(given) !== whole.byteLength) {
        throw new TypeError(
          `the body has ${whole.byteLength} bytes, and its content-length is ${given}`,
        )
      }
      outgoing.strictContentLength = true
    } else if (whole !== null) headers['content-length'] = whole.byteLength
    if (sender.isClosed || outgoing.writableEnded) {
      reader.cancel(new ClientGoneError())
      return
    }
    sendHead()
    if (whole !== null) {
      outgoing.end(whole)
      return
    }
    // If the source is slow to give its first part, as a source of events is, the client gets the head at once.
    if (!hasBegun) outgoing.flushHeaders()
    await sendParts(sender, reader)
    outgoing.end()
  } catch (error) {
    reader.cancel(error)
    throw error
  }
}

/** Sends the parts of a body as they come, until the body has ended or the request is cancelled. */
async function sendParts(sender: Sender, reader: BodyReader): Promise<void> {
  const { outgoing, signal } = sender
  // The source must be cancelled in the turn of the cancel. The same cancel also interrupts a wait in its `pull`, and a
  // stream whose `pull` has thrown does not call `cancel` any more.
  const onAbort = AsyncLocalStorage.bind(() => reader.cancel(signal.reason))
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    await reader.sendTo(outgoing as ServerResponse)
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
