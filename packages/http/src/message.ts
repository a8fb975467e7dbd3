import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse, ServerHttp2Stream } from 'node:http2'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** A request of node:http, or of the compatibility API of node:http2. */
export type Incoming = IncomingMessage | Http2ServerRequest
export type Outgoing = ServerResponse | Http2ServerResponse

/** The HTTP/2 error code INTERNAL_ERROR (`NGHTTP2_INTERNAL_ERROR` in Node). */
const internalError = 2

/** The stream of a message over HTTP/2; undefined over HTTP/1. */
function streamOf(message: Incoming | Outgoing): ServerHttp2Stream | undefined {
  return (message as { stream?: ServerHttp2Stream }).stream
}

export function isHttp2(message: Incoming | Outgoing): message is Http2ServerResponse {
  return streamOf(message) !== undefined
}

/**
 * Whether the client left before the response was finished. Must be called when the response is closed. For
 * HTTP/2 the code of the reset decides, because `writableFinished` is true even after a reset of the stream.
 */
export function hasGone(outgoing: Outgoing): boolean {
  const stream = streamOf(outgoing)
  if (stream !== undefined) return !outgoing.writableEnded || stream.rstCode !== 0
  return !outgoing.writableFinished
}

/** Whether the connection uses TLS. */
export function isEncrypted(socket: object): boolean {
  return 'encrypted' in socket
}

/** Ends the response so that the client cannot mistake it for a complete response. */
export function reset(outgoing: Outgoing): void {
  const stream = streamOf(outgoing)
  if (stream !== undefined) {
    if (!stream.destroyed) stream.close(internalError)
    return
  }
  const { socket } = outgoing as ServerResponse
  if (socket === null || socket.destroyed) outgoing.destroy()
  else resetSocket(socket)
}

/** Closes a connection with a TCP reset where that is possible. */
function resetSocket(socket: Duplex): void {
  // A TLS socket cannot send a TCP reset, so it is only destroyed. The client sees that the TLS session ended without its
  // closing message.
  if (socket.constructor === Socket) (socket as Socket).resetAndDestroy()
  else socket.destroy()
}

/** Calls `listener` once or twice: when the response closes, and perhaps when the connection for the response closes. */
export function onClosed(incoming: Incoming, outgoing: Outgoing, listener: () => void): void {
  outgoing.on('close', listener)
  // A pipelined response has no socket before its turn. If the connection closes before that, Node 22 emits no `close` on
  // it.
  if (outgoing.socket === null && !isHttp2(outgoing)) onSocketClose(incoming.socket, listener)
}

const closeListeners = new WeakMap<Socket, (() => void)[]>()

/** Adds one listener for all pipelined requests of a socket, because Node warns about more than ten listeners. */
function onSocketClose(socket: Socket, listener: () => void): void {
  const known = closeListeners.get(socket)
  if (known !== undefined) {
    known.push(listener)
    return
  }
  const listeners = [listener]
  closeListeners.set(socket, listeners)
  socket.once('close', () => {
    for (const each of listeners) each()
  })
}
