import { detached, type EventLoop, Future, getEventLoop } from '@tasktree/core'
import { cancelOnAbort, checkOptions, describe, isThenable } from '@tasktree/core/lowlevel'
import { OSError, toOSError, type WaitOptions } from '@tasktree/streams'
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import type { LookupAddress } from 'node:dns'
import type { AddressInfo } from 'node:net'
import { addressesOf, displayAddress } from './addresses.ts'
import { cancelUnawaited } from './cancel-unawaited.ts'
import { runOutsideTasks } from './run-outside-tasks.ts'
import { checkProtocol } from './protocol.ts'
import { checkAddress, checkFlag, checkLocalAddr } from './target.ts'

export interface DatagramAddress {
  host: string
  port: number
}

/**
 * The callbacks of one UDP socket. They are called outside of every task: `pauseWriting` during a call of `sendTo`, and
 * the others in turns of the loop. Source: asyncio.DatagramProtocol
 */
export interface DatagramProtocol {
  connectionMade?(transport: DatagramTransport): void
  datagramReceived?(data: Buffer, address: DatagramAddress): void
  /** Called when a send or a receive has failed. The socket stays open. */
  errorReceived?(error: Error): void
  connectionLost?(error: Error | null): void
  pauseWriting?(): void
  resumeWriting?(): void
}

export interface DatagramOptions extends WaitOptions {
  /** The local address and port to receive at. @defaultValue all addresses, at a free port */
  localAddr?: { host?: string | undefined; port?: number | undefined } | undefined
  /** The only peer of the socket: `sendTo` takes no address, and datagrams of other peers are not received. */
  remoteAddr?: DatagramAddress | undefined
  /** The address family, if neither `localAddr` nor `remoteAddr` has a host. @defaultValue 'udp4' */
  family?: 'udp4' | 'udp6' | undefined
  reuseAddr?: boolean | undefined
  reusePort?: boolean | undefined
  allowBroadcast?: boolean | undefined
}

/**
 * A UDP socket.
 *
 * @example
 *     const [transport] = await createDatagramEndpoint(() => ({}), { localAddr: { host: '127.0.0.1' } })
 *     transport.sendTo('ping', { host: '127.0.0.1', port: 9 }) // does not wait
 *     transport.close()
 *     console.log(transport.isClosing()) // true
 *
 * Source: asyncio.DatagramTransport
 */
export class DatagramTransport implements Disposable {
  readonly #socket: Socket
  readonly #protocol: DatagramProtocol
  readonly #loop: EventLoop
  readonly #remote: DatagramAddress | undefined
  readonly #sockname: [string, number]
  #isClosing = false
  #isClosed = false
  #isPaused = false
  /**
   * How many datagrams Node has not sent yet, and how many bytes they have. Node looks up an address before it sends,
   * so a datagram may wait.
   */
  #pending = 0
  #queued = 0
  readonly #high = 65_536
  readonly #low = 16_384

  /** @internal use createDatagramEndpoint */
  constructor(socket: Socket, protocol: DatagramProtocol, isConnected: boolean) {
    this.#socket = socket
    this.#protocol = protocol
    this.#loop = getEventLoop()
    this.#remote = isConnected ? toAddress(socket.remoteAddress()) : undefined
    const { address, port } = socket.address()
    this.#sockname = [address, port]
  }

  /** @internal calls `connectionMade` of the protocol, passes the `early` datagrams to it, and begins to receive */
  start(early: readonly EarlyDatagram[]): void {
    this.#socket
      .on('message', this.#received)
      .on('error', (error) => this.#failed(error))
      .once('close', () => {
        this.#callDetached('connectionLost', () => this.#protocol.connectionLost?.(null))
      })
    this.#call('connectionMade', () => this.#protocol.connectionMade?.(this))
    for (const [data, from] of early) this.#received(data, from)
  }

  readonly #received = (data: Buffer, { address, port }: RemoteInfo): void => {
    if (this.#isClosing) return
    // The system filters the senders only after the connect, so a datagram of another sender may have come before.
    const remote = this.#remote
    if (remote !== undefined && (address !== remote.host || port !== remote.port)) return
    this.#call('datagramReceived', () =>
      this.#protocol.datagramReceived?.(data, { host: displayAddress(address), port }),
    )
  }

  /**
   * Sends one datagram, which may be empty. The bytes are copied. If the system cannot send them, the error goes to the
   * protocol's `errorReceived`. Sends nothing after `close()`.
   *
   * @throws {TypeError} when `data` is neither bytes nor a string; when neither `address` nor the option `remoteAddr` is
   * given, or both are given
   * @throws {RangeError} for a port that is out of range
   */
  sendTo(data: Uint8Array | string, address?: DatagramAddress): void {
    if (typeof data !== 'string' && !(data instanceof Uint8Array)) {
      throw new TypeError(`sendTo takes a Buffer, Uint8Array or string, got ${describe(data)}`)
    }
    if ((address === undefined) === (this.#remote === undefined)) {
      throw new TypeError(
        this.#remote === undefined
          ? 'sendTo needs an address: the endpoint has no remoteAddr'
          : 'sendTo takes no address: the endpoint has a remoteAddr',
      )
    }
    if (address !== undefined) checkAddress('address', address)
    if (this.#isClosing) return
    // Node looks up the address before it sends, and the program may change its bytes in the meantime.
    const bytes = Buffer.from(data)
    this.#pending++
    this.#queued += bytes.length
    const sent = (error: Error | null): void => this.#sent(bytes.length, error)
    try {
      if (address === undefined) this.#socket.send(bytes, sent)
      else this.#socket.send(bytes, address.port, address.host, sent)
    } catch (error) {
      this.#pending--
      this.#queued -= bytes.length
      throw error
    }
    if (this.#isPaused || this.#queued <= this.#high) return
    this.#isPaused = true
    this.#callDetached('pauseWriting', () => this.#protocol.pauseWriting?.())
  }

  #sent(length: number, error: Error | null): void {
    // `abort` has dropped the unsent datagrams and has set both counts to 0. If Node reports the end of a send
    // later, the report must not change them.
    if (this.#isClosed) return
    this.#pending--
    this.#queued -= length
    if (error !== null) this.#failed(error)
    if (this.#isPaused && this.#queued <= this.#low) {
      this.#isPaused = false
      this.#callDetached('resumeWriting', () => this.#protocol.resumeWriting?.())
    }
    if (this.#isClosing && this.#pending === 0) this.#closeNow()
  }

  /** Stops receiving, and closes the socket after the datagrams that were passed to `sendTo` have been sent. */
  close(): void {
    if (this.#isClosing) return
    this.#isClosing = true
    if (this.#pending === 0) this.#closeNow()
  }

  /** Closes the socket at once. Datagrams that were not sent yet are lost. */
  abort(): void {
    this.#isClosing = true
    this.#closeNow()
  }

  #closeNow(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#pending = 0
    this.#queued = 0
    this.#socket.close()
  }

  isClosing(): boolean {
    return this.#isClosing
  }

  getWriteBufferSize(): number {
    return this.#queued
  }

  getExtraInfo(name: string, fallback: unknown = null): unknown {
    if (name === 'socket') return this.#socket
    if (name === 'sockname') return this.#sockname
    if (name === 'peername' && this.#remote !== undefined) {
      return [this.#remote.host, this.#remote.port]
    }
    return fallback
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #failed(error: Error): void {
    this.#callDetached('errorReceived', () => this.#protocol.errorReceived?.(toOSError(error)))
  }

  /**
   * Calls a callback of the protocol outside of every task. Node emits an event that a task has caused, such as the end of
   * a send, in the context of that task.
   */
  #callDetached(what: string, callback: () => unknown): void {
    detached(() => this.#call(what, callback))
  }

  /**
   * Calls a callback of the protocol. The callback may be an async function, so a rejection is reported like a throw.
   */
  #call(what: string, callback: () => unknown): void {
    const report = (exception: unknown): void =>
      this.#loop.callExceptionHandler({ message: `${what}() of a protocol has thrown`, exception })
    try {
      const result = callback()
      if (isThenable(result)) result.then(undefined, report)
    } catch (exception) {
      report(exception)
    }
  }
}

/**
 * Opens a UDP socket.
 *
 * @throws {TypeError} for wrong arguments, before anything is opened
 * @throws {RangeError} for arguments whose value is out of range, before anything is opened
 * @throws {AddressInUseError} when the local address is in use; another OSError when opening fails for another reason
 *
 * @example
 *     const received = new Future<string>()
 *     const [transport] = await createDatagramEndpoint(
 *       () => ({ datagramReceived: (data) => received.setResult(data.toString()) }),
 *       { localAddr: { host: '127.0.0.1' } },
 *     )
 *     const [host, port] = transport.getExtraInfo('sockname') as [string, number]
 *     transport.sendTo('ping', { host, port }) // to itself
 *     console.log(await received) // ping
 *     transport.close()
 *
 * Source: asyncio loop.create_datagram_endpoint
 */
export function createDatagramEndpoint<P extends DatagramProtocol>(
  factory: () => P,
  options: DatagramOptions = {},
): Promise<[DatagramTransport, P]> {
  if (typeof factory !== 'function') {
    throw new TypeError(
      `createDatagramEndpoint takes a function that makes a protocol, got ${describe(factory)}`,
    )
  }
  checkDatagramOptions(options)
  return openEndpoint(factory, options)
}

/**
 * Checks the options before anything is opened.
 *
 * @throws {TypeError} for wrong options
 * @throws {RangeError} for options whose value is out of range
 */
export function checkDatagramOptions(options: DatagramOptions): void {
  checkOptions(options)
  const { localAddr, remoteAddr, family } = options
  if (localAddr !== undefined) checkLocalAddr(localAddr)
  if (remoteAddr !== undefined) checkAddress('remoteAddr', remoteAddr)
  for (const name of FLAGS) checkFlag(name, options[name])
  if (family !== undefined && family !== 'udp4' && family !== 'udp6') {
    throw new TypeError(`family is 'udp4' or 'udp6', got ${describe(family)}`)
  }
}

const FLAGS = ['reuseAddr', 'reusePort', 'allowBroadcast'] as const

/** A datagram that has arrived before its transport was made, and its sender. */
type EarlyDatagram = readonly [data: Buffer, from: RemoteInfo]

/**
 * @internal opens the endpoint; the caller has checked the options
 *
 * Node reads datagrams as soon as the socket is bound. Until the transport has started, they are kept in `early`, because
 * an event without a listener would be lost.
 */
export async function openEndpoint<P extends DatagramProtocol>(
  factory: () => P,
  options: DatagramOptions,
): Promise<[DatagramTransport, P]> {
  const { localAddr, remoteAddr, signal } = options
  const { local, remote } = await chooseAddresses(options)
  const ready = new Future<void>()
  const settle = (error?: Error): void => {
    if (ready.done()) return
    if (error === undefined) ready.setResult()
    else ready.setException(toOSError(error))
  }
  const early: EarlyDatagram[] = []
  const keep = (data: Buffer, from: RemoteInfo): void => void early.push([data, from])
  let socket: Socket | null = null
  let transport: DatagramTransport | null = null
  try {
    await runOutsideTasks(() => {
      const opening = makeSocket(options, (local ?? remote)?.family)
      socket = opening.on('error', settle).on('message', keep)
      const address = local === undefined ? {} : { address: local.address }
      opening.bind({ port: localAddr?.port ?? 0, ...address }, () => {
        try {
          if (options.allowBroadcast === true) opening.setBroadcast(true)
          if (remote === undefined || remoteAddr === undefined) settle()
          else {
            opening.connect(remoteAddr.port, remote.address, settle)
          }
        } catch (error) {
          settle(error as Error)
        }
      })
    })
    await cancelOnAbort(ready, signal)
    const opened = socket as unknown as Socket
    const protocol = factory()
    checkProtocol('a datagram endpoint', protocol)
    const made = new DatagramTransport(opened, protocol, remote !== undefined)
    await runOutsideTasks(() => {
      transport = made
      opened.off('error', settle).off('message', keep)
      made.start(early)
    })
    return [made, protocol]
  } catch (error) {
    cancelUnawaited(ready)
    if (transport === null) (socket as Socket | null)?.close()
    else (transport as DatagramTransport).abort()
    throw error
  }
}

/** Looks up the local and the remote address. If both are given, they are of one family. */
async function chooseAddresses({
  localAddr,
  remoteAddr,
  signal,
}: DatagramOptions): Promise<{ local?: LookupAddress; remote?: LookupAddress }> {
  const locals = localAddr?.host === undefined ? [] : await addressesOf(localAddr.host, signal)
  const remotes = remoteAddr === undefined ? [] : await addressesOf(remoteAddr.host, signal)
  const [local] = locals
  const [remote] = remotes
  if (local === undefined) return remote === undefined ? {} : { remote }
  if (remote === undefined) return { local }
  for (const one of locals) {
    const other = remotes.find(({ family }) => family === one.family)
    if (other !== undefined) return { local: one, remote: other }
  }
  throw new OSError(`${localAddr?.host} and ${remoteAddr?.host} have no address of one family`, {
    code: 'EAFNOSUPPORT',
    address: remoteAddr?.host,
  })
}

function toAddress({ address, port }: AddressInfo): DatagramAddress {
  return { host: address, port }
}

function makeSocket(options: DatagramOptions, family: number | undefined): Socket {
  const type = family === undefined ? (options.family ?? 'udp4') : family === 6 ? 'udp6' : 'udp4'
  return createSocket({
    type,
    ...(options.reuseAddr === undefined ? {} : { reuseAddr: options.reuseAddr }),
    ...(options.reusePort === undefined ? {} : { reusePort: options.reusePort }),
  })
}
