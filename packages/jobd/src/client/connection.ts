import { openConnection, type StreamReader, type StreamWriter } from '@tasktree/net'
import { encodeCommand, readReply, type Reply } from '../protocol/resp.ts'

/** Milliseconds after which an attempt to connect fails. */
const longestConnecting = 10_000

/** The address of a server, and the secret that it asks for. */
export interface Address {
  host: string
  port: number
  password: string | null
}

/** A connection to a server. It carries one command at a time. */
export class Connection implements AsyncDisposable {
  readonly #reader: StreamReader
  readonly #writer: StreamWriter
  #isWhole = true

  private constructor(reader: StreamReader, writer: StreamWriter) {
    this.#reader = reader
    this.#writer = writer
  }

  static async open({ host, port, password }: Address): Promise<Connection> {
    const connection = new Connection(
      ...(await openConnection(host, port, { timeout: longestConnecting })),
    )
    try {
      // The client asks for RESP3, because only RESP3 has a type for numbers with a fraction.
      const words = password === null ? [] : ['AUTH', 'default', password]
      const reply = await connection.command(['HELLO', 3, ...words])
      if (reply instanceof Error) throw reply
      return connection
    } catch (error) {
      await connection[Symbol.asyncDispose]()
      throw error
    }
  }

  /**
   * Whether the connection can carry another command. It cannot after a command that was interrupted, because the next
   * reply would belong to the interrupted command.
   */
  get isWhole(): boolean {
    return this.#isWhole && !this.#writer.isClosing() && !this.#reader.atEof()
  }

  /** Sends a command and returns the reply. An error reply is returned, not thrown. */
  async command(words: readonly (string | number)[]): Promise<Reply> {
    this.#isWhole = false
    this.#writer.write(encodeCommand(words.map(String)))
    await this.#writer.drain()
    const reply = await readReply(this.#reader)
    this.#isWhole = true
    return reply
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
