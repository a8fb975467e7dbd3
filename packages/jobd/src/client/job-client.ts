import { openConnection, type StreamReader, type StreamWriter } from '@tasktree/net'
import { encodeCommand, readReply, type Reply } from '../protocol/resp.ts'

/** Milliseconds. */
const longestConnecting = 10_000

/** A connection to jobd: one command at a time. */
export class JobClient implements AsyncDisposable {
  readonly #reader: StreamReader
  readonly #writer: StreamWriter

  private constructor(reader: StreamReader, writer: StreamWriter) {
    this.#reader = reader
    this.#writer = writer
  }

  /** @throws {OSError} when nobody listens there; what the server answers to a wrong password */
  static async connect(
    host: string,
    port: number,
    { password = null }: { password?: string | null } = {},
  ): Promise<JobClient> {
    const client = new JobClient(
      ...(await openConnection(host, port, { timeout: longestConnecting })),
    )
    try {
      if (password !== null) await client.command('AUTH', password)
    } catch (error) {
      await client[Symbol.asyncDispose]()
      throw error
    }
    return client
  }

  /** @throws the error that the server answers */
  async command(...words: (string | number)[]): Promise<Reply> {
    this.#writer.write(encodeCommand(words.map(String)))
    await this.#writer.drain()
    const reply = await readReply(this.#reader)
    if (reply instanceof Error) throw reply
    return reply
  }

  /** For commands whose answer is a text. @throws {TypeError} when it is none */
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

/** A map of plain values, as RESP2 sends it: keys and values in turn. */
export function toRecord(reply: Reply): Record<string, string | null> {
  if (!Array.isArray(reply)) throw new TypeError(`expected a map, got ${JSON.stringify(reply)}`)
  const record: Record<string, string | null> = {}
  for (let i = 0; i < reply.length; i += 2) record[reply[i] as string] = toText(reply[i + 1])
  return record
}

function toText(value: Reply | undefined): string | null {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : null
}
