import { createTask, TimeoutError, timeout } from '@tasktree/core'
import { cancelOnAbort, checkOptions, describe } from '@tasktree/core/lowlevel'
import {
  type StreamReader,
  type StreamWriter,
  toOSError,
  type WaitOptions,
} from '@tasktree/streams'
import { dial, type DialOptions } from './dial.ts'
import type { BufferedProtocol, Protocol } from './protocol.ts'
import { StreamProtocol } from './stream-protocol.ts'
import { checkLocalAddr, parseTarget, type Target } from './target.ts'
import { checkTimeout, checkTls, type TlsOptions, upgradeClient } from './tls.ts'
import { Transport } from './transport.ts'

export interface ConnectOptions extends DialOptions, WaitOptions {
  /** TLS; the certificate is verified unless the options say otherwise. */
  tls?: TlsOptions | true | undefined
  /** For connecting and the TLS handshake, in milliseconds. */
  timeout?: number | undefined
}

export interface OpenOptions extends ConnectOptions {
  /** The reader's limit, in bytes. @defaultValue 65536 */
  limit?: number | undefined
}

/**
 * Connects, and gives a reader and a writer. Every address of a name is tried (Happy Eyeballs). A cancel
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
  checkConnectOptions(options)
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
 * Connects, and gives a transport with the protocol that `factory` made for it.
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
  checkConnectOptions(options)
  return connect(factory, target, options)
}

function checkConnectOptions(options: ConnectOptions): void {
  checkOptions(options)
  const { tls, timeout: ms, localAddr, happyEyeballsDelay } = options
  if (tls !== undefined) checkTls(tls, 'client')
  if (ms !== undefined) checkTimeout('timeout', ms)
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
    // Connected and cancelled in one turn.
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
  try {
    return await timeout(ms, () => connectOnce(factory, target, options))
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error
    throw new TimeoutError(`no connection after ${ms} ms`, { cause: error })
  }
}

async function connectOnce<P extends Protocol | BufferedProtocol>(
  factory: () => P,
  target: Target,
  options: ConnectOptions,
): Promise<[Transport, P]> {
  let socket = await dial(target, options)
  try {
    if (options.tls !== undefined) {
      const host = 'path' in target ? undefined : (target.host ?? 'localhost')
      socket = await upgradeClient(socket, options.tls, undefined, host)
    }
    const protocol = factory()
    const transport = new Transport(socket, protocol, 'client')
    transport.start()
    return [transport, protocol]
  } catch (error) {
    socket.destroy()
    throw toOSError(error)
  }
}
