import { describe } from '@tasktree/core/lowlevel'
import { IncomingRequest } from './incoming-request.ts'
import { type Incoming, isEncrypted } from './node-messages.ts'

/** Where a request came from. */
export interface Connection {
  /** The address of the peer; undefined for a Unix socket, and after the connection has closed. */
  readonly remoteAddress: string | undefined
  readonly remotePort: number | undefined
  /** Whether the connection uses TLS. */
  readonly encrypted: boolean
  /** The request of node:http or node:http2. */
  readonly rawRequest: Incoming
}

/** Maps the request object of another library, such as Hono, to the request of Node that it was made from. */
const known = new WeakMap<object, Incoming>()

export function rememberRaw(request: object, incoming: Incoming): void {
  known.set(request, incoming)
}

/**
 * Returns where `request` came from: the peer's address, and the raw request of Node.
 *
 * @throws {TypeError} when this package did not pass `request` to a handler
 *
 * @example
 *     await using server = await serve((request) => new Response(connection(request).remoteAddress))
 *     console.log(await (await fetch(server.url)).text()) // 127.0.0.1
 */
export function connection(request: Request): Connection {
  const rawRequest = IncomingRequest.ownerOf(request)?.incoming ?? known.get(request)
  if (rawRequest === undefined) {
    throw new TypeError(
      `connection() takes the request that a handler was given, got ${describe(request)}`,
    )
  }
  const { socket } = rawRequest
  return {
    remoteAddress: socket.remoteAddress,
    remotePort: socket.remotePort,
    encrypted: isEncrypted(socket),
    rawRequest,
  }
}
