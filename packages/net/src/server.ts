import {
  type EventLoop,
  Future,
  getEventLoop,
  RuntimeError,
  type Task,
  cancelTasks,
} from '@tasktree/core'
import { cancelOnAbort, checkOptions, describe } from '@tasktree/core/lowlevel'
import { OSError, type WaitOptions } from '@tasktree/streams'
import type { AddressInfo, Socket } from 'node:net'
import { checkListenerOptions, listen, type Listener, type ListenerOptions } from './listener.ts'
import type { BufferedProtocol, Protocol } from './protocol.ts'
import { Transport } from './transport.ts'

export interface ServerSocket {
  address: string
  port: number
  family: string
}

/**
 * Listens, and makes a protocol and a transport for each connection. Leaving its scope closes the
 * listener, cancels the clients' tasks, and waits until all of it has ended.
 *
 * Source: asyncio.Server
 */
export class Server implements AsyncDisposable {
  readonly #factory: () => Protocol | BufferedProtocol
  readonly #options: ListenerOptions
  readonly #loop: EventLoop
  /** Tasks that serve a connection, for servers that have them. */
  readonly #tasks: Set<Task<void>>
  readonly #transports = new Set<Transport>()
  /** What TLS runs on, from before the handshake on. */
  readonly #plain = new Set<Socket>()
  #listeners: Listener[] = []
  #starting: Promise<Listener[]> | null = null
  #isServing = false
  #isClosed = false
  #forever: Future<never> | null = null
  readonly #waiters = new Set<Future<void>>()

  get #limit(): number {
    return this.#options.maxConnections ?? Infinity
  }

  /** @internal made by createServer and startServer */
  constructor(
    factory: () => Protocol | BufferedProtocol,
    options: ListenerOptions,
    tasks: Set<Task<void>> = new Set(),
  ) {
    this.#factory = factory
    this.#options = options
    this.#tasks = tasks
    this.#loop = getEventLoop()
  }

  /** Where it listens; nothing once it is closed. A Unix socket's address is its path. */
  get sockets(): ServerSocket[] {
    return this.#listeners.map(({ server }) => {
      const address = server.address() as AddressInfo | string
      return typeof address === 'string'
        ? { address, port: 0, family: 'Unix' }
        : { address: address.address, port: address.port, family: address.family }
    })
  }

  isServing(): boolean {
    return this.#isServing
  }

  getLoop(): EventLoop {
    return this.#loop
  }

  /**
   * Begins to accept; a second call does nothing.
   *
   * @throws {RuntimeError} when it is closed
   * @throws {AddressInUseError} and other OSErrors
   */
  async startServing(): Promise<void> {
    if (this.#isClosed) throw new RuntimeError('the server is closed')
    if (this.#isServing) return
    this.#starting ??= listen(this.#options, {
      accept: (socket) => this.#accept(socket),
      handshake: (socket) => this.#track(socket),
      failed: (exception) => this.#report('the listener has failed', exception),
      handshakeFailed: (exception) => {
        // That a peer went away in the middle is no failure of ours; asyncio tells it in debug mode only.
        if (exception instanceof OSError && !this.#loop.getDebug()) return
        this.#report('a TLS handshake has failed', exception)
      },
    })
    try {
      const listeners = await this.#starting
      if (this.#isClosed) {
        for (const listener of listeners) listener.close()
        throw new RuntimeError('the server was closed before it listened')
      }
      this.#listeners = listeners
      this.#isServing = true
    } finally {
      this.#starting = null
    }
  }

  /**
   * Serves until the waiting task is cancelled, or the server closed, which ends it as cancelled too.
   *
   * @throws {RuntimeError} when it is closed, or another task waits here
   */
  serveForever(options?: WaitOptions): Promise<never> {
    checkOptions(options)
    return this.#serveForever(options)
  }

  async #serveForever(options: WaitOptions | undefined): Promise<never> {
    if (this.#forever !== null) throw new RuntimeError('serveForever() is waited for already')
    await this.startServing()
    const forever = new Future<never>()
    this.#forever = forever
    try {
      return await cancelOnAbort(forever, options?.signal)
    } finally {
      this.#forever = null
      await this[Symbol.asyncDispose]()
    }
  }

  /** Stops accepting. Clients that are connected stay. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#isServing = false
    for (const listener of this.#listeners) listener.close()
    this.#listeners = []
    this.#forever?.cancel('the server was closed')
    this.#wakeIfEnded()
  }

  /** Closes every connection after what is buffered for it. */
  closeClients(): void {
    for (const transport of this.#transports) transport.close()
  }

  /** Closes every connection at once. */
  abortClients(): void {
    for (const transport of this.#transports) transport.abort()
    for (const socket of this.#plain) socket.destroy()
  }

  /** Waits until it is closed and every connection has ended. */
  waitClosed(options?: WaitOptions): Promise<void> {
    checkOptions(options)
    return this.#waitClosed(options)
  }

  async #waitClosed(options: WaitOptions | undefined): Promise<void> {
    if (this.#hasEnded()) return
    const waiter = new Future<void>()
    this.#waiters.add(waiter)
    try {
      await cancelOnAbort(waiter, options?.signal)
    } finally {
      this.#waiters.delete(waiter)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
    try {
      await cancelTasks(this.#tasks)
    } finally {
      this.abortClients()
      await this.waitClosed()
    }
  }

  #accept(socket: Socket): void {
    if (this.#isClosed || this.#transports.size >= this.#limit) {
      socket.destroy()
      return
    }
    try {
      const transport = new Transport(socket, this.#factory(), 'server', this.#forget)
      this.#transports.add(transport)
      transport.start()
    } catch (error) {
      socket.on('error', () => {}).destroy()
      this.#report('a connection could not be served', error)
    }
  }

  #track(socket: Socket): void {
    if (this.#plain.size >= this.#limit) {
      socket.destroy()
      return
    }
    this.#plain.add(socket)
    socket.once('close', () => {
      this.#plain.delete(socket)
      this.#wakeIfEnded()
    })
  }

  readonly #forget = (transport: Transport): void => {
    this.#transports.delete(transport)
    this.#wakeIfEnded()
  }

  #hasEnded(): boolean {
    return this.#isClosed && this.#transports.size === 0 && this.#plain.size === 0
  }

  #wakeIfEnded(): void {
    if (!this.#hasEnded()) return
    for (const waiter of this.#waiters) if (!waiter.done()) waiter.setResult()
  }

  #report(message: string, exception: unknown): void {
    this.#loop.callExceptionHandler({ message, exception })
  }
}

/** `(host, port, options)` and `(options)` are the same. */
export function parseListen<O extends ListenerOptions>(
  hostOrOptions: string | O,
  port: number | undefined,
  more: O | undefined,
): O {
  checkOptions(more)
  if (typeof hostOrOptions === 'string') return { ...(more as O), host: hostOrOptions, port }
  if (typeof hostOrOptions === 'object' && hostOrOptions !== null) return hostOrOptions
  throw new TypeError(
    `expected a host and a port, or options with host and port or path, got ${describe(hostOrOptions)}`,
  )
}

/**
 * Listens, and makes a protocol by `factory` for each connection.
 *
 * @throws {TypeError} {@link RangeError} for wrong arguments, before anything is opened
 * @throws {AddressInUseError} and other OSErrors
 *
 * Source: asyncio loop.create_server, loop.create_unix_server
 */
export function createServer(
  factory: () => Protocol | BufferedProtocol,
  options: ListenerOptions,
): Promise<Server>
export function createServer(
  factory: () => Protocol | BufferedProtocol,
  host: string,
  port: number,
  options?: ListenerOptions,
): Promise<Server>
export function createServer(
  factory: () => Protocol | BufferedProtocol,
  hostOrOptions: string | ListenerOptions,
  port?: number,
  more?: ListenerOptions,
): Promise<Server> {
  if (typeof factory !== 'function') {
    throw new TypeError(
      `createServer takes a function that makes a protocol, got ${describe(factory)}`,
    )
  }
  const options = parseListen(hostOrOptions, port, more)
  checkListenerOptions(options)
  return started(new Server(factory, options), options)
}

/** A server that could not listen leaves nothing. */
export async function started(server: Server, options: ListenerOptions): Promise<Server> {
  if (options.startServing === false) return server
  try {
    await server.startServing()
    return server
  } catch (error) {
    server.close()
    throw error
  }
}
