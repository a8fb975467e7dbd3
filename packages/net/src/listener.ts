import { Future } from '@tasktree/core'
import { OSError, toOSError } from '@tasktree/streams'
import {
  type AddressInfo,
  createServer,
  type ListenOptions,
  type Server,
  type Socket,
} from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { addressesOf } from './addresses.ts'
import { inLoop } from './in-loop.ts'
import { checkPort } from './target.ts'
import type { TlsOptions } from './tls.ts'

export interface ListenTarget {
  /** A name is listened to at each of its addresses; by default every address of the machine. */
  host?: string | undefined
  /** 0, the default, is one that is free: see `sockets`. */
  port?: number | undefined
  /** A Unix socket's path, in place of host and port. */
  path?: string | undefined
}

export interface ListenerOptions extends ListenTarget {
  tls?: TlsOptions | undefined
  /** Connections that wait to be accepted. @defaultValue 511, Node's */
  backlog?: number | undefined
  reusePort?: boolean | undefined
  /** Above it new connections are closed at once. */
  maxConnections?: number | undefined
}

export interface Listening {
  /** A connection that has its TLS handshake before it. */
  handshake(socket: Socket): void
  accept(socket: Socket): void
  failed(error: Error): void
}

/** Listens at each address; when one fails, none is left. Their events come in turns of the loop. */
export async function listen(options: ListenerOptions, on: Listening): Promise<Server[]> {
  const { path, port = 0, host } = options
  if (path !== undefined) return [await listenOne({ path }, options, on, [])]
  checkPort(port)
  if (host === undefined || host === '') return [await listenOne({ port }, options, on, [])]
  const servers: Server[] = []
  let chosen = port
  let unavailable: Error | null = null
  try {
    for (const { address } of await addressesOf(host)) {
      try {
        const server = await listenOne({ host: address, port: chosen }, options, on, servers)
        // All addresses of a name share the port that the first was given.
        chosen = (server.address() as AddressInfo).port
      } catch (error) {
        // A machine may name an address of a family that it does not have.
        if (!(error instanceof OSError) || !isUnavailable(error)) throw error
        unavailable = error
      }
    }
    if (servers.length === 0 && unavailable !== null) throw unavailable
    return servers
  } catch (error) {
    for (const server of servers) server.close()
    throw error
  }
}

function isUnavailable(error: OSError): boolean {
  return error.code === 'EADDRNOTAVAIL' || error.code === 'EAFNOSUPPORT'
}

async function listenOne(
  where: ListenOptions,
  options: ListenerOptions,
  on: Listening,
  servers: Server[],
): Promise<Server> {
  const listening = new Future<void>()
  const settle = (error?: Error): void => {
    if (listening.done()) return
    if (error === undefined) listening.setResult()
    else listening.setException(toOSError(error))
  }
  const more: ListenOptions = {
    ...where,
    ...(options.backlog === undefined ? {} : { backlog: options.backlog }),
    ...(options.reusePort === undefined ? {} : { reusePort: options.reusePort }),
  }
  let server: Server | null = null
  try {
    await inLoop(() => {
      server = make(options, on)
      server.on('error', (error) => {
        if (listening.done()) on.failed(toOSError(error))
        else settle(error)
      })
      server.listen(more, settle)
    })
    await listening
  } catch (error) {
    ;(server as Server | null)?.close()
    throw error
  }
  const made = server as unknown as Server
  servers.push(made)
  return made
}

function make(options: ListenerOptions, on: Listening): Server {
  const { tls, maxConnections } = options
  const half = { allowHalfOpen: true, noDelay: true }
  const server = tls === undefined ? createServer(half) : createTlsServer({ ...half, ...tls })
  if (maxConnections !== undefined) server.maxConnections = maxConnections
  if (tls === undefined) server.on('connection', (socket) => on.accept(socket))
  else {
    server.on('connection', (socket) => on.handshake(socket))
    server.on('secureConnection', (socket: Socket) => on.accept(socket))
    server.on('tlsClientError', (error: Error, socket: Socket) => {
      socket.destroy()
      on.failed(toOSError(error))
    })
  }
  return server
}
