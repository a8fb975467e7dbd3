import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import { Future, TimeoutError, waitFor } from '@tasktree/core'
import { cancelOnAbort } from '@tasktree/core/lowlevel'
import { StreamReader, StreamWriter } from '@tasktree/streams'
import { toOSError } from './errors.ts'
import { parseTarget, type Target } from './target.ts'

export interface ConnectOptions {
  /** TLS; the certificate is verified unless the options say otherwise. */
  tls?: ConnectionOptions | true
  /** The reader's limit, in bytes. @defaultValue 65536 */
  limit?: number
  /** For connecting and the TLS handshake, in milliseconds. */
  timeout?: number
  localAddr?: { host?: string; port?: number }
  /** Milliseconds until the next address is tried beside the one before (RFC 8305). @defaultValue 250 */
  happyEyeballsDelay?: number
  /** @defaultValue true */
  noDelay?: boolean
  signal?: AbortSignal
}

/**
 * Connects, and gives a reader and a writer. Every address of a name is tried. A cancel closes the
 * half-open socket.
 *
 * @throws {ConnectionRefusedError} and other OSErrors
 * @throws {TimeoutError} after `timeout` milliseconds
 *
 * Source: asyncio.open_connection
 */
export async function openConnection(
  target: Target,
  options?: ConnectOptions,
): Promise<[StreamReader, StreamWriter]>
export async function openConnection(
  host: string,
  port: number,
  options?: ConnectOptions,
): Promise<[StreamReader, StreamWriter]>
export async function openConnection(
  hostOrTarget: string | Target,
  portOrOptions?: number | ConnectOptions,
  maybeOptions?: ConnectOptions,
): Promise<[StreamReader, StreamWriter]> {
  const port = typeof portOrOptions === 'number' ? portOrOptions : undefined
  const options = (typeof portOrOptions === 'object' ? portOrOptions : maybeOptions) ?? {}
  const target = parseTarget(hostOrTarget, port)
  const socket = dial(target, options)
  try {
    const connected = whenConnected(socket, options.tls === undefined ? 'connect' : 'secureConnect')
    const waiting = cancelOnAbort(connected, options.signal)
    await (options.timeout === undefined ? waiting : waitFor(waiting, options.timeout))
  } catch (error) {
    socket.destroy()
    if (error instanceof TimeoutError) {
      throw new TimeoutError(`no connection after ${options.timeout} ms`, { cause: error })
    }
    throw toOSError(error)
  }
  const limit = options.limit === undefined ? {} : { limit: options.limit }
  return [StreamReader.from(socket, limit), StreamWriter.to(socket)]
}

function dial(target: Target, options: ConnectOptions): Socket {
  const where = {
    ...target,
    allowHalfOpen: true,
    noDelay: options.noDelay ?? true,
    autoSelectFamilyAttemptTimeout: options.happyEyeballsDelay ?? 250,
    ...(options.localAddr?.host === undefined ? {} : { localAddress: options.localAddr.host }),
    ...(options.localAddr?.port === undefined ? {} : { localPort: options.localAddr.port }),
  }
  if (options.tls === undefined) return connectTcp(where)
  const servername =
    'path' in target || target.host === undefined ? {} : { servername: target.host }
  return connectTls({ ...where, ...servername, ...(options.tls === true ? {} : options.tls) })
}

/** Its listeners are gone when it ends, however it ends. */
function whenConnected(socket: Socket, event: 'connect' | 'secureConnect'): Future<void> {
  const connected = new Future<void>()
  const succeed = (): void => {
    if (!connected.done()) connected.setResult()
  }
  const fail = (error: Error): void => {
    if (!connected.done()) connected.setException(error)
  }
  socket.once(event, succeed).once('error', fail)
  connected.addDoneCallback(() => {
    // A socket that is given up may still fail: nobody would listen, and the process would end.
    if (connected.cancelled()) socket.on('error', () => {})
    socket.off(event, succeed).off('error', fail)
  })
  return connected
}
