import { Future } from '@tasktree/core'
import { describe } from '@tasktree/core/lowlevel'
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
import { checkHost, checkPath, checkPort } from './target.ts'
import { checkTls, HANDSHAKE_TIMEOUT, type TlsOptions } from './tls.ts'
import { clearSocketPath, SocketFile } from './unix-path.ts'

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
  /** Lets several processes listen at one port; the system deals connections out to them. */
  reusePort?: boolean | undefined
  /** Above it new connections are closed at once. */
  maxConnections?: number | undefined
  /** False: it is made, and listens from `startServing()` on. @defaultValue true */
  startServing?: boolean | undefined
  /** Whether closing removes a Unix socket's file, unless another one has taken its place. @defaultValue true */
  cleanupSocket?: boolean | undefined
}

/** One listening socket. */
export interface Listener {
  readonly server: Server
  close(): void
}

export interface Listening {
  /** A connection that has its TLS handshake before it. */
  handshake(socket: Socket): void
  accept(socket: Socket): void
  failed(error: Error): void
  handshakeFailed(error: Error): void
}

/** @throws {TypeError} {@link RangeError} what can be told before anything is opened */
export function checkListenerOptions(options: ListenerOptions): void {
  const { path, port, host, backlog, maxConnections, tls } = options
  if (path !== undefined) checkPath(path)
  if (port !== undefined) checkPort(port)
  if (host !== undefined) checkHost(host)
  checkCount('backlog', backlog)
  checkCount('maxConnections', maxConnections)
  if (tls !== undefined) checkTls(tls, 'server')
}

function checkCount(name: string, count: number | undefined): void {
  if (count === undefined) return
  if (typeof count !== 'number') {
    throw new TypeError(`${name} is a number of connections, got ${describe(count)}`)
  }
  if (!(count >= 0)) throw new RangeError(`${name} is 0 or more, got ${count}`)
}

/** Listens at each address; when one fails, none is left. Their events come in turns of the loop. */
export async function listen(options: ListenerOptions, on: Listening): Promise<Listener[]> {
  const { path, port = 0, host } = options
  if (path !== undefined) return [await listenAtPath(path, options, on)]
  if (host === undefined || host === '') return [asListener(await listenOne({ port }, options, on))]
  const servers: Server[] = []
  let chosen = port
  let unavailable: Error | null = null
  try {
    for (const { address } of await addressesOf(host)) {
      try {
        const server = await listenOne({ host: address, port: chosen }, options, on)
        servers.push(server)
        // All addresses of a name share the port that the first was given.
        chosen = (server.address() as AddressInfo).port
      } catch (error) {
        // A machine may name an address of a family that it does not have.
        if (!(error instanceof OSError) || !isUnavailable(error)) throw error
        unavailable = error
      }
    }
    if (servers.length === 0 && unavailable !== null) throw unavailable
    return servers.map(asListener)
  } catch (error) {
    for (const server of servers) server.close()
    throw error
  }
}

function asListener(server: Server): Listener {
  return { server, close: () => void server.close() }
}

async function listenAtPath(
  path: string,
  options: ListenerOptions,
  on: Listening,
): Promise<Listener> {
  try {
    clearSocketPath(path)
  } catch (error) {
    throw toOSError(error)
  }
  const server = await listenOne({ path }, options, on)
  const file = new SocketFile(path, options.cleanupSocket === false)
  return { server, close: () => file.close(server) }
}

function isUnavailable(error: OSError): boolean {
  return error.code === 'EADDRNOTAVAIL' || error.code === 'EAFNOSUPPORT'
}

async function listenOne(
  where: ListenOptions,
  options: ListenerOptions,
  on: Listening,
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
  return server as unknown as Server
}

function make(options: ListenerOptions, on: Listening): Server {
  const { tls } = options
  // Under TLS half-open only from the handshake on: a peer that ends before it would else be waited for.
  const server =
    tls === undefined
      ? createServer({ allowHalfOpen: true, noDelay: true })
      : createTlsServer({ noDelay: true, handshakeTimeout: HANDSHAKE_TIMEOUT, ...tls })
  if (tls === undefined) server.on('connection', (socket) => on.accept(socket))
  else {
    server.on('connection', (socket) => on.handshake(socket))
    server.on('secureConnection', (socket: Socket) => {
      socket.allowHalfOpen = true
      on.accept(socket)
    })
    server.on('tlsClientError', (error: Error, socket: Socket) => {
      socket.destroy()
      on.handshakeFailed(toOSError(error))
    })
  }
  return server
}
