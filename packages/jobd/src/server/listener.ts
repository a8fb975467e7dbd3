import { getEventLoop, type TimerHandle } from '@tasktree/core'
import { type Server, startServer } from '@tasktree/net'
import type { Directory } from './commands.ts'
import { Connection } from './client-connection.ts'
import type { JobFeed } from '../store/job-feed.ts'

export interface ListenerOptions {
  host: string
  /** 0 chooses a free port. */
  port: number
  /** At most this many clients may be connected. Further connections are closed at once. @defaultValue 10000 */
  maxClients?: number
  /** How many milliseconds a client may take for the rest of a command, or for the password. @defaultValue 30000 */
  patience?: number
  /** How many milliseconds a client may leave its replies unread. @defaultValue 60000 */
  stallTime?: number
}

/** Listens for RESP clients. Each connection is served in a task of its own. */
export class Listener implements AsyncDisposable {
  readonly #options: Required<ListenerOptions>
  readonly #connections = new Set<Connection>()
  readonly #loop = getEventLoop()
  #server!: Server
  #check: TimerHandle | null = null

  private constructor(options: ListenerOptions) {
    this.#options = { maxClients: 10_000, patience: 30_000, stallTime: 60_000, ...options }
  }

  /** @throws {OSError} when the address is in use, or does not belong to this machine */
  static async start(
    directory: Directory,
    feed: JobFeed,
    options: ListenerOptions,
  ): Promise<Listener> {
    const listener = new Listener(options)
    const { host, port, maxClients: maxConnections } = listener.#options
    listener.#server = await startServer(
      async (reader, writer) => {
        const connection = new Connection(reader, writer, directory, feed)
        listener.#connections.add(connection)
        try {
          await connection.serve()
        } finally {
          listener.#connections.delete(connection)
        }
      },
      { host, port, maxConnections },
    )
    listener.#checkLater()
    return listener
  }

  get port(): number {
    return this.#server.sockets[0]?.port ?? 0
  }

  /** Checks all connections together, because a timer for each read would cost more than the read. */
  #checkLater(): void {
    const { patience, stallTime } = this.#options
    this.#check = this.#loop.callLater(Math.min(1_000, patience / 2, stallTime / 2), () => {
      for (const connection of this.#connections) connection.checkPatience(patience, stallTime)
      this.#checkLater()
    })
  }

  /** Stops accepting clients. Connected clients stay connected. */
  close(): void {
    this.#server.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#check?.cancel()
    await this.#server[Symbol.asyncDispose]()
  }
}
