import type { StreamReader } from '@tasktree/streams'

/**
 * A reply. An Error is an error reply, `{ simple }` is a simple string, a Map is a RESP3 map (in RESP2 an array), `{
 * push }` is a message that does not answer a command, and `{ several }` is more than one reply to a command.
 */
export type Reply =
  | null
  | number
  | string
  | Buffer
  | Error
  | { simple: string }
  | { push: Reply[] }
  | { several: Reply[] }
  | Reply[]
  | Map<string, Reply>

/**
 * The other side has sent bytes that are not RESP. The server answers with the error and closes the connection, as
 * Redis does.
 */
export class ProtocolError extends Error {
  override readonly name: string = 'ProtocolError'
  readonly code: string = 'ERR_JOBD_PROTOCOL'
}

/**
 * An error that the server has answered. Its message begins with a word in capitals, which the code contains: the code of
 * `BUSY 9 jobs are queued` is `ERR_JOBD_BUSY`. The word ERR, which says nothing more, becomes `ERR_JOBD_REPLY`.
 */
export class ErrorReply extends Error {
  override readonly name: string = 'ErrorReply'
  readonly code: string

  constructor(message: string) {
    super(message)
    const word = /^[A-Z]+(?= )/.exec(message)?.[0] ?? 'ERR'
    this.code = `ERR_JOBD_${word === 'ERR' ? 'REPLY' : word}`
  }
}

/** Encodes a reply as a latin1 string. Each character is one byte to be sent. */
export function encode(reply: Reply, version: 2 | 3): string {
  if (reply === null) return version === 3 ? '_\r\n' : '$-1\r\n'
  if (typeof reply === 'number') return encodeNumber(reply, version)
  if (typeof reply === 'string') return encodeBulk(toBytes(reply))
  if (Buffer.isBuffer(reply)) return encodeBulk(reply.toString('latin1'))
  if (reply instanceof Error) return `-${toLine(reply.message)}\r\n`
  if (Array.isArray(reply)) return `*${encodeAll(reply, version)}`
  if (reply instanceof Map) {
    const pairs = [...reply].map(([key, value]) => encode(key, version) + encode(value, version))
    return `${version === 3 ? `%${reply.size}` : `*${reply.size * 2}`}\r\n${pairs.join('')}`
  }
  if ('simple' in reply) return `+${toLine(reply.simple)}\r\n`
  if ('push' in reply) return `${version === 3 ? '>' : '*'}${encodeAll(reply.push, version)}`
  return reply.several.map((each) => encode(each, version)).join('')
}

/** Encodes a number. RESP2 has only integers, so a fraction is sent as a text. */
function encodeNumber(n: number, version: 2 | 3): string {
  if (Number.isInteger(n)) return `:${n}\r\n`
  return version === 3 ? `,${n}\r\n` : encodeBulk(String(n))
}

function encodeAll(replies: readonly Reply[], version: 2 | 3): string {
  return `${replies.length}\r\n${replies.map((each) => encode(each, version)).join('')}`
}

function encodeBulk(bytes: string): string {
  return `$${bytes.length}\r\n${bytes}\r\n`
}

function toBytes(text: string): string {
  return Buffer.byteLength(text) === text.length ? text : Buffer.from(text).toString('latin1')
}

const plain = /^[ -~]*$/

/** Replaces line ends, because a line end inside a simple reply would begin another reply. */
function toLine(text: string): string {
  if (plain.test(text)) return text
  return toBytes(text.replaceAll(/[\r\n]+/g, ' '))
}

/** Encodes a command, for clients. */
export function encodeCommand(words: readonly (string | Buffer)[]): Buffer {
  return Buffer.from(encode([...words], 2), 'latin1')
}

/** Reads the next reply, for clients. @throws {ProtocolError} when the bytes are not a reply */
export async function readReply(reader: StreamReader): Promise<Reply> {
  const line = (await reader.readLine()).toString()
  if (!line.endsWith('\r\n')) throw new ProtocolError('the server has gone')
  const text = line.slice(1, -2)
  switch (line.slice(0, 1)) {
    case '+':
      return { simple: text }
    case '-':
      return new ErrorReply(text)
    case ':':
    case ',':
      return Number(text)
    case '_':
      return null
    case '$': {
      const size = Number(text)
      if (size < 0) return null
      return (await reader.readExactly(size + 2)).subarray(0, size).toString()
    }
    case '*':
      return readAll(reader, Number(text))
    case '%':
      return readAll(reader, 2 * Number(text))
    case '>':
      return { push: await readAll(reader, Number(text)) }
    default:
      throw new ProtocolError(`expected a reply, got ${JSON.stringify(line.slice(0, 20))}`)
  }
}

async function readAll(reader: StreamReader, count: number): Promise<Reply[]> {
  const replies: Reply[] = []
  for (let i = 0; i < count; i++) replies.push(await readReply(reader))
  return replies
}
