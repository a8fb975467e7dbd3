/**
 * Finds out that the client of a response has gone. The close of the response decides, not the end of the request: Node
 * reports the end of a request also for a client that still waits for its response.
 */
import type { Socket } from 'node:net'
import { type Incoming, isHttp2, type Outgoing, streamOf } from './node-messages.ts'

/**
 * Whether the client left before the response was finished. Must be called when the response is closed. For
 * HTTP/2 the code of the reset decides, because `writableFinished` is true even after a reset of the stream.
 */
export function hasGone(outgoing: Outgoing): boolean {
  const stream = streamOf(outgoing)
  if (stream !== undefined) return !outgoing.writableEnded || stream.rstCode !== 0
  return !outgoing.writableFinished
}

/** Calls `listener` once or twice: when the response closes, and perhaps when the connection for the response closes. */
export function onClosed(incoming: Incoming, outgoing: Outgoing, listener: () => void): void {
  outgoing.on('close', listener)
  // A pipelined response has no socket before its turn. If the connection closes before that, Node 22 emits no `close` on
  // the response.
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
