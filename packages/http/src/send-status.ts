import { type OutgoingHttpHeaders, type ServerResponse, STATUS_CODES } from 'node:http'
import { isHttp2, type Outgoing } from './node-messages.ts'

/** Sends a response with `status` and no body. Does nothing when a head was sent already. */
export function sendStatus(
  outgoing: Outgoing,
  status: number,
  headers: OutgoingHttpHeaders = {},
): void {
  if (outgoing.headersSent || outgoing.writableEnded) return
  const response = outgoing as ServerResponse
  const all: OutgoingHttpHeaders = { 'content-length': 0, ...headers }
  if (isHttp2(outgoing)) delete all.connection
  // Headers that a framework has set for its own response must not be sent with this one.
  for (const name of response.getHeaderNames()) response.removeHeader(name)
  // If Node has refused the head of an earlier attempt, the text of its status is still set.
  if (!isHttp2(outgoing)) response.statusMessage = STATUS_CODES[status] ?? ''
  response.writeHead(status, all)
  response.end()
}
