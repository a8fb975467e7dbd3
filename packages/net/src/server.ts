import {
  currentTask,
  detached,
  type EventLoop,
  type Future,
  getEventLoop,
  isCancelled,
  RuntimeError,
  shield,
  type Task,
  cancelTasks,
} from '@tasktree/core'
import {
  createServiceTask,
  addSnapshotPart,
  cancelOnAbort,
  checkOptions,
  DetailedFuture,
  LiveList,
  waitAnyway,
} from '@tasktree/core/lowlevel'
import type { WaitOptions } from '@tasktree/streams'
import type { Socket } from 'node:net'
import { createSecureContext, Server as TlsServer } from 'node:tls'
import { displayAddress } from './addresses.ts'
import { connectionTracing } from './instrument.ts'
import { listen, type Listener, type ListenerOptions } from './listen.ts'
import type { BufferedProtocol, Protocol } from './protocol.ts'
import { checkTls, handshakeTimeoutOf, shutdownOf, type TlsOptions } from './tls.ts'
import { TlsHandshakes } from './tls-handshakes.ts'
import { Transport } from './transport.ts'

export interface ServerSocket {
  address: string
  port: number
  family: string
}

/** One server in the result of `snapshot()` of core, which describes all loops and tasks of this thread. */
export interface ServerSnapshot {
  listening: string[]
  connections: number
  handshakes: number
  /** The addresses of the first hundred peers. */
  peers: string[]
}

const shownPeers = 100
const servers = new LiveList<Server>((server) => server.isLive())
addSnapshotPart('servers', () => servers.list().map((server) => server.shown()))

function peerText(transport: Transport): string {
  const peer = transport.getExtraInfo('peername')
  return Array.isArray(peer) ? peer.join(':') : 'a Unix socket'
}

/**
 * A listening server. It makes a protocol and a transport for each connection. Leaving the scope of `await using`
 * closes the listener, cancels the clients' tasks, and waits until the tasks and the connections have ended.
 *
 * @example
 *     const server = await startServer(() => {}, '127.0.0.1', 0)
 *     console.log(server.isServing(), server.sockets[0]?.address) // true 127.0.0.1
 *     server.close() // accepts no more
 *     server.closeClients()
 *     await server.waitClosed()
 *
 * Source: asyncio.Server
 */
export class Server implements AsyncDisposable {
  readonly #factory: () => Protocol | BufferedProtocol
  #options: ListenerOptions
  readonly #loop: EventLoop
  /** The tasks that serve connections; empty for a server made with a protocol factory. */
  readonly #tasks: Set<Task<void>>
  readonly #transports = new Set<Transport>()
  readonly #handshakes: TlsHandshakes
  #listeners: Listener[] = []
  #starting: Task<void> | null = null
  /** How many callers wait in `startServing()`. */
  #starters = 0
  #isServing = false
  #isClosed = false
  #forever: Future<never> | null = null
  readonly #waiters = new Set<Future<void>>()

  get #limit(): number {
    return this.#options.maxConnections ?? Infinity
  }

  /** @internal use createServer or startServer */
  constructor(
    factory: () => Protocol | BufferedProtocol,
    options: ListenerOptions,
    tasks: Set<Task<void>> = new Set(),
  ) {
    this.#factory = factory
    this.#options = options
    this.#tasks = tasks
    this.#loop = getEventLoop()
    this.#handshakes = new TlsHandshakes(this.#loop, () => this.#wakeIfEnded())
    servers.add(this)
  }

  /** @internal returns what `snapshot()` of core shows about this server */
  shown(): ServerSnapshot {
    const peers = [...this.#transports].slice(0, shownPeers).map(peerText)
    return {
      listening: this.sockets.map(({ address, port }) =>
        port === 0 ? address : `${address}:${port}`,
      ),
      connections: this.#transports.size,
      handshakes: this.#handshakes.running,
      peers,
    }
  }

  /** @internal whether this server listens or has connections; `snapshot()` of core shows no other servers */
  isLive(): boolean {
    return !this.#hasEnded() && (this.#isServing || this.#transports.size > 0)
  }

  /** The sockets at which the server listens; empty while it does not. The address of a Unix socket is its path. */
  get sockets(): ServerSocket[] {
    return this.#listeners.map(({ server, path }) => {
      const found = server.address()
      if (found === null || typeof found === 'string') {
        return { address: path ?? found ?? '', port: 0, family: 'Unix' }
      }
      const address = displayAddress(found.address)
      return {
        address,
        port: found.port,
        family: address === found.address ? found.family : 'IPv4',
      }
    })
  }

  isServing(): boolean {
    return this.#isServing
  }

  getLoop(): EventLoop {
    return this.#loop
  }

  /**
   * Makes the server listen and accept connections. A call while the server listens does nothing. Calls before that wait for
   * the same start.
   *
   * @throws {RuntimeError} when the server is closed
   * @throws {AddressInUseError} when the address is in use; another OSError when the server cannot listen for another
   * reason
   */
  async startServing(): Promise<void> {
    if (this.#isClosed) throw new RuntimeError('the server is closed')
    if (this.#isServing) return
    // The start runs in a separate task, so that a cancel of one caller does not end the wait of another.
    this.#starting ??= detached(() =>
      createServiceTask(() => this.#start(), { name: 'startServing' }),
    )
    const starting = this.#starting
    this.#starters++
    try {
      await shield(starting)
    } finally {
      this.#starters--
      if (this.#starters === 0 && !starting.done()) {
        starting.cancel()
        // The next call starts anew. Otherwise it would wait for the start that is being cancelled.
        this.#starting = null
      }
    }
  }

  async #start(): Promise<void> {
    try {
      const listeners = await listen(this.#options, {
        accept: (socket) => this.#accept(socket),
        handshake: (socket) => this.#beginHandshake(socket),
        secured: (plain) => this.#handshakes.succeeded(plain),
        failed: (exception) => this.#report('the listener has failed', exception),
        handshakeFailed: (exception) => this.#handshakes.failed(exception),
      })
      // `#starting` is another task, or null, when all callers of this start were cancelled.
      const isWanted = this.#starting === currentTask()
      if (this.#isClosed || !isWanted) for (const one of listeners) this.#closeListener(one)
      if (this.#isClosed) throw new RuntimeError('the server was closed before it listened')
      if (!isWanted) return
      this.#listeners = listeners
      this.#isServing = true
    } catch (error) {
      // Some of the addresses may have accepted clients already.
      for (const task of this.#tasks) task.cancel('the server could not listen')
      this.abortClients()
      throw error
    } finally {
      if (this.#starting === currentTask()) this.#starting = null
    }
  }

  /**
   * Serves until the waiting task is cancelled or the server is closed. In both cases the call then closes the server,
   * cancels the clients' tasks, waits until the tasks and the connections have ended, and throws CancelledError.
   *
   * @throws {RuntimeError} when the server is closed, or another task is already in this call
   */
  serveForever(options?: WaitOptions): Promise<never> {
    checkOptions(options)
    return this.#serveForever(options)
  }

  async #serveForever(options: WaitOptions | undefined): Promise<never> {
    if (this.#forever !== null)
      throw new RuntimeError('serveForever() was called already, and its call still waits')
    const forever = new DetailedFuture<never>(() => ({
      kind: 'server',
      label: 'the end of its server',
      note: `${this.#transports.size} connections`,
    }))
    this.#forever = forever
    try {
      await this.startServing()
    } catch (error) {
      this.#forever = null
      forever.cancel()
      if (isCancelled(error)) await this[Symbol.asyncDispose]()
      throw error
    }
    try {
      return await cancelOnAbort(forever, options?.signal)
    } finally {
      this.#forever = null
      await this[Symbol.asyncDispose]()
    }
  }

  /**
   * Stops accepting connections. Open connections stay open. A connection that is still in its TLS handshake is closed when
   * the handshake ends.
   */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#isServing = false
    for (const listener of this.#listeners) this.#closeListener(listener)
    this.#listeners = []
    this.#forever?.cancel('the server was closed')
    this.#wakeIfEnded()
  }

  /**
   * Replaces the key, the certificate and other options of `tls.createSecureContext`, as after a renewal. Connections that
   * are open keep the old options; later connections use the new ones. Options that are not given stay as they are.
   * Options of a server, such as `requestCert`, `ALPNProtocols` and `SNICallback`, cannot be replaced.
   *
   * @throws {TypeError} when the options are not an object
   * @throws {RuntimeError} when the server is closed, or serves without TLS
   * @throws the error of node:tls for a key or certificate that cannot be used; then nothing has changed
   */
  setSecureContext(options: TlsOptions): void {
    checkTls(options, 'server')
    if (this.#isClosed) throw new RuntimeError('setSecureContext() of a closed server')
    if (this.#options.tls === undefined) {
      throw new RuntimeError('setSecureContext() of a server without the option tls')
    }
    const given = Object.entries(options).filter(([, value]) => value !== undefined)
    const tls: TlsOptions = { ...this.#options.tls, ...Object.fromEntries(given) }
    createSecureContext(tls)
    this.#options = { ...this.#options, tls }
    for (const { server } of this.#listeners) {
      if (server instanceof TlsServer) server.setSecureContext(tls)
    }
  }

  /**
   * Closes every connection after its buffered bytes have been sent. A connection that is still in its TLS handshake is
   * cut at once.
   */
  closeClients(): void {
    for (const transport of this.#transports) transport.close()
    this.#handshakes.abort()
  }

  /** Closes every connection at once. */
  abortClients(): void {
    for (const transport of this.#transports) transport.abort()
    this.#handshakes.destroySockets()
  }

  /** Waits until the server is closed and every connection has ended. */
  waitClosed(options?: WaitOptions): Promise<void> {
    checkOptions(options)
    return this.#waitClosed(options)
  }

  async #waitClosed(options: WaitOptions | undefined): Promise<void> {
    if (this.#hasEnded()) return
    const waiter = new DetailedFuture<void>(() => ({
      kind: 'server',
      label: 'the end of a server',
      note: `${this.#transports.size} connections`,
    }))
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
      await waitAnyway(() => this.waitClosed())
    }
  }

  #accept(socket: Socket): void {
    if (this.#isClosed || this.#transports.size >= this.#limit) {
      socket.destroy()
      return
    }
    try {
      const { tls, sslShutdownTimeout } = this.#options
      const transport = new Transport(socket, this.#factory(), {
        side: 'server',
        shutdown: tls === undefined ? undefined : shutdownOf(tls, sslShutdownTimeout),
        onLost: this.#forget,
      })
      this.#transports.add(transport)
      const begin = (): void => transport.start()
      if (connectionTracing.isOn) {
        const peername = transport.getExtraInfo('peername')
        connectionTracing.run(transport, { transport, peername }, begin)
      } else begin()
    } catch (error) {
      socket.on('error', () => {}).destroy()
      this.#report('a connection could not be served', error)
    }
  }

  #beginHandshake(socket: Socket): void {
    if (this.#isClosed || this.#handshakes.sockets >= this.#limit) socket.destroy()
    else this.#handshakes.begin(socket, handshakeTimeoutOf(this.#options.tls ?? {}))
  }

  /**
   * Closes a listener. If the file of a Unix socket cannot be removed, the error is reported, and the listener is
   * closed all the same.
   */
  #closeListener(listener: Listener): void {
    const failure = listener.close()
    if (failure !== null) this.#report("the Unix socket's file could not be removed", failure)
  }

  readonly #forget = (transport: Transport): void => {
    this.#transports.delete(transport)
    if (connectionTracing.isLive) connectionTracing.settle(transport, {})
    this.#wakeIfEnded()
  }

  #hasEnded(): boolean {
    return this.#isClosed && this.#transports.size === 0 && this.#handshakes.sockets === 0
  }

  #wakeIfEnded(): void {
    if (!this.#hasEnded()) return
    for (const waiter of this.#waiters) if (!waiter.done()) waiter.setResult()
  }

  #report(message: string, exception: unknown): void {
    this.#loop.callExceptionHandler({ message, exception })
  }
}
