import {
  createServer as createTcpServer,
  type AddressInfo,
  type Server as NetServer,
  type Socket,
} from 'node:net'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import { cancelTasks, createTask, Future, getEventLoop, type Task } from '@tasktree/core'
import { cancelOnAbort } from '@tasktree/core/lowlevel'
import { StreamReader, StreamWriter } from '@tasktree/streams'
import { toOSError } from './errors.ts'
import { parseTarget, type Target } from './target.ts'

export type ClientHandler = (reader: StreamReader, writer: StreamWriter) => PromiseLike<void> | void

export interface ServeOptions {
  host?: string
  /** 0: one that is free; see `sockets`. */
  port?: number
  path?: string
  tls?: TlsOptions
  /** Each reader's limit, in bytes. @defaultValue 65536 */
  limit?: number
  backlog?: number
  reusePort?: boolean
  maxConnections?: number
}

/**
 * A listening server. Leaving its scope closes the listener, cancels the clients and waits for them.
 *
 * Source: asyncio.Server
 */
export class Server implements AsyncDisposable {
  readonly #server: NetServer
  readonly #options: ServeOptions
  readonly #clients = new Map<Task<void>, Socket>()
  readonly #closed = new Future<void>()
  #isServing = false

  /** @internal use startServer */
  constructor(onClient: ClientHandler, options: ServeOptions) {
    this.#options = options
    const socketOptions = { allowHalfOpen: true, noDelay: true }
    this.#server =
      options.tls === undefined
        ? createTcpServer(socketOptions)
        : createTlsServer({ ...socketOptions, ...options.tls })
    if (options.maxConnections !== undefined) this.#server.maxConnections = options.maxConnections
    const loop = getEventLoop()
    const event = options.tls === undefined ? 'connection' : 'secureConnection'
    this.#server.on(event, (socket: Socket) => this.#accept(socket, onClient, loop))
    this.#server.once('close', () => {
      this.#isServing = false
      if (!this.#closed.done()) this.#closed.setResult()
    })
  }

  #accept(socket: Socket, onClient: ClientHandler, loop: ReturnType<typeof getEventLoop>): void {
    const limit = this.#options.limit === undefined ? {} : { limit: this.#options.limit }
    const reader = StreamReader.from(socket, limit)
    const writer = StreamWriter.to(socket)
    const peer = `${socket.remoteAddress ?? 'unix'}:${socket.remotePort ?? ''}`
    const task = createTask(
      async () => {
        try {
          await onClient(reader, writer)
        } finally {
          writer.close()
        }
      },
      { name: `client ${peer}`, loop },
    )
    this.#clients.set(task, socket)
    task.addDoneCallback(() => {
      this.#clients.delete(task)
      if (task.cancelled()) {
        socket.destroy()
        return
      }
      const exception = task.exception()
      if (exception === null) return
      socket.destroy()
      loop.callExceptionHandler({ message: `The handler of ${task.name} failed`, exception, task })
    })
  }

  /** The addresses it listens on. */
  get sockets(): { address: string; port: number; family: string }[] {
    const address: AddressInfo | string | null = this.#server.address()
    if (address === null) return []
    if (typeof address === 'string') return [{ address, port: 0, family: 'Unix' }]
    return [{ address: address.address, port: address.port, family: address.family }]
  }

  isServing(): boolean {
    return this.#isServing
  }

  /** Begins to listen; does nothing when it does. @throws {AddressInUseError} and other OSErrors */
  async startServing(): Promise<void> {
    if (this.#isServing) return
    const { host, port, path, backlog, reusePort } = this.#options
    const target: Target =
      path === undefined
        ? parseTarget({ ...(host === undefined ? {} : { host }), port: port ?? 0 })
        : parseTarget({ path })
    const listening = new Future<void>()
    const fail = (error: Error): void => {
      if (!listening.done()) listening.setException(error)
    }
    this.#server.once('error', fail)
    this.#server.listen(
      {
        ...target,
        ...(backlog === undefined ? {} : { backlog }),
        ...(reusePort === undefined ? {} : { reusePort }),
      },
      () => {
        if (!listening.done()) listening.setResult()
      },
    )
    try {
      await listening
      this.#isServing = true
    } catch (error) {
      this.#server.close()
      throw toOSError(error)
    } finally {
      this.#server.off('error', fail)
      // Running out of descriptors, for one, must not take the server down: it goes on accepting.
      this.#server.on('error', (exception) => {
        getEventLoop().callExceptionHandler({ message: 'The listener failed to accept', exception })
      })
    }
  }

  /** Serves until the task is cancelled, then closes. */
  async serveForever(options?: { signal?: AbortSignal }): Promise<never> {
    await this.startServing()
    try {
      await cancelOnAbort(new Future<never>(), options?.signal)
      throw new Error('unreachable')
    } finally {
      this.close()
      await this.closeClients()
      await this.waitClosed()
    }
  }

  /** Stops listening. Clients that are connected stay. */
  close(): void {
    if (this.#isServing) this.#server.close()
    else if (!this.#closed.done()) this.#closed.setResult()
    this.#isServing = false
  }

  /** Cancels the clients' tasks and waits for them. */
  async closeClients(): Promise<void> {
    await cancelTasks(this.#clients.keys())
  }

  /** Cuts the clients' connections. */
  abortClients(): void {
    for (const socket of this.#clients.values()) socket.destroy()
  }

  /** Waits until it is closed and the last client has gone. */
  async waitClosed(): Promise<void> {
    const closed = new Future<void>()
    const wake = (): void => {
      if (!closed.done()) closed.setResult()
    }
    this.#closed.addDoneCallback(wake)
    try {
      await closed
    } finally {
      this.#closed.removeDoneCallback(wake)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
    await this.closeClients()
    await this.waitClosed()
  }
}

/**
 * Listens, and runs `onClient` as a task of its own for each client. Its failure goes to the loop's
 * exception handler, never to the server.
 *
 * Source: asyncio.start_server
 */
export async function startServer(onClient: ClientHandler, options: ServeOptions): Promise<Server>
export async function startServer(
  onClient: ClientHandler,
  host: string,
  port: number,
  options?: ServeOptions,
): Promise<Server>
export async function startServer(
  onClient: ClientHandler,
  hostOrOptions: string | ServeOptions,
  port?: number,
  more?: ServeOptions,
): Promise<Server> {
  if (typeof onClient !== 'function') {
    throw new TypeError(
      `startServer takes a function that is called with each client, got ${typeof onClient}`,
    )
  }
  const options =
    typeof hostOrOptions === 'string'
      ? { ...more, host: hostOrOptions, ...(port === undefined ? {} : { port }) }
      : hostOrOptions
  const server = new Server(onClient, options)
  await server.startServing()
  return server
}
