import { Future, timeout, TimeoutError } from '@tasktree/core'
import { cancelOnAbort, describe } from '@tasktree/core/lowlevel'
import { ConnectionResetError } from '@tasktree/streams'
import { isIP, type Socket } from 'node:net'
import {
  connect,
  type ConnectionOptions,
  createServer,
  type TlsOptions as TlsServerOptions,
  type TLSSocket,
} from 'node:tls'

/** Milliseconds, as asyncio's; Node's is twice as long for a server, and there is none for a client. */
export const HANDSHAKE_TIMEOUT = 60_000

/**
 * node:tls's options, of the side that uses them. A certificate is verified unless they say otherwise.
 * `handshakeTimeout` counts for both sides, in milliseconds; by default it is 60,000.
 */
export interface TlsOptions extends Omit<TlsServerOptions & ConnectionOptions, 'timeout'> {}

/** @throws {TypeError} {@link RangeError} what can be told before anything is sent */
export function checkTls(options: unknown, side: 'client' | 'server'): void {
  if (options === true) {
    if (side === 'client') return
    throw new TypeError('the server side of TLS needs options with key and cert, got true')
  }
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`tls takes the options of node:tls, got ${describe(options)}`)
  }
  const { handshakeTimeout } = options as TlsOptions
  if (handshakeTimeout !== undefined) checkTimeout('handshakeTimeout', handshakeTimeout)
}

export function checkTimeout(name: string, ms: unknown): void {
  if (typeof ms !== 'number') {
    throw new TypeError(`${name} is a number of milliseconds, got ${describe(ms)}`)
  }
  if (!(ms > 0)) throw new RangeError(`${name} is above 0 milliseconds, got ${ms}`)
}

/** The client's side of a handshake over `socket`, which is destroyed unless it succeeds. */
export async function upgradeClient(
  socket: Socket,
  options: TlsOptions | true,
  signal?: AbortSignal,
  host?: string,
): Promise<TLSSocket> {
  const servername = host === undefined || isIP(host) !== 0 ? {} : { servername: host }
  const named = host === undefined ? {} : { host }
  const given = options === true ? {} : options
  const ms = given.handshakeTimeout ?? HANDSHAKE_TIMEOUT
  const secure = connect({ ...named, ...servername, ...given, socket })
  try {
    await timeout(ms, () => handshake(secure, socket, signal))
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error
    throw new TimeoutError(`no TLS handshake after ${ms} ms`, { cause: error })
  }
  return secure
}

/** The server's side, by a tls.Server that does not listen: it knows how to verify a client. */
export async function upgradeServer(
  socket: Socket,
  options: TlsOptions | true,
  signal?: AbortSignal,
): Promise<TLSSocket> {
  const given = options === true ? {} : options
  const server = createServer({ handshakeTimeout: HANDSHAKE_TIMEOUT, ...given })
  const done = new Future<TLSSocket>()
  const fail = (error: Error): void => {
    if (!done.done()) done.setException(error)
  }
  const onClose = (): void => fail(closedEarly())
  server.once('secureConnection', (secure) => {
    secure.allowHalfOpen = true
    if (!done.done()) done.setResult(secure)
  })
  server.once('tlsClientError', fail)
  socket.once('close', onClose).once('error', fail)
  // A peer that ends in the middle of the handshake would else be waited for until the timeout.
  socket.allowHalfOpen = false
  server.emit('connection', socket)
  try {
    return await cancelOnAbort(done, signal)
  } catch (error) {
    giveUp(socket)
    throw error
  } finally {
    socket.off('close', onClose).off('error', fail)
    ignoreErrors(socket)
  }
}

async function handshake(
  secure: TLSSocket,
  socket: Socket,
  signal: AbortSignal | undefined,
): Promise<void> {
  const done = new Future<void>()
  const succeed = (): void => {
    if (!done.done()) done.setResult()
  }
  const fail = (error: Error): void => {
    if (!done.done()) done.setException(error)
  }
  const onClose = (): void => fail(closedEarly())
  secure.once('secureConnect', succeed).once('error', fail).once('close', onClose)
  ignoreErrors(socket)
  try {
    await cancelOnAbort(done, signal)
  } catch (error) {
    giveUp(secure)
    giveUp(socket)
    throw error
  } finally {
    secure.off('secureConnect', succeed).off('error', fail).off('close', onClose)
  }
}

/** What was written before the upgrade must have left before what TLS writes. */
export async function flushed(socket: Socket, signal?: AbortSignal): Promise<void> {
  if (socket.writableLength === 0) return
  const done = new Future<void>()
  socket.write('', (error) => {
    if (done.done()) return
    if (error == null) done.setResult()
    else done.setException(error)
  })
  await cancelOnAbort(done, signal)
}

function closedEarly(): ConnectionResetError {
  return new ConnectionResetError('the connection was closed during the TLS handshake')
}

/** It may fail once more when it is torn down, and nobody else would hear it. */
function giveUp(socket: Socket): void {
  ignoreErrors(socket)
  socket.destroy()
}

/** For the socket under another one, which tells of every error itself. */
function ignoreErrors(socket: Socket): void {
  socket.on('error', () => {})
}
