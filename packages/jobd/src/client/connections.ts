import { createTask, isCancelled, shield, type Task } from '@tasktree/core'
import { Semaphore } from '@tasktree/sync'
import type { Reply } from '../protocol/resp.ts'
import { type Address, Connection } from './connection.ts'

/**
 * Commands that the server may answer late. They are sent on connections of their own, of which there are at most
 * `mostApart`. On the shared connection, later commands would have to wait for the answers to these commands.
 */
const slowCommands: ReadonlySet<string> = new Set([
  'JOB.CANCEL',
  'JOB.DRAIN',
  'JOB.BULK',
  'JOB.PURGE',
  'JOB.RELOAD',
  'ACTOR.KILL',
])
const mostApart = 4

/** Commands that change their connection. Each is sent on a connection of its own, which is closed after the answer. */
const changingCommands: ReadonlySet<string> = new Set([
  'HELLO',
  'AUTH',
  'SELECT',
  'CLIENT',
  'RESET',
  'QUIT',
])

/** The client is closed, or was closed before a command was answered. */
export class ClientClosed extends Error {
  override readonly name: string = 'ClientClosed'
  readonly code: string = 'ERR_JOBD_CLIENT_CLOSED'

  constructor(message = 'the client is closed', options?: ErrorOptions) {
    super(message, options)
  }
}

/**
 * The connections of a client. Commands share one connection, on which the server answers them in order. Commands that
 * the server may answer late have connections of their own. Opens a connection when a command needs one.
 */
export class Connections implements AsyncDisposable {
  readonly #address: Address
  /** The connection that the calls share, or the task that opens it; null before the first call. */
  #shared: Task<{ connection?: Connection; error?: unknown }> | null = null
  /** The connections of slow commands, and those of them that carry no command at the moment. */
  readonly #apart = new Set<Connection>()
  readonly #idle: Connection[] = []
  readonly #places = new Semaphore(mostApart)
  /** Earlier shared connections on which calls may still wait. */
  readonly #retired = new Set<Connection>()
  #isClosed = false

  constructor(address: Address) {
    this.#address = address
  }

  /** Opens the shared connection. @throws {OSError} when no server listens at the address */
  async open(): Promise<void> {
    await this.#connection()
  }

  /**
   * Returns the shared connection. Opens it if it is not open. Calls that come while it is being opened wait for the
   * same attempt to open it.
   */
  async #connection(): Promise<Connection> {
    if (this.#shared?.done() === true && this.#openConnection?.isWhole !== true) this.#replace()
    this.#shared ??= createTask(() => this.#attempt(), { name: 'jobd client connects' })
    // A cancelled call must not end the attempt to open the connection, because other calls may wait for it too.
    const { connection, error } = await shield(this.#shared)
    if (connection === undefined) throw error
    return connection
  }

  /**
   * Makes the next call open another shared connection. Calls that wait for answers on the old connection go on
   * waiting.
   */
  #replace(): void {
    const old = this.#openConnection
    this.#shared = null
    if (old === undefined) return
    for (const each of this.#retired) if (!each.isOpen) this.#retired.delete(each)
    this.#retired.add(old)
    old.retire()
  }

  /** Opens the shared connection. Returns an error instead of throwing it, because every call may have been cancelled. */
  async #attempt(): Promise<{ connection?: Connection; error?: unknown }> {
    try {
      const connection = await Connection.open(this.#address)
      if (!this.#isClosed) return { connection }
      connection.abort()
      throw new ClientClosed()
    } catch (error) {
      if (isCancelled(error)) throw error
      return { error }
    }
  }

  /** The shared connection, if it was opened. */
  get #openConnection(): Connection | undefined {
    const shared = this.#shared
    return shared?.done() === true && !shared.cancelled() ? shared.result().connection : undefined
  }

  /** Sends a command and returns the reply. `JobClient.command` lists the errors. */
  async send(words: readonly (string | number)[]): Promise<Reply> {
    if (this.#isClosed) throw new ClientClosed()
    checkAnswered(words)
    try {
      return await this.#route(words)
    } catch (error) {
      // Programs often close the client too early by mistake: `return client.run(…)` without `await` in the scope of
      // `await using client`.
      if (!this.#isClosed || isCancelled(error)) throw error
      throw new ClientClosed(`the client was closed before ${words[0]} was answered`, {
        cause: error,
      })
    }
  }

  /** Sends a command on the connection that it belongs on. */
  async #route(words: readonly (string | number)[]): Promise<Reply> {
    const name = String(words[0]).toUpperCase()
    const reply =
      slowCommands.has(name) || changingCommands.has(name)
        ? await this.#sendApart(words, changingCommands.has(name))
        : await this.#sendShared(words, name === 'JOB.WAIT')
    if (reply instanceof Error) throw reply
    return reply
  }

  async #sendShared(words: readonly (string | number)[], isWait: boolean): Promise<Reply> {
    const connection = await this.#connection()
    return isWait ? connection.wait(words) : connection.command(words)
  }

  /** Sends a command on a connection that carries no other command. If the call is cancelled, the connection is closed. */
  async #sendApart(words: readonly (string | number)[], changes: boolean): Promise<Reply> {
    return this.#places.runExclusive(async () => {
      let connection = this.#idle.pop()
      if (connection?.isWhole !== true) {
        if (connection !== undefined) this.#apart.delete(connection)
        connection = await Connection.open(this.#address)
        if (this.#isClosed) {
          connection.abort()
          throw new ClientClosed()
        }
      }
      this.#apart.add(connection)
      try {
        return await connection.command(words)
      } finally {
        const isOver = changes || this.#isClosed || connection.isBusy || !connection.isWhole
        if (isOver) {
          this.#apart.delete(connection)
          connection.abort()
        } else this.#idle.push(connection)
      }
    })
  }

  /** Closes all connections. Commands that wait for their answers fail. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    const shared = this.#openConnection
    const open = shared === undefined ? [] : [shared]
    await Promise.all(
      [...this.#apart, ...this.#retired, ...open].map(async (connection) => {
        if (connection.isBusy) connection.abort()
        else await connection[Symbol.asyncDispose]()
      }),
    )
  }
}

/** @throws {TypeError} for a command that the server answers with nothing, or with messages only: the call would never end */
function checkAnswered([name]: readonly (string | number)[]): void {
  if (name === undefined) throw new TypeError('a command has at least one word')
  if (/^(un)?subscribe$/i.test(String(name))) {
    throw new TypeError(
      `this client takes no messages of ${name}: use a client for Redis, or wait() for one job`,
    )
  }
}
