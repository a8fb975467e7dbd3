import { describe } from '@tasktree/core/lowlevel'
import { type Handler, HandlerExchange } from './handler-exchange.ts'
import { type Incoming, isEncrypted, type Outgoing } from './node-messages.ts'
import { enlargeReadAhead } from './incoming-body.ts'
import { urlOf } from './request-url.ts'
import { sendStatus } from './send-status.ts'
import type { Service } from './service.ts'

/** Begins the exchange of a request, or refuses it without calling the handler. */
export function acceptRequest(
  service: Service,
  handler: Handler,
  incoming: Incoming,
  outgoing: Outgoing,
  awaitsContinue: boolean = false,
): void {
  if (service.isFull()) {
    sendStatus(outgoing, 503, { 'retry-after': '1' })
    return
  }
  const url = requestUrl(incoming)
  if (url === null) {
    sendStatus(outgoing, 400, { connection: 'close' })
    return
  }
  const length = incoming.headers['content-length']
  if (length !== undefined) {
    if (Number(length) > service.maxBody) {
      sendStatus(outgoing, 413, awaitsContinue ? { connection: 'close' } : {})
      return
    }
    enlargeReadAhead(incoming)
  } else if (incoming.headers['transfer-encoding'] !== undefined) enlargeReadAhead(incoming)
  const exchange = new HandlerExchange(service, handler, incoming, outgoing, url)
  exchange.awaitsContinue = awaitsContinue
  exchange.begin()
}

export function requestUrl(incoming: Incoming): string | null {
  const { headers } = incoming
  const scheme = isEncrypted(incoming.socket) ? 'https' : 'http'
  const host = (headers[':authority'] as string | undefined) ?? headers.host ?? 'localhost'
  return urlOf(scheme, host, incoming.url as string)
}

/** @throws {TypeError} when `handler` is not a function */
export function checkHandler(call: string, handler: unknown): void {
  if (typeof handler === 'function') return
  throw new TypeError(
    `${call} takes a function that gets a Request and returns a Response, got ${describe(handler)}`,
  )
}
