import { type OutgoingHttpHeaders, type ServerResponse, STATUS_CODES } from 'node:http'
import { isHttp2, type Outgoing } from './message.ts'

/** Sends a response of this package, which has no body. Does nothing when the head was sent already. */
export function sendStatus(
  outgoing: Outgoing,
  status: number,
  headers: OutgoingHttpHeaders = {},
): void {
  if (outgoing.headersSent || outgoing.writableEnded) return
  const response = outgoing as ServerResponse
  const all: OutgoingHttpHeaders = { 'content-length': 0, ...headers }
  if (isHttp2(outgoing)) delete all.connection
  // What a framework has set for its own response does not belong to this one.
  for (const name of response.getHeaderNames()) response.removeHeader(name)
  // A head that Node has refused leaves its own text behind.
  if (!isHttp2(outgoing)) response.statusMessage = STATUS_CODES[status] ?? ''
  response.writeHead(status, all)
  response.end()
}
