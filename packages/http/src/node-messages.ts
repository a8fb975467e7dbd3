import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse, ServerHttp2Stream } from 'node:http2'

/** A request of node:http, or of the compatibility API of node:http2. */
export type Incoming = IncomingMessage | Http2ServerRequest
export type Outgoing = ServerResponse | Http2ServerResponse

/** Returns the stream of a message over HTTP/2; undefined for a message over HTTP/1. */
export function streamOf(message: Incoming | Outgoing): ServerHttp2Stream | undefined {
  return (message as { stream?: ServerHttp2Stream }).stream
}

export function isHttp2(message: Incoming | Outgoing): message is Http2ServerResponse {
  return streamOf(message) !== undefined
}

/** Whether the connection uses TLS. */
export function isEncrypted(socket: object): boolean {
  return 'encrypted' in socket
}
