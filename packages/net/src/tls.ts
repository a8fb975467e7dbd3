import { Future } from '@tasktree/core'
import { cancelOnAbort } from '@tasktree/core/lowlevel'
import { ConnectionResetError } from '@tasktree/streams'
import { isIP, type Socket } from 'node:net'
import {
  connect,
  type ConnectionOptions,
  createServer,
  type TlsOptions as TlsServerOptions,
  type TLSSocket,
} from 'node:tls'

/** node:tls's options, of the side that uses them. A certificate is verified unless they say otherwise. */
export interface TlsOptions extends Omit<TlsServerOptions & ConnectionOptions, 'timeout'> {}

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
  const secure = connect({ ...named, ...servername, ...given, socket })
  await handshake(secure, 'secureConnect', socket, signal)
  return secure
}

/** The server's side, by a tls.Server that does not listen: it knows how to verify a client. */
export async function upgradeServer(
  socket: Socket,
  options: TlsOptions | true,
  signal?: AbortSignal,
): Promise<TLSSocket> {
  if (options === true) throw new TypeError('the server side of startTls needs { key, cert }')
  const server = createServer({ ...options, allowHalfOpen: true })
  const done = new Future<TLSSocket>()
  const fail = (error: Error): void => {
    if (!done.done()) done.setException(error)
  }
  const onClose = (): void => fail(closedEarly())
  server.once('secureConnection', (secure) => {
    if (!done.done()) done.setResult(secure)
  })
  server.once('tlsClientError', fail)
  socket.once('close', onClose).once('error', fail)
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
  event: 'secureConnect',
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
  secure.once(event, succeed).once('error', fail).once('close', onClose)
  ignoreErrors(socket)
  try {
    await cancelOnAbort(done, signal)
  } catch (error) {
    giveUp(secure)
    giveUp(socket)
    throw error
  } finally {
    secure.off(event, succeed).off('error', fail).off('close', onClose)
  }
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
