import { Future } from '@tasktree/core'
import { checkCount, describe } from '@tasktree/core/lowlevel'
import { AddressInUseError, OSError, toOSError } from '@tasktree/streams'
import type { LookupAddress } from 'node:dns'
import {
  type AddressInfo,
  createServer,
  type ListenOptions,
  type Server,
  type Socket,
} from 'node:net'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { addressesOf, distinct } from './addresses.ts'
import { keepAliveOf } from './happy-eyeballs.ts'
import { cancelUnawaited } from './cancel-unawaited.ts'
import { runOutsideTasks } from './run-outside-tasks.ts'
import { checkFlag, checkHost, checkKeepAlive, checkPath, checkPort } from './target.ts'
import {
  checkCertificate,
  checkTimeout,
  checkTls,
  NODE_LONGEST,
  type TlsOptions,
  toHandshakeError,
} from './tls.ts'
import { clearSocketPath, SocketFile } from './unix-path.ts'

export interface ListenTarget {
  /**
   * The hosts to listen at. The server listens at each address of a host name, and only once at each address. Without a
   * host the server listens at every address of the machine.
   */
  host?: string | readonly string[] | undefined
  /**
   * The port to listen at. With 0, the default, the system chooses a free port, which the property `sockets` of the
   * Server shows.
   */
  port?: number | undefined
  /** The path of a Unix socket, instead of host and port. */
  path?: string | undefined
  /**
   * The number of an inherited file descriptor that is already listening, such as 3 under systemd; instead of host and
   * port.
   */
  fd?: number | undefined
}

export interface ListenerOptions extends ListenTarget {
  tls?: TlsOptions | undefined
  /**
   * How many milliseconds `close()` of a TLS connection may take, before the connection is cut. If this option is given,
   * here or in `tls`, `close()` also waits for the peer to end TLS. This value has priority over the one in `tls`.
   *
   * @defaultValue 30000, without waiting for the peer
   */
  sslShutdownTimeout?: number | undefined
  /** How many connections the system keeps until the server accepts them. @defaultValue 511, as in Node */
  backlog?: number | undefined
  /** Whether several processes may listen at the same port; the system distributes the connections among them. */
  reusePort?: boolean | undefined
  /**
   * Whether a server at an IPv6 address accepts only IPv6 connections. @defaultValue true if the server also listens at
   * an IPv4 address
   */
  ipv6Only?: boolean | undefined
  /** Whether the system sends small writes to a client at once, without collecting them. @defaultValue true */
  noDelay?: boolean | undefined
  /**
   * Whether the system checks that a silent client is still there. A number is the milliseconds before the first check.
   * @defaultValue false
   */
  keepAlive?: boolean | number | undefined
  /** The most connections at the same time. Further connections are closed at once. */
  maxConnections?: number | undefined
  /**
   * Whether the server listens at once. With false, it listens from the call of `startServing()` on. @defaultValue true
   */
  startServing?: boolean | undefined
  /**
   * Whether closing the server removes the file of its Unix socket. A file that another server has put there stays.
   * @defaultValue true
   */
  cleanupSocket?: boolean | undefined
}

/** One listening socket. */
export interface Listener {
  readonly server: Server
  /** The path of a Unix socket; null for TCP. */
  readonly path: string | null
  /**
   * Closes the listener. Never throws. @returns the error with which removing a Unix socket's file has failed, or null
   */
  close(): Error | null
}

/** The events of the listeners of one server. */
export interface ListenerEvents {
  /** A client has connected over `plain`, and its TLS handshake begins. */
  handshake(plain: Socket): void
  /** The handshake over `plain` has succeeded. `plain` is null if the runtime does not tell the socket. */
  secured(plain: Socket | null): void
  accept(socket: Socket): void
  failed(error: Error): void
  handshakeFailed(error: Error): void
}

/**
 * Checks the options before anything is opened.
 *
 * @throws {TypeError} for wrong options
 * @throws {RangeError} for options whose value is out of range
 */
export function checkListenerOptions(options: ListenerOptions): void {
  const { path, port, host, fd, backlog, maxConnections, tls, sslShutdownTimeout } = options
  if (path !== undefined) checkPath(path)
  if (port !== undefined) checkPort(port)
  if (host !== undefined) checkHosts(host)
  if (fd !== undefined) checkDescriptor(fd, options)
  if (backlog !== undefined) checkCount('backlog', backlog, 0)
  if (maxConnections !== undefined) checkCount('maxConnections', maxConnections, 0)
  for (const name of FLAGS) checkFlag(name, options[name])
  checkKeepAlive(options.keepAlive)
  if (tls !== undefined) {
    checkTls(tls, 'server')
    checkCertificate(tls)
  }
  if (sslShutdownTimeout !== undefined) checkTimeout('sslShutdownTimeout', sslShutdownTimeout)
}

const FLAGS = ['reusePort', 'ipv6Only', 'noDelay', 'startServing', 'cleanupSocket'] as const

function checkHosts(host: unknown): void {
  if (!Array.isArray(host)) {
    checkHost(host)
    return
  }
  if (host.length === 0) throw new RangeError('host has at least one name or address, got none')
  for (const one of host) checkHost(one)
}

function checkDescriptor(fd: unknown, { host, port, path }: ListenTarget): void {
  if (typeof fd !== 'number') {
    throw new TypeError(`fd is the number of a descriptor, got ${describe(fd)}`)
  }
  if (!Number.isInteger(fd) || fd < 0) {
    throw new RangeError(`fd is a whole number, 0 or more, got ${fd}`)
  }
  if (host !== undefined || port !== undefined || path !== undefined) {
    throw new TypeError('fd listens already: it takes no host, port or path')
  }
}

/**
 * With several addresses and port 0, the first address gets a free port. If that port is in use at another address, the
 * server tries again with another free port. It tries at most this many ports.
 */
const PORT_ATTEMPTS = 8

/**
 * Listens at each address. An address that the machine does not have, or whose family it does not support, is left out
 * unless there is no other. If listening fails in another way, all listeners are closed again. The functions in `on` are
 * called in turns of the loop, outside of every task.
 */
export async function listen(options: ListenerOptions, on: ListenerEvents): Promise<Listener[]> {
  const { path, fd, port = 0, host } = options
  if (path !== undefined) return [await listenAtPath(path, options, on)]
  if (fd !== undefined) return [asListener(await listenOne({ fd }, options, on))]
  const hosts = typeof host === 'string' ? [host] : (host ?? [''])
  if (hosts.includes('')) return [asListener(await listenOne({ port }, options, on))]
  const found = await Promise.all(hosts.map((one) => addressesOf(one)))
  const addresses = distinct(found.flat())
  for (let attempt = 1; ; attempt++) {
    try {
      return await listenAtAll(addresses, port, options, on)
    } catch (error) {
      const isTaken = error instanceof AddressInUseError && addresses.length > 1
      if (port !== 0 || !isTaken || attempt === PORT_ATTEMPTS) throw error
    }
  }
}

async function listenAtAll(
  addresses: readonly LookupAddress[],
  port: number,
  options: ListenerOptions,
  on: ListenerEvents,
): Promise<Listener[]> {
  const hasIpv4 = addresses.some(({ family }) => family === 4)
  const servers: Server[] = []
  let chosen = port
  let unavailable: Error | null = null
  try {
    for (const { address, family } of addresses) {
      // A listener at "::" would also use the IPv4 port, and would collide with the IPv4 listener of the same server.
      const ipv6Only = family === 6 ? (options.ipv6Only ?? hasIpv4) : undefined
      try {
        const server = await listenOne(
          { host: address, port: chosen },
          { ...options, ipv6Only },
          on,
        )
        servers.push(server)
        // All addresses of a name share the port that the first address got.
        chosen = (server.address() as AddressInfo).port
      } catch (error) {
        // A host name may have addresses of a family that the machine does not support.
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
  return {
    server,
    path: null,
    close() {
      server.close()
      return null
    },
  }
}

async function listenAtPath(
  path: string,
  options: ListenerOptions,
  on: ListenerEvents,
): Promise<Listener> {
  try {
    clearSocketPath(path)
  } catch (error) {
    throw toOSError(error)
  }
  const server = await listenOne({ path }, options, on)
  const file = new SocketFile(path, options.cleanupSocket === false)
  return { server, path, close: () => file.close(server) }
}

function isUnavailable(error: OSError): boolean {
  return error.code === 'EADDRNOTAVAIL' || error.code === 'EAFNOSUPPORT'
}

async function listenOne(
  where: ListenOptions & { fd?: number },
  options: ListenerOptions,
  on: ListenerEvents,
): Promise<Server> {
  const listening = new Future<void>()
  const settle = (error?: Error): void => {
    if (listening.done()) return
    if (error === undefined) listening.setResult()
    else listening.setException(toOSError(error))
  }
  const more: ListenOptions & { fd?: number } = {
    ...where,
    ...(options.backlog === undefined ? {} : { backlog: options.backlog }),
    ...(options.reusePort === undefined ? {} : { reusePort: options.reusePort }),
    ...(options.ipv6Only === undefined ? {} : { ipv6Only: options.ipv6Only }),
  }
  let server: Server | null = null
  try {
    await runOutsideTasks(() => {
      server = make(options, on)
      server.on('error', (error) => {
        if (listening.done()) on.failed(toOSError(error))
        else settle(error)
      })
      server.listen(more, settle)
    })
    await listening
  } catch (error) {
    cancelUnawaited(listening)
    ;(server as Server | null)?.close()
    throw error
  }
  return server as unknown as Server
}

function make(options: ListenerOptions, on: ListenerEvents): Server {
  const { tls } = options
  const common = { noDelay: options.noDelay ?? true, ...keepAliveOf(options.keepAlive) }
  if (tls === undefined) {
    return createServer({ ...common, allowHalfOpen: true }).on('connection', (socket) =>
      on.accept(socket),
    )
  }
  // `allowHalfOpen` is set only after the handshake. If it were set before, the server would wait for a peer that ends
  // its side during the handshake.
  const server = createTlsServer({ ...common, ...tls, handshakeTimeout: NODE_LONGEST })
  server.on('connection', (socket) => on.handshake(socket))
  server.on('secureConnection', (socket: TLSSocket) => {
    socket.allowHalfOpen = true
    on.secured(plainOf(socket))
    on.accept(socket)
  })
  server.on('tlsClientError', (error: Error, socket: TLSSocket) => {
    socket.destroy()
    on.handshakeFailed(toHandshakeError(error, socket))
  })
  return server
}

/**
 * Returns the plain socket of a TLS socket. Node has only a private property for it; null on a runtime without that
 * property.
 */
function plainOf(secure: TLSSocket): Socket | null {
  return (secure as { _parent?: Socket })._parent ?? null
}
