import { createTask, Future, getEventLoop, isCancelled, timeout } from '@tasktree/core'
import { openConnection, type StreamReader, type StreamWriter } from '@tasktree/net'
import {
  encodeCommand,
  ErrorReply,
  ProtocolError,
  readReply,
  type Reply,
} from '../protocol/resp.ts'

/**
 * Milliseconds after which an attempt to connect fails. When the connection is open, the server has the same time for
 * its first reply.
 */
const longestConnecting = 10_000
/**
 * If a command is cancelled after the server has been silent for this many milliseconds, later commands get another
 * connection. A server whose machine is off does not end its connections, and the system notices that only after minutes.
 */
const longestSilence = 1_000

/** The address of a server, and the secret that it asks for. */
export interface Address {
  host: string
  port: number
  password: string | null
}

/**
 * A connection to a server that many calls share. Commands are sent without waiting for the answers of earlier ones,
 * and the server answers them in order. A wait for a job is not answered in order: the server sends a message with the
 * ticket of the wait when the job has ended.
 */
export class Connection implements AsyncDisposable {
  readonly #reader: StreamReader
  readonly #writer: StreamWriter
  /** The commands that are not answered yet, the oldest first; null for a command whose reply does not matter. */
  #unanswered: (Future<Reply> | null)[] = []
  /** The index of the oldest unanswered command. Answered commands are removed in batches. */
  #oldest = 0
  /** The waits by their tickets. */
  readonly #waits = new Map<string, Future<Reply>>()
  #tickets = 0
  /** The commands that are not written yet. All commands of one turn of the loop are written together. */
  #out: Buffer[] = []
  #isFlushing = false
  #isBroken = false
  /** Since when an answer is due and nothing has come from the server; null while no answer is due. */
  #silentSince: number | null = null
  /** Whether a command was given up after the server had been silent for too long. */
  #isSilent = false
  #isRetired = false

  private constructor(reader: StreamReader, writer: StreamWriter) {
    this.#reader = reader
    this.#writer = writer
  }

  static async open({ host, port, password }: Address): Promise<Connection> {
    const connection = new Connection(
      ...(await openConnection(host, port, { timeout: longestConnecting })),
    )
    try {
      createTask(() => connection.#receive(), { name: 'jobd client' })
      // The client asks for RESP3, because only RESP3 has a type for numbers with a fraction, and messages that are not
      // answers.
      const words = password === null ? [] : ['AUTH', 'default', password]
      const reply = await timeout(longestConnecting, () =>
        connection.command(['HELLO', 3, ...words]),
      )
      if (reply instanceof Error) throw password === null ? adviseOnPassword(reply) : reply
      return connection
    } catch (error) {
      connection.abort()
      throw error
    }
  }

  /** Whether the connection can carry another command. */
  get isWhole(): boolean {
    return this.isOpen && !this.#isSilent
  }

  /** Whether the connection was neither lost nor closed. */
  get isOpen(): boolean {
    return !this.#isBroken && !this.#writer.isClosing()
  }

  /** Whether a command or a wait is not answered yet. */
  get isBusy(): boolean {
    return this.#oldest < this.#unanswered.length || this.#waits.size > 0
  }

  /** Sends a command and returns the reply. An error reply is returned, not thrown. */
  async command(words: readonly (string | number)[]): Promise<Reply> {
    if (!this.isOpen) throw new ProtocolError('the server has gone')
    const reply = new Future<Reply>()
    this.#send(words, reply)
    try {
      return await reply
    } catch (error) {
      if (isCancelled(error)) this.#givenUp()
      throw error
    }
  }

  #givenUp(): void {
    const since = this.#silentSince
    if (since !== null && getEventLoop().time() - since >= longestSilence) this.#isSilent = true
    this.#endIfRetired()
  }

  /** Closes the connection as soon as no call waits for an answer on it. */
  retire(): void {
    this.#isRetired = true
    this.#endIfRetired()
  }

  #endIfRetired(): void {
    if (!this.#isRetired || this.#waits.size > 0) return
    const asked = this.#unanswered.slice(this.#oldest)
    if (asked.every((asker) => asker?.done() !== false)) this.#writer.abort()
  }

  #send(words: readonly (string | number)[], reply: Future<Reply> | null): void {
    this.#unanswered.push(reply)
    this.#silentSince ??= getEventLoop().time()
    this.#out.push(encodeCommand(words.map(String)))
    if (this.#isFlushing) return
    this.#isFlushing = true
    createTask(() => this.#flush())
  }

  /** Sends JOB.WAIT and returns the job when it has ended. A cancel also ends the wait in the server. */
  async wait(words: readonly (string | number)[]): Promise<Reply> {
    const ticket = String(++this.#tickets)
    const ended = new Future<Reply>()
    this.#waits.set(ticket, ended)
    try {
      const reply = await this.command([...words, 'TICKET', ticket])
      return reply instanceof Error ? reply : await ended
    } finally {
      if (this.#waits.delete(ticket) && this.isOpen) this.#send(['JOB.UNWAIT', ticket], null)
      // If the connection was lost before the command was answered, the command throws the error. This call reads the same
      // error of `ended`, which is otherwise reported as an error that no code has read.
      if (ended.done() && !ended.cancelled()) ended.exception()
      this.#endIfRetired()
    }
  }

  async #flush(): Promise<void> {
    try {
      while (this.#out.length > 0) {
        const out = Buffer.concat(this.#out)
        this.#out = []
        this.#writer.write(out)
        await this.#writer.drain()
      }
    } catch (error) {
      this.#break(error)
    } finally {
      this.#isFlushing = false
    }
  }

  /** Reads replies until the connection is lost or closed. */
  async #receive(): Promise<void> {
    try {
      for (;;) this.#take(await readReply(this.#reader))
    } catch (error) {
      this.#break(error)
      if (isCancelled(error)) throw error
    }
  }

  #take(reply: Reply): void {
    this.#isSilent = false
    this.#settle(reply)
    this.#silentSince = this.#oldest < this.#unanswered.length ? getEventLoop().time() : null
    this.#endIfRetired()
  }

  #settle(reply: Reply): void {
    if (isMessage(reply)) {
      const [type, ticket, job = null] = reply.push
      if (type !== 'wait' || typeof ticket !== 'string') return
      const ended = this.#waits.get(ticket)
      if (ended === undefined) return
      this.#waits.delete(ticket)
      if (!ended.done()) ended.setResult(job)
      return
    }
    const asker = this.#unanswered[this.#oldest++]
    if (asker === undefined) throw new ProtocolError('the server has sent a reply to no command')
    // The asker of a cancelled command does not wait for the reply any more.
    if (asker?.done() === false) asker.setResult(reply)
    if (this.#oldest < 1_000 && this.#oldest < this.#unanswered.length) return
    this.#unanswered = this.#unanswered.slice(this.#oldest)
    this.#oldest = 0
  }

  /** Fails all commands and waits that the server has not answered. */
  #break(reason: unknown): void {
    if (this.#isBroken) return
    this.#isBroken = true
    this.#out = []
    const error = isCancelled(reason) ? new ProtocolError('the connection was ended') : reason
    const askers = [...this.#unanswered.slice(this.#oldest), ...this.#waits.values()]
    this.#unanswered = []
    this.#oldest = 0
    this.#waits.clear()
    for (const asker of askers) if (asker?.done() === false) asker.setException(error)
    this.#writer.abort()
  }

  /** Closes the connection at once, even if a command is waiting for its reply. */
  abort(): void {
    this.#writer.abort()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#writer.close()
    await this.#writer.waitClosed()
  }
}

/** Makes the error of a server that asks for a password say what to do. Returns any other error unchanged. */
function adviseOnPassword(error: Error): Error {
  const isAsked = error instanceof ErrorReply && error.code === 'ERR_JOBD_NOAUTH'
  if (!isAsked) return error
  return new ErrorReply('NOAUTH the server asks for a password: connect with the option `password`')
}

function isMessage(reply: Reply): reply is { push: Reply[] } {
  return typeof reply === 'object' && reply !== null && Object.hasOwn(reply, 'push')
}
