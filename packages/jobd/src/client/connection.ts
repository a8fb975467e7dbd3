import { openConnection, type StreamReader, type StreamWriter } from '@tasktree/net'
import { encodeCommand, readReply, type Reply } from '../protocol/resp.ts'

/** Milliseconds after which an attempt to connect fails. */
const longestConnecting = 10_000

/** Where a server is, and the secret that it asks for. */
export interface Address {
  host: string
  port: number
  password: string | null
}

/** One connection to a server: one command at a time. */
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
      // The client asks for RESP3, because only RESP3 tells fractions from texts.
      const words = password === null ? [] : ['AUTH', 'default', password]
      const reply = await connection.command(['HELLO', 3, ...words])
      if (reply instanceof Error) throw reply
      return connection
    } catch (error) {
      await connection[Symbol.asyncDispose]()
      throw error
    }
  }

  /** False when a command was cut off: the next reply would be that of another command. */
  get isWhole(): boolean {
    return this.#isWhole && !this.#writer.isClosing() && !this.#reader.atEof()
  }

  /** The answer; an error that the server answers is given, not thrown. */
  async command(words: readonly (string | number)[]): Promise<Reply> {
    this.#isWhole = false
    this.#writer.write(encodeCommand(words.map(String)))
    await this.#writer.drain()
    const reply = await readReply(this.#reader)
    this.#isWhole = true
    return reply
  }

  /** At once, with whatever is under way. */
  abort(): void {
    this.#writer.abort()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#writer.close()
    await this.#writer.waitClosed()
  }
}
