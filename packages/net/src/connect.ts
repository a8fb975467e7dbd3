import { cancelTasks, createTask, type Timeout, TimeoutError, timeout } from '@tasktree/core'
import { cancelOnAbort, checkOptions, describe } from '@tasktree/core/lowlevel'
import type { StreamReader, StreamWriter, WaitOptions } from '@tasktree/streams'
import { dial, type DialOptions } from './happy-eyeballs.ts'
import { runOutsideTasks } from './run-outside-tasks.ts'
import type { BufferedProtocol, Protocol } from './protocol.ts'
import { StreamProtocol } from './stream-protocol.ts'
import { checkFlag, checkKeepAlive, checkLocalAddr, parseTarget, type Target } from './target.ts'
import { toNetError } from './tls-errors.ts'
import { checkTimeout, checkTls, checkTlsName, type TlsOptions } from './tls.ts'
import { Transport } from './transport.ts'

export interface ConnectOptions extends DialOptions, WaitOptions {
  /** Connects over TLS. The certificate is verified unless the options say otherwise. */
  tls?: TlsOptions | true | undefined
  /** How many milliseconds connecting and the TLS handshake together may take. By default only the handshake has a limit. */
  timeout?: number | undefined
  /**
   * How many milliseconds `close()` of a TLS connection may take, before the connection is cut. If this option is given,
   * here or in `tls`, `close()` also waits for the peer to end TLS. This value has priority over the one in `tls`.
   *
   * @defaultValue 30000, without waiting for the peer
   */
  sslShutdownTimeout?: number | undefined
}

export interface OpenOptions extends ConnectOptions {
  /**
   * The longest line that the reader can read, in bytes without the `\n`. When the reader buffers more than twice as many
   * bytes, it pauses the socket. `Infinity` means no limit.
   *
   * @defaultValue 65536
   */
  limit?: number | undefined
}

/**
 * Connects, and returns a reader and a writer. All addresses of a host name are tried until one answers (Happy
 * Eyeballs). A cancel closes the socket.
 *
 * @throws {TypeError} for wrong arguments, before anything is opened
 * @throws {RangeError} for arguments whose value is out of range, before anything is opened
 * @throws {ConnectionRefusedError} when no server listens at the address; another OSError when connecting fails otherwise
 * @throws {GaiError} when the name has no address
 * @throws {TimeoutError} after `timeout` milliseconds, or when the TLS handshake takes longer than its limit
 * @throws {CertificateError} when the server's certificate is not accepted
 * @throws {TlsError} for other errors of TLS
 *
 * @example
 *     await using server = await startServer(
 *       async (reader, writer) => writer.write(await reader.readLine()),
 *       'localhost',
 *       0,
 *     )
 *     const [reader, writer] = await openConnection({ port: server.sockets[0]?.port as number })
 *     writer.write('an echo\n')
 *     console.log(String(await reader.readLine()).trim()) // an echo
 *     writer.close()
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
 * @example
 *     const greet: ClientHandler = (_reader, writer) => writer.write('hello')
 *     await using server = await startServer(greet, 'localhost', 0)
 *     const { port } = server.sockets[0] as ServerSocket
 *     const answer = new Future<string>()
 *     const [transport] = await createConnection(
 *       () => ({ dataReceived: (data) => answer.setResult(data.toString()) }),
 *       { port },
 *     )
 *     console.log(await answer) // hello
 *     transport.close()
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

/** Returns the host name or address of a target; undefined for a Unix socket. */
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
    try {
      // The task still runs if the caller was in a cancelled scope before it could wait for the task.
      await cancelTasks([task])
    } finally {
      // If the connection was made in the turn in which the caller was cancelled, no code will get it, so it is closed.
      if (task.done() && !task.cancelled() && task.exception() === null) task.result()[0].abort()
    }
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
    // If the connection was made in the same turn in which the time ran out or the caller was cancelled, no code will get
    // it, so it is closed.
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
    if (options.tls === undefined) await runOutsideTasks(() => made.start())
    else await made.startOverTls(options.tls, options.sslShutdownTimeout)
    return [made, protocol]
  } catch (error) {
    if (transport === null) socket.destroy()
    else transport.giveUp()
    throw toNetError(error)
  }
}
