import { Future } from '@tasktree/core'
import { checkDuration, describe } from '@tasktree/core/lowlevel'
import { createServer, type IncomingMessage } from 'node:http'
import { createSecureServer, type SecureServerOptions } from 'node:http2'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { acceptRequest, checkHandler } from './accept-request.ts'
import type { Handler } from './handler-exchange.ts'
import { HttpServer, type NodeServer } from './http-server.ts'
import type { Incoming, Outgoing } from './node-messages.ts'
import { type HandlerOptions, Service } from './service.ts'
import { Upgrade, type UpgradeHandler } from './upgrade.ts'

/** Limits that node:http sets for clients, in bytes and milliseconds. A limit that is left out has the default of Node. */
export interface Limits {
  /** How many bytes the head of a request may have. */
  maxHeaderSize?: number | undefined
  /** How long a client may take to send the head. */
  headersTimeout?: number | undefined
  /** How long a client may take to send a whole request. */
  requestTimeout?: number | undefined
  /** How long an idle connection stays open. */
  keepAliveTimeout?: number | undefined
  /** The time between two checks of `headersTimeout` and `requestTimeout`. */
  connectionsCheckingInterval?: number | undefined
}

export interface ServeOptions extends HandlerOptions {
  /** The port to listen on. With 0 the system chooses a free port, which `server.url` shows. @defaultValue 0 */
  port?: number | undefined
  /** @defaultValue '127.0.0.1' */
  host?: string | undefined
  /** The path of a Unix socket, instead of a port. */
  path?: string | undefined
  /** The key, the certificate and other options of node:tls. The server then speaks HTTP/2 as well. */
  tls?: SecureServerOptions | undefined
  /** How many milliseconds running requests have to end when the server stops. @defaultValue 5000 */
  grace?: number | undefined
  /**
   * How many milliseconds the server still accepts requests after a call of its `stop()`. During this time the function
   * `ready()`, with which a handler answers a health check, answers 503, so that load balancers send their requests to other
   * servers.
   *
   * @defaultValue 0
   */
  drainDelay?: number | undefined
  /**
   * Whether a client that has ended its own side of the connection still gets its response. If false, the server treats
   * such a client as gone.
   *
   * @defaultValue false
   */
  httpAllowHalfOpen?: boolean | undefined
  /** Called when a client wants to upgrade its connection. Without this option, such a request goes to `handler`. */
  onUpgrade?: UpgradeHandler | undefined
  limits?: Limits | undefined
}

/**
 * Listens, and calls `handler` for each request in a task of its own, named after the request (`GET /path`). The task is
 * cancelled when the client leaves before the response is finished, when the deadline passes, and when it still runs after
 * the time that a stop of the server gives to running requests. Other requests are not affected.
 *
 * If `handler` throws an error, the client gets status 500 without details, and `onError` gets the error. A `Response`
 * that the handler throws is sent. If the head was sent before the error, the server resets the connection.
 *
 * @throws {TypeError} for wrong arguments, before anything is opened
 * @throws {RangeError} for arguments whose value is out of range, before anything is opened
 * @throws the error of node:net when the server cannot listen
 *
 * @example
 *     await using server = await serve(
 *       async (request) => new Response(`hello ${new URL(request.url).pathname}`),
 *       { deadline: 10_000 },
 *     )
 *     console.log(await (await fetch(`${server.url}/ada`)).text()) // hello /ada
 */
export function serve(handler: Handler, options: ServeOptions = {}): Promise<HttpServer> {
  checkHandler('serve', handler)
  const service = new Service(options)
  checkServeOptions(options)
  return listen(service, handler, options)
}

async function listen(
  service: Service,
  handler: Handler,
  options: ServeOptions,
): Promise<HttpServer> {
  const { port = 0, host = '127.0.0.1', path, tls, onUpgrade } = options
  const { grace = 5_000, drainDelay = 0, httpAllowHalfOpen = false, limits = {} } = options
  const server: NodeServer =
    tls === undefined
      ? createServer(limits as object)
      : createSecureServer({ ...limits, ...tls, allowHTTP1: true } as SecureServerOptions)
  if (httpAllowHalfOpen) (server as { httpAllowHalfOpen?: boolean }).httpAllowHalfOpen = true
  server.on('request', (incoming: Incoming, outgoing: Outgoing) =>
    acceptRequest(service, handler, incoming, outgoing),
  )
  server.on('checkContinue', (incoming: Incoming, outgoing: Outgoing) =>
    acceptRequest(service, handler, incoming, outgoing, true),
  )
  if (onUpgrade !== undefined) {
    server.on('upgrade', (incoming: IncomingMessage, socket: Duplex, head: Buffer) =>
      new Upgrade(service, incoming, socket).begin(onUpgrade, head),
    )
  }
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  const listening = new Future<void>()
  server.once('error', (error) => {
    if (!listening.done()) listening.setException(error)
  })
  server.listen(path === undefined ? { port, host } : { path }, () => {
    if (!listening.done()) listening.setResult()
  })
  try {
    await listening
  } catch (error) {
    server.close()
    throw error
  }
  return new HttpServer(server, service, sockets, {
    grace,
    drainDelay,
    host,
    path,
    isTls: tls !== undefined,
  })
}

function checkServeOptions(options: ServeOptions): void {
  const { port, host, path, tls, grace, drainDelay, httpAllowHalfOpen, onUpgrade, limits } = options
  if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port <= 65_535)) {
    const error = typeof port === 'number' ? RangeError : TypeError
    throw new error(`the option port must be a whole number from 0 to 65535, got ${describe(port)}`)
  }
  if (path !== undefined && (port !== undefined || host !== undefined)) {
    throw new TypeError('serve takes a path, or a host and a port, not both')
  }
  for (const [name, value] of Object.entries({ host, path })) {
    if (value === undefined || (typeof value === 'string' && value !== '')) continue
    throw new TypeError(
      `the option ${name} must be a string that is not empty, got ${describe(value)}`,
    )
  }
  for (const [name, value] of Object.entries({ tls, limits })) {
    if (value === undefined || (typeof value === 'object' && value !== null)) continue
    throw new TypeError(`the option ${name} must be an object, got ${describe(value)}`)
  }
  if (grace !== undefined) checkDuration('the option grace', grace)
  if (drainDelay !== undefined) checkDuration('the option drainDelay', drainDelay)
  if (httpAllowHalfOpen !== undefined && typeof httpAllowHalfOpen !== 'boolean') {
    throw new TypeError(
      `the option httpAllowHalfOpen must be a boolean, got ${describe(httpAllowHalfOpen)}`,
    )
  }
  if (onUpgrade !== undefined && typeof onUpgrade !== 'function') {
    throw new TypeError(`the option onUpgrade must be a function, got ${describe(onUpgrade)}`)
  }
}
