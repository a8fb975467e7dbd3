import { openConnection, type StreamReader, type StreamWriter } from '@tasktree/net'
import { encodeCommand, readReply, type Reply } from '../protocol/resp.ts'

/** Milliseconds after which an attempt to connect fails. */
const longestConnecting = 10_000

/** A connection to jobd: one command at a time. */
export class JobClient implements AsyncDisposable {
  readonly #reader: StreamReader
  readonly #writer: StreamWriter

  private constructor(reader: StreamReader, writer: StreamWriter) {
    this.#reader = reader
    this.#writer = writer
  }

  /** Connects, and sends the password if there is one. @throws {OSError} when nobody listens there; the server's error for a wrong password */
  static async connect(
    host: string,
    port: number,
    { password = null }: { password?: string | null } = {},
  ): Promise<JobClient> {
    const client = new JobClient(
      ...(await openConnection(host, port, { timeout: longestConnecting })),
    )
    try {
      // The client asks for RESP3, because only RESP3 tells fractions from texts.
      const words = password === null ? [] : ['AUTH', 'default', password]
      await client.command('HELLO', 3, ...words)
    } catch (error) {
      await client[Symbol.asyncDispose]()
      throw error
    }
    return client
  }

  /** Sends a command and returns the reply. @throws the error that the server answers */
  async command(...words: (string | number)[]): Promise<Reply> {
    this.#writer.write(encodeCommand(words.map(String)))
    await this.#writer.drain()
    const reply = await readReply(this.#reader)
    if (reply instanceof Error) throw reply
    return reply
  }

  /** Like `command`, for commands whose answer is a text. @throws {TypeError} when the answer is not a text */
  async text(...words: (string | number)[]): Promise<string> {
    const reply = await this.command(...words)
    if (typeof reply !== 'string')
      throw new TypeError(`expected a text, got ${JSON.stringify(reply)}`)
    return reply
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#writer.close()
    await this.#writer.waitClosed()
  }
}

/** A map of plain values, which a reply holds as keys and values in turn. */
export function toRecord(reply: Reply): Record<string, string | number | null> {
  if (!Array.isArray(reply)) throw new TypeError(`expected a map, got ${JSON.stringify(reply)}`)
  const record: Record<string, string | number | null> = {}
  for (let i = 0; i < reply.length; i += 2) {
    const [name, value] = [reply[i], reply[i + 1]]
    if (typeof name !== 'string')
      throw new TypeError(`expected a map, got ${JSON.stringify(reply)}`)
    record[name] = typeof value === 'string' || typeof value === 'number' ? value : null
  }
  return record
}
