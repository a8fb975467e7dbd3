import {
  detached,
  type EventLoop,
  Future,
  getEventLoop,
  shield,
  shielded,
  sleep,
  type Task,
} from '@tasktree/core'
import { createServiceTask } from '@tasktree/core/lowlevel'
import type { Server as PlainServer } from 'node:http'
import type { Http2SecureServer, ServerHttp2Session } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { ServerStoppedError } from './errors.ts'
import type { Service, Work } from './service.ts'

export type NodeServer = PlainServer | Http2SecureServer

/** The milliseconds that cancelled requests have for their clean-up before their connections are destroyed. */
const cleanupTime = 5_000

/**
 * A running server, made by `serve`. Leaving the scope of `await using` stops it.
 *
 * A stop goes through these steps: the function `ready()`, with which a handler answers a health check, answers 503, and
 * each response closes its connection; after `drainDelay` milliseconds the server accepts no new connections and closes
 * idle connections; running requests have `grace` milliseconds to end; then their tasks are cancelled; when the tasks
 * have ended, or after 5 seconds, every connection that is left is destroyed.
 *
 * @example
 *     const server: HttpServer = await serve(() => new Response('hello'))
 *     console.log(await (await fetch(server.url)).text()) // hello
 *     await server.stop() // lets the requests that run end
 */
export class HttpServer implements AsyncDisposable {
  readonly #server: NodeServer
  readonly #service: Service
  readonly #loop: EventLoop
  readonly #grace: number
  readonly #drainDelay: number
  readonly #url: string
  readonly #sockets: Set<Socket>
  readonly #sessions = new Set<ServerHttp2Session>()
  /** Ends when the server has closed its port and every connection. */
  readonly #disconnected: Future<void>
  /** Ends when the whole stop is complete, and the requests have ended their clean-up. */
  readonly #closed: Future<void>
  readonly #forgetRun: () => void
  #draining: Task<void> | null = null
  #isListening = true

  /** @internal */
  constructor(
    server: NodeServer,
    service: Service,
    sockets: Set<Socket>,
    options: {
      grace: number
      drainDelay: number
      host: string
      path: string | undefined
      isTls: boolean
    },
  ) {
    this.#server = server
    this.#service = service
    this.#sockets = sockets
    this.#loop = getEventLoop()
    this.#grace = options.grace
    this.#drainDelay = options.drainDelay
    this.#disconnected = new Future<void>({ loop: this.#loop })
    this.#closed = new Future<void>({ loop: this.#loop })
    this.#url = urlOf(server.address(), options)
    if (options.isTls) {
      server.on('session', (session: ServerHttp2Session) => {
        this.#sessions.add(session)
        session.once('close', () => this.#sessions.delete(session))
        if (this.#service.isDraining) session.close()
      })
    }
    // If no code stops the server, it ends with the run in which it was made.
    this.#forgetRun = this.#loop.addShutdownHook(async () => {
      await this.#destroy()
      this.#close()
    })
  }

  /** Where the server listens, such as `http://127.0.0.1:8080`; `unix:` and the path for a Unix socket. */
  get url(): string {
    return this.#url
  }

  /**
   * Ends when the stop of the server is complete: the requests have ended, their clean-up included, and every connection
   * is closed.
   */
  get closed(): Future<void> {
    return shield(this.#closed)
  }

  /**
   * Stops the server in the steps that the description of this class lists, and waits until the stop is complete. A second
   * call waits for the same stop. If the waiting task is cancelled, only its wait ends, and the stop goes on.
   */
  stop(): Promise<void> {
    return this.#stop()
  }

  async #stop(): Promise<void> {
    if (this.#closed.done()) return
    if (this.#draining === null) {
      this.#draining = detached(() =>
        createServiceTask(() => this.#drain(), {
          name: 'stop of an HTTP server',
          loop: this.#loop,
        }),
      )
      // `closed` must end last. A main task may wait for it and then return. That ends the run, which cancels all requests
      // that are left.
      this.#draining.addDoneCallback(() => this.#close())
    }
    await shield(this.#draining)
  }

  /** Stops the server as `stop()` does. A cancel does not interrupt this wait. */
  async [Symbol.asyncDispose](): Promise<void> {
    await shielded(() => this.#stop())
  }

  #close(): void {
    if (!this.#closed.done()) this.#closed.setResult()
  }

  async #drain(): Promise<void> {
    const service = this.#service
    service.isDraining = true
    try {
      if (this.#drainDelay > 0) await sleep(this.#drainDelay)
      this.#closeIdle()
      await this.#untilIdle(this.#grace)
      service.stop(new ServerStoppedError())
      await this.#untilIdle(cleanupTime)
    } finally {
      await shielded(() => this.#destroy())
    }
  }

  /** Stops accepting connections, and closes the connections that serve no request. */
  #closeIdle(): void {
    this.#stopListening()
    for (const session of this.#sessions) session.close()
    this.#service.onEnd = (work) => this.#closeAfter(work)
  }

  /**
   * Closes the connection of `work` if it serves no other request. The connection is still open if the head of the
   * response was sent before the stop began, because that head had no `Connection: close`.
   */
  #closeAfter({ incoming }: Work): void {
    if (incoming.httpVersionMajor >= 2) return
    const { socket } = incoming
    if (!this.#service.isServing(socket)) socket.destroySoon()
  }

  #stopListening(): void {
    if (!this.#isListening) return
    this.#isListening = false
    this.#server.close(() => {
      if (!this.#disconnected.done()) this.#disconnected.setResult()
    })
  }

  /** Waits until no request runs, for at most `ms` milliseconds. */
  async #untilIdle(ms: number): Promise<void> {
    const service = this.#service
    if (service.running === 0) return
    const idle = new Future<void>()
    const end = (): void => {
      if (!idle.done()) idle.setResult()
    }
    const timer = ms === Infinity ? null : this.#loop.callLater(ms, end)
    const { onEnd } = service
    service.onEnd = (work) => {
      onEnd?.(work)
      if (service.running === 0) end()
    }
    try {
      await idle
    } finally {
      timer?.cancel()
      service.onEnd = onEnd
    }
  }

  /** Destroys every connection that is left, and waits until all are closed. */
  async #destroy(): Promise<void> {
    this.#service.isDraining = true
    this.#forgetRun()
    this.#stopListening()
    for (const session of this.#sessions) session.destroy()
    for (const socket of this.#sockets) socket.destroy()
    await shield(this.#disconnected)
  }
}

function urlOf(
  address: AddressInfo | string | null,
  { host, path, isTls }: { host: string; path: string | undefined; isTls: boolean },
): string {
  if (path !== undefined) return `unix:${path}`
  const { port } = address as AddressInfo
  const name = host.includes(':') ? `[${host}]` : host
  return `${isTls ? 'https' : 'http'}://${name}:${port}`
}
