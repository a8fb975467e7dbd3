import type { ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type Outgoing, streamOf } from './node-messages.ts'

/** The HTTP/2 error code INTERNAL_ERROR (`NGHTTP2_INTERNAL_ERROR` in Node). */
const internalError = 2

/** Ends the response so that the client cannot mistake it for a complete response. */
export function resetResponse(outgoing: Outgoing): void {
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
