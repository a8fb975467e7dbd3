import { type EventLoop, Future, timeout, TimeoutError } from '@tasktree/core'
import { cancelOnAbort, describe } from '@tasktree/core/lowlevel'
import { ConnectionResetError } from '@tasktree/streams'
import { isIP, type Socket } from 'node:net'
import {
  connect,
  type ConnectionOptions,
  createServer,
  type DetailedPeerCertificate,
  type TlsOptions as TlsServerOptions,
  type TLSSocket,
} from 'node:tls'
import { cancelUnawaited } from './cancel-unawaited.ts'
import { runOutsideTasks } from './run-outside-tasks.ts'
import { toCertificateError, toNetError } from './tls-errors.ts'

/**
 * The time for a handshake in milliseconds, as in asyncio. Node's default is 120 s for a server, and no limit for a
 * client.
 */
const HANDSHAKE_TIMEOUT = 60_000
/** The time for closing TLS in milliseconds, as in asyncio. */
const SHUTDOWN_TIMEOUT = 30_000
/**
 * The longest timer of Node, in milliseconds. Node's own handshake timer is set to this value, and this package uses a
 * separate timer: Node does not accept Infinity, and restarts its timer with each byte that the peer sends.
 */
export const NODE_LONGEST = 2_147_483_647

/**
 * The options of node:tls, for a client or a server. A certificate is verified unless the options say otherwise.
 * `handshakeTimeout` limits the handshake on both sides, in milliseconds; the default is 60,000. Infinity means no
 * limit.
 */
export interface TlsOptions extends Omit<TlsServerOptions & ConnectionOptions, 'timeout'> {
  /**
   * How long `close()` may take, in milliseconds. After this time the connection is cut and ends with a TimeoutError.
   * By default `close()` waits up to 30 s until the operating system has accepted all bytes and the end message of TLS. On
   * a client of TLS 1.3 it also waits for the first session ticket of the server, or for the end of a server that sends none.
   * Otherwise the ticket would meet a closed socket, and the system would drop the bytes that the server has not received
   * yet.
   * If this option is given, `close()` then also waits for the end message of the peer, as asyncio does. Infinity means
   * no limit.
   *
   * @defaultValue 30000, without waiting for the peer
   */
  sslShutdownTimeout?: number | undefined
}

/**
 * Checks the option `tls` before anything is sent.
 *
 * @throws {TypeError} for wrong options
 * @throws {RangeError} for a time that is out of range
 */
export function checkTls(options: unknown, side: 'client' | 'server'): void {
  if (options === true) {
    if (side === 'client') return
    throw new TypeError('the server side of TLS needs options with key and cert, got true')
  }
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`tls takes the options of node:tls, got ${describe(options)}`)
  }
  const { handshakeTimeout, sslShutdownTimeout } = options as TlsOptions
  if (handshakeTimeout !== undefined) checkTimeout('handshakeTimeout', handshakeTimeout)
  if (sslShutdownTimeout !== undefined) checkTimeout('sslShutdownTimeout', sslShutdownTimeout)
}

/**
 * Checks that a server has something to prove itself with. Only with a certificate, a callback that provides one, a shared
 * key or ciphers without authentication can a handshake succeed.
 *
 * @throws {TypeError} when it has nothing
 */
export function checkCertificate(options: TlsOptions): void {
  const { cert, pfx, SNICallback, pskCallback, ciphers } = options
  if (cert ?? pfx ?? SNICallback ?? pskCallback ?? ciphers) return
  throw new TypeError('the server side of TLS needs options with key and cert, got neither')
}

/**
 * Returns the name or address that the certificate of a server must have. An empty name counts as none.
 *
 * @param host the name or address that the client has connected to; undefined for a Unix socket
 */
function nameToVerify(options: TlsOptions, host: string | undefined): string | undefined {
  return options.servername || options.host || host
}

/**
 * Checks that a client knows which name the certificate must have. @throws {TypeError} when it does not, and the
 * certificate would be verified
 */
export function checkTlsName(options: TlsOptions | true, host: string | undefined): void {
  const given = optionsOf(options)
  if (nameToVerify(given, host) !== undefined) return
  if (given.rejectUnauthorized === false || given.checkServerIdentity !== undefined) return
  throw new TypeError(
    'TLS over a Unix socket needs the option servername: the name that the certificate is for',
  )
}

export function checkTimeout(name: string, ms: unknown): void {
  if (typeof ms !== 'number') {
    throw new TypeError(`${name} is a number of milliseconds, got ${describe(ms)}`)
  }
  if (!(ms > 0)) throw new RangeError(`${name} is above 0 milliseconds, got ${ms}`)
}

function optionsOf(options: TlsOptions | true): TlsOptions {
  return options === true ? {} : options
}

export function handshakeTimeoutOf(options: TlsOptions | true): number {
  return optionsOf(options).handshakeTimeout ?? HANDSHAKE_TIMEOUT
}

/** How to close a TLS connection. */
export interface ShutdownOptions {
  /** How many milliseconds closing may take, before the connection is cut. Infinity means no limit. */
  readonly timeout: number
  /**
   * Whether to wait for the peer's end message. A peer that keeps its side open, as a half-open server may, sends it
   * only when it has finished.
   */
  readonly waitsForPeer: boolean
}

/**
 * Returns how to close a TLS connection with these options.
 *
 * @param own the option `sslShutdownTimeout` beside the option `tls`. It has priority over the one in `options`.
 */
export function shutdownOf(options: TlsOptions | true, own?: number): ShutdownOptions {
  const given = own ?? optionsOf(options).sslShutdownTimeout
  return { timeout: given ?? SHUTDOWN_TIMEOUT, waitsForPeer: given !== undefined }
}

/** Runs `body`, a handshake. @throws {TimeoutError} when `body` takes longer than the options allow */
export async function inHandshakeTime(
  options: TlsOptions | true,
  body: () => Promise<void>,
): Promise<void> {
  const ms = handshakeTimeoutOf(options)
  try {
    await timeout(ms, body)
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error
    throw new TimeoutError(`no TLS handshake after ${ms} ms`, { cause: error })
  }
}

/** Calls `callback` after `ms` milliseconds, or never if `ms` is Infinity. Disposing the result cancels the timer. */
export function after(loop: EventLoop, ms: number, callback: () => void): Disposable {
  if (ms === Infinity) return { [Symbol.dispose]() {} }
  const timer = loop.callLater(ms, callback)
  return { [Symbol.dispose]: () => timer.cancel() }
}

/** What both sides of a handshake need. The plain socket must have no listeners for its bytes and its end. */
export interface Handshake {
  readonly plain: Socket
  readonly options: TlsOptions | true
  /** Bytes of the handshake that were already read from `plain`. */
  readonly early: Buffer
  readonly signal: AbortSignal | undefined
  /**
   * Called in the event that ends the handshake, before Node reads anything after the handshake. Otherwise an alert or
   * bytes that follow at once would have no listener.
   */
  readonly adopt: (secure: TLSSocket) => void
}

/**
 * Performs the client's side of a handshake. `plain` is destroyed unless the handshake succeeds.
 *
 * @param host the name or address to verify the certificate for, unless the options name another one
 */
export async function handshakeAsClient(
  handshake: Handshake,
  host: string | undefined,
): Promise<void> {
  const { plain, adopt, signal } = handshake
  const options = optionsOf(handshake.options)
  // Node verifies the certificate for "localhost" if it is given no name.
  const name = nameToVerify(options, host)
  const { servername = name ?? '' } = options
  const named = { host: name, servername: isIP(servername) === 0 ? servername : '' }
  const done = new Future<void>()
  let leaf: DetailedPeerCertificate | null = null
  let secure: TLSSocket | null = null
  ignoreErrors(plain)
  try {
    await runOutsideTasks(() => {
      const socket = connect({ ...options, ...named, socket: plain })
      secure = socket
      const fail = (error: Error): void => {
        const isRefused = (socket.authorizationError as unknown) != null
        const reason = isRefused ? toCertificateError(error, name, leaf) : toNetError(error)
        if (!done.done()) done.setException(reason)
      }
      const onClose = (): void => fail(closedEarly())
      const onSecure = (): void => {
        socket.off('error', fail).off('close', onClose)
        if (done.done()) giveUp(socket)
        else settle(done, () => adopt(socket))
      }
      socket.on('error', fail).once('close', onClose).once('secureConnect', onSecure)
      // The certificate is read before Node verifies it, because Node closes the socket when it refuses the
      // certificate. getPeerX509Certificate cannot be used: up to Node 24 it removes the certificate from the
      // connection, and Node then verifies an empty certificate.
      socket.prependOnceListener('secure', () => {
        leaf = socket.getPeerCertificate(true)
      })
    })
    await cancelOnAbort(done, signal)
  } catch (error) {
    cancelUnawaited(done)
    if (secure !== null) giveUp(secure)
    giveUp(plain)
    throw error
  }
}

/**
 * Performs the server's side of a handshake. A tls.Server that does not listen is used, because it contains the code
 * that verifies a client.
 */
export async function handshakeAsServer(handshake: Handshake): Promise<void> {
  const { plain, early, adopt, signal } = handshake
  const done = new Future<void>()
  const fail = (error: Error): void => {
    if (!done.done()) done.setException(error)
  }
  const onClose = (): void => fail(closedEarly())
  const onError = (error: Error): void => fail(toNetError(error))
  ignoreErrors(plain)
  try {
    await runOutsideTasks(() => {
      const options = { ...optionsOf(handshake.options), handshakeTimeout: NODE_LONGEST }
      const server = createServer(options)
      server.once('secureConnection', (secure) => {
        secure.allowHalfOpen = true
        plain.off('close', onClose).off('error', onError)
        if (done.done()) giveUp(secure)
        else settle(done, () => adopt(secure))
      })
      server.once('tlsClientError', (error, secure) => fail(toHandshakeError(error, secure)))
      plain.once('close', onClose).on('error', onError)
      // A half-open socket would wait until the timeout for a peer that ends its side during the handshake.
      plain.allowHalfOpen = false
      // Puts the early bytes back in the socket, where Node reads them as the first bytes of the handshake.
      if (early.length > 0) plain.unshift(early)
      server.emit('connection', plain)
    })
    await cancelOnAbort(done, signal)
  } catch (error) {
    cancelUnawaited(done)
    giveUp(plain)
    throw error
  }
}

/** Returns the error of a failed handshake as an error of this package. */
export function toHandshakeError(error: Error, secure: TLSSocket): Error {
  const refusal = secure.authorizationError as unknown as string | null
  if (refusal == null) return toNetError(error)
  const message = `the client's certificate was refused: ${refusal}`
  const cause = Object.assign(new Error(message, { cause: error }), { code: refusal })
  return toCertificateError(cause, undefined, null)
}

function settle(done: Future<void>, adopt: () => void): void {
  try {
    adopt()
    done.setResult()
  } catch (error) {
    done.setException(error)
  }
}

/**
 * Waits until the operating system has accepted all plain bytes, because they must be sent before the first bytes of
 * TLS.
 */
export async function flushed(socket: Socket, signal?: AbortSignal): Promise<void> {
  if (socket.writableLength === 0) return
  const done = new Future<void>()
  socket.write('', (error) => {
    if (done.done()) return
    if (error == null) done.setResult()
    else done.setException(toNetError(error))
  })
  await cancelOnAbort(done, signal)
}

export function closedEarly(): ConnectionResetError {
  return new ConnectionResetError('the connection was closed during the TLS handshake')
}

/** Destroys a socket, and ignores an error that it emits while it closes. */
function giveUp(socket: Socket): void {
  ignoreErrors(socket)
  socket.destroy()
}

/** Ignores the errors of a socket. Without a listener, an 'error' event would end the process. */
export function ignoreErrors(socket: Socket): void {
  socket.on('error', () => {})
}
