import { type EventLoop, Future, getEventLoop } from '@tasktree/core'
import { cancelOnAbort, checkOptions, describe } from '@tasktree/core/lowlevel'
import { OSError, toOSError, type WaitOptions } from '@tasktree/streams'
import { createSocket, type Socket } from 'node:dgram'
import { addressesOf } from './addresses.ts'
import { inLoop } from './in-loop.ts'
import { checkLocalAddr, checkRemoteAddr } from './target.ts'

export interface DatagramAddress {
  host: string
  port: number
}

/** Callbacks of one UDP socket, in turns of the loop, never of a task. Source: asyncio.DatagramProtocol */
export interface DatagramProtocol {
  connectionMade?(transport: DatagramTransport): void
  datagramReceived?(data: Buffer, address: DatagramAddress): void
  /** A send or receive has failed; the socket goes on. */
  errorReceived?(error: Error): void
  connectionLost?(error: Error | null): void
  pauseWriting?(): void
  resumeWriting?(): void
}

export interface DatagramOptions extends WaitOptions {
  /** Where it receives. @defaultValue every address, at a port that is free */
  localAddr?: { host?: string | undefined; port?: number | undefined } | undefined
  /** The only peer: `sendTo` needs no address, and others are not heard. */
  remoteAddr?: DatagramAddress | undefined
  /** Without addresses. @defaultValue 'udp4' */
  family?: 'udp4' | 'udp6' | undefined
  reuseAddr?: boolean | undefined
  reusePort?: boolean | undefined
  allowBroadcast?: boolean | undefined
}

/** A UDP socket. Source: asyncio.DatagramTransport */
export class DatagramTransport implements Disposable {
  readonly #socket: Socket
  readonly #protocol: DatagramProtocol
  readonly #loop: EventLoop
  readonly #remote: DatagramAddress | undefined
  readonly #sockname: [string, number]
  #isClosing = false
  #isPaused = false
  #queued = 0
  #high = 65_536
  #low = 16_384

  /** @internal made by createDatagramEndpoint */
  constructor(socket: Socket, protocol: DatagramProtocol, remote: DatagramAddress | undefined) {
    this.#socket = socket
    this.#protocol = protocol
    this.#loop = getEventLoop()
    this.#remote = remote
    const { address, port } = socket.address()
    this.#sockname = [address, port]
  }

  /** @internal */
  start(): void {
    this.#call('connectionMade', () => this.#protocol.connectionMade?.(this))
    this.#socket
      .on('message', (data, { address, port }) => {
        if (this.#isClosing) return
        this.#call('datagramReceived', () =>
          this.#protocol.datagramReceived?.(data, { host: address, port }),
        )
      })
      .on('error', (error) => this.#failed(error))
      .once('close', () => {
        this.#call('connectionLost', () => this.#protocol.connectionLost?.(null))
      })
  }

  /**
   * Sends one datagram, which may be empty. A failure goes to the protocol's `errorReceived`.
   *
   * @throws {TypeError} when there is neither an address nor a remote one; with both
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
    if (this.#isClosing) return
    const bytes = typeof data === 'string' ? Buffer.from(data) : data
    this.#queued += bytes.length
    const sent = (error: Error | null): void => {
      this.#queued -= bytes.length
      if (error !== null) this.#failed(error)
      if (this.#isPaused && this.#queued <= this.#low) {
        this.#isPaused = false
        this.#call('resumeWriting', () => this.#protocol.resumeWriting?.())
      }
    }
    if (address === undefined) this.#socket.send(bytes, sent)
    else this.#socket.send(bytes, address.port, address.host, sent)
    if (this.#isPaused || this.#queued <= this.#high) return
    this.#isPaused = true
    this.#call('pauseWriting', () => this.#protocol.pauseWriting?.())
  }

  /** What was handed to the system is still sent. */
  close(): void {
    if (this.#isClosing) return
    this.#isClosing = true
    this.#socket.close()
  }

  abort(): void {
    this.close()
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
    this.#call('errorReceived', () => this.#protocol.errorReceived?.(toOSError(error)))
  }

  #call(what: string, callback: () => void): void {
    try {
      callback()
    } catch (exception) {
      this.#loop.callExceptionHandler({ message: `${what}() of a protocol has thrown`, exception })
    }
  }
}

/**
 * Opens a UDP socket.
 *
 * @throws {TypeError} {@link RangeError} for wrong arguments, before anything is opened
 * @throws {AddressInUseError} and other OSErrors
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
  checkOptions(options)
  const { localAddr, remoteAddr, family } = options
  if (localAddr !== undefined) checkLocalAddr(localAddr)
  if (remoteAddr !== undefined) checkRemoteAddr(remoteAddr)
  if (family !== undefined && family !== 'udp4' && family !== 'udp6') {
    throw new TypeError(`family is 'udp4' or 'udp6', got ${describe(family)}`)
  }
  return open(factory, options)
}

async function open<P extends DatagramProtocol>(
  factory: () => P,
  options: DatagramOptions,
): Promise<[DatagramTransport, P]> {
  const { localAddr, remoteAddr, signal } = options
  const local = localAddr?.host === undefined ? undefined : await firstOf(localAddr.host)
  const remote = remoteAddr === undefined ? undefined : await firstOf(remoteAddr.host)
  const ready = new Future<void>()
  const settle = (error?: Error): void => {
    if (ready.done()) return
    if (error === undefined) ready.setResult()
    else ready.setException(toOSError(error))
  }
  let socket: Socket | null = null
  try {
    await inLoop(() => {
      socket = makeSocket(options, (local ?? remote)?.family).on('error', settle)
      const address = local === undefined ? {} : { address: local.address }
      socket.bind({ port: localAddr?.port ?? 0, ...address }, () => {
        if (options.allowBroadcast === true) socket?.setBroadcast(true)
        if (remote === undefined || remoteAddr === undefined) settle()
        else socket?.connect(remoteAddr.port, remote.address, settle)
      })
    })
    await cancelOnAbort(ready, signal)
    const opened = socket as unknown as Socket
    const protocol = factory()
    const peer =
      remote === undefined || remoteAddr === undefined
        ? undefined
        : { host: remote.address, port: remoteAddr.port }
    const transport = new DatagramTransport(opened, protocol, peer)
    transport.start()
    opened.off('error', settle)
    return [transport, protocol]
  } catch (error) {
    ;(socket as Socket | null)?.close()
    throw error
  }
}

function makeSocket(options: DatagramOptions, family: number | undefined): Socket {
  const type = family === undefined ? (options.family ?? 'udp4') : family === 6 ? 'udp6' : 'udp4'
  return createSocket({
    type,
    ...(options.reuseAddr === undefined ? {} : { reuseAddr: options.reuseAddr }),
    ...(options.reusePort === undefined ? {} : { reusePort: options.reusePort }),
  })
}

async function firstOf(host: string): Promise<{ address: string; family: number }> {
  const [first] = await addressesOf(host)
  if (first !== undefined) return first
  throw new OSError(`${host} has no address`, { code: 'EADDRNOTAVAIL', address: host })
}
