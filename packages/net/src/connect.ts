import { createTask, type Timeout, TimeoutError, timeout } from '@tasktree/core'
import { cancelOnAbort, checkOptions, describe } from '@tasktree/core/lowlevel'
import type { StreamReader, StreamWriter, WaitOptions } from '@tasktree/streams'
import { dial, type DialOptions } from './dial.ts'
import { inLoop } from './in-loop.ts'
import type { BufferedProtocol, Protocol } from './protocol.ts'
import { StreamProtocol } from './stream-protocol.ts'
import { checkFlag, checkKeepAlive, checkLocalAddr, parseTarget, type Target } from './target.ts'
import { toNetError } from './tls-errors.ts'
import { checkTimeout, checkTls, checkTlsName, type TlsOptions } from './tls.ts'
import { Transport } from './transport.ts'

export interface ConnectOptions extends DialOptions, WaitOptions {
  /** TLS; the certificate is verified unless the options say otherwise. */
  tls?: TlsOptions | true | undefined
  /** For connecting and the TLS handshake, in milliseconds. */
  timeout?: number | undefined
  /** As in `tls`. @defaultValue 30000 */
  sslShutdownTimeout?: number | undefined
}

export interface OpenOptions extends ConnectOptions {
  /** The reader's limit, in bytes. @defaultValue 65536 */
  limit?: number | undefined
}

/**
 * Connects, and returns a reader and a writer. Every address of a name is tried (Happy Eyeballs). A cancel
 * closes the half-open socket.
 *
 * @throws {TypeError} {@link RangeError} for wrong arguments, before anything is opened
 * @throws {ConnectionRefusedError} and other OSErrors; {@link GaiError} when the name has no address
 * @throws {TimeoutError} after `timeout` milliseconds
 *
 * Source: asyncio.open_connection, asyncio.open_unix_connection
 */
export function openConnection(
  target: Target,
  options?: OpenOptions,
): Promise<[StreamReader, StreamWriter]>
export function openConnection(
  host: string,
  port: number,
  options?: OpenOptions,
): Promise<[StreamReader, StreamWriter]>
export function openConnection(
  hostOrTarget: string | Target,
  portOrOptions?: number | OpenOptions,
  more?: OpenOptions,
): Promise<[StreamReader, StreamWriter]> {
  const [target, options] = parseTarget<OpenOptions>(hostOrTarget, portOrOptions, more)
  checkConnectOptions(options, target)
  return open(new StreamProtocol(options.limit), target, options)
}

async function open(
  protocol: StreamProtocol,
  target: Target,
  options: OpenOptions,
): Promise<[StreamReader, StreamWriter]> {
  await connect(() => protocol, target, options)
  return [protocol.reader, protocol.writer]
}

/**
 * Connects, and returns a transport with the protocol that `factory` made for it.
 *
 * @throws as openConnection does
 *
 * Source: asyncio loop.create_connection, loop.create_unix_connection
 */
export function createConnection<P extends Protocol | BufferedProtocol>(
  factory: () => P,
  target: Target,
  options?: ConnectOptions,
): Promise<[Transport, P]>
export function createConnection<P extends Protocol | BufferedProtocol>(
  factory: () => P,
  host: string,
  port: number,
  options?: ConnectOptions,
): Promise<[Transport, P]>
export function createConnection<P extends Protocol | BufferedProtocol>(
  factory: () => P,
  hostOrTarget: string | Target,
  portOrOptions?: number | ConnectOptions,
  more?: ConnectOptions,
): Promise<[Transport, P]> {
  if (typeof factory !== 'function') {
    throw new TypeError(
      `createConnection takes a function that makes a protocol, got ${describe(factory)}`,
    )
  }
  const [target, options] = parseTarget<ConnectOptions>(hostOrTarget, portOrOptions, more)
  checkConnectOptions(options, target)
  return connect(factory, target, options)
}

function checkConnectOptions(options: ConnectOptions, target: Target): void {
  checkOptions(options)
  const { tls, timeout: ms, localAddr, happyEyeballsDelay, sslShutdownTimeout } = options
  if (tls !== undefined) {
    checkTls(tls, 'client')
    checkTlsName(tls, hostOf(target))
  }
  if (ms !== undefined) checkTimeout('timeout', ms)
  if (sslShutdownTimeout !== undefined) checkTimeout('sslShutdownTimeout', sslShutdownTimeout)
  checkFlag('noDelay', options.noDelay)
  checkKeepAlive(options.keepAlive)
  if (localAddr !== undefined) checkLocalAddr(localAddr)
  if (happyEyeballsDelay === undefined) return
  if (typeof happyEyeballsDelay !== 'number') {
    throw new TypeError(
      `happyEyeballsDelay is a number of milliseconds, got ${describe(happyEyeballsDelay)}`,
    )
  }
  if (!(happyEyeballsDelay >= 0)) {
    throw new RangeError(`happyEyeballsDelay is 0 ms or more, got ${happyEyeballsDelay}`)
  }
}

/** The name or address that is connected to; a Unix socket has none. */
function hostOf(target: Target): string | undefined {
  return 'path' in target ? undefined : (target.host ?? 'localhost')
}

async function connect<P extends Protocol | BufferedProtocol>(
  factory: () => P,
  target: Target,
  options: ConnectOptions,
): Promise<[Transport, P]> {
  const { signal } = options
  if (signal === undefined) return connectInTime(factory, target, options)
  const task = createTask(() => connectInTime(factory, target, options))
  try {
    return await cancelOnAbort(task, signal)
  } catch (error) {
    // The connection was made in the turn in which the wait for it was cancelled: nobody will get it.
    if (task.done() && !task.cancelled() && task.exception() === null) task.result()[0].abort()
    throw error
  }
}

async function connectInTime<P extends Protocol | BufferedProtocol>(
  factory: () => P,
  target: Target,
  options: ConnectOptions,
): Promise<[Transport, P]> {
  const ms = options.timeout
  if (ms === undefined) return connectOnce(factory, target, options)
  let connection: [Transport, P] | null = null
  let deadline: Timeout | null = null
  try {
    return await timeout(ms, async (scope) => {
      deadline = scope
      connection = await connectOnce(factory, target, options)
      return connection
    })
  } catch (error) {
    // Connected and timed out, or cancelled, in one turn.
    ;(connection as [Transport, P] | null)?.[0].abort()
    if (!(error instanceof TimeoutError) || (deadline as Timeout | null)?.expired() !== true) {
      throw error
    }
    throw new TimeoutError(`no connection after ${ms} ms`, { cause: error })
  }
}

async function connectOnce<P extends Protocol | BufferedProtocol>(
  factory: () => P,
  target: Target,
  options: ConnectOptions,
): Promise<[Transport, P]> {
  const socket = await dial(target, options)
  let transport: Transport | null = null
  try {
    const protocol = factory()
    const made = new Transport(socket, protocol, { side: 'client', host: hostOf(target) })
    transport = made
    if (options.tls === undefined) await inLoop(() => made.start())
    else await made.startOverTls(options.tls, options.sslShutdownTimeout)
    return [made, protocol]
  } catch (error) {
    if (transport === null) socket.destroy()
    else transport.giveUp()
    throw toNetError(error)
  }
}
