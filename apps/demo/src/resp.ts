import type { StreamReader } from '@tasktree/net'

/** What a hostile client may send at most. */
const limits = { arguments: 1_024, argumentBytes: 16 * 1_024 * 1_024, inlineBytes: 65_536 }

/** A frame that is none: the connection closes after the error, as Redis does it. */
export class ProtocolError extends Error {
  override readonly name: string = 'ProtocolError'
}

/** A reply. Errors are `Error`s, `{ simple }` is a simple string, a Map a RESP3 map (in RESP2 an array), `{ push }` what nobody asked for. */
export type Reply =
  | null
  | number
  | string
  | Error
  | { simple: string }
  | { push: Reply[] }
  | Reply[]
  | Map<string, Reply>

/** The next command of a client, a RESP array or an inline line; null when it has gone. */
export async function readCommand(reader: StreamReader): Promise<string[] | null> {
  for (;;) {
    const line = await readLine(reader)
    if (line === null) return null
    if (line === '') continue
    if (!line.startsWith('*')) return line.split(/\s+/).filter((word) => word !== '')
    const count = parseLength(line, limits.arguments, 'multibulk')
    if (count <= 0) continue
    const words: string[] = []
    for (let i = 0; i < count; i++) {
      const header = await readLine(reader)
      if (header === null) return null
      if (!header.startsWith('$')) {
        throw new ProtocolError(`expected '$', got '${header.slice(0, 1)}'`)
      }
      const size = parseLength(header, limits.argumentBytes, 'bulk')
      if (size < 0) throw new ProtocolError('invalid bulk length')
      const bytes = await reader.readExactly(size + 2)
      words.push(bytes.subarray(0, size).toString())
    }
    return words
  }
}

async function readLine(reader: StreamReader): Promise<string | null> {
  const line = await reader.readLine()
  if (line.length === 0 || line.at(-1) !== 10) return null
  if (line.length > limits.inlineBytes) throw new ProtocolError('too big inline request')
  return line.toString().replace(/\r?\n$/, '')
}

function parseLength(header: string, most: number, what: string): number {
  const text = header.slice(1)
  if (!/^-?\d{1,10}$/.test(text) || Number(text) > most)
    throw new ProtocolError(`invalid ${what} length`)
  return Number(text)
}

export function encode(reply: Reply, version: 2 | 3): string {
  if (reply === null) return version === 3 ? '_\r\n' : '$-1\r\n'
  if (typeof reply === 'number') return `:${reply}\r\n`
  if (typeof reply === 'string') return `$${Buffer.byteLength(reply)}\r\n${reply}\r\n`
  if (reply instanceof Error) return `-${reply.message.replaceAll(/[\r\n]+/g, ' ')}\r\n`
  if (Array.isArray(reply))
    return `*${reply.length}\r\n${reply.map((each) => encode(each, version)).join('')}`
  if (reply instanceof Map) {
    const pairs = [...reply].map(([key, value]) => encode(key, version) + encode(value, version))
    return `${version === 3 ? `%${reply.size}` : `*${reply.size * 2}`}\r\n${pairs.join('')}`
  }
  if ('push' in reply) {
    const items = reply.push.map((each) => encode(each, version))
    return `${version === 3 ? '>' : '*'}${items.length}\r\n${items.join('')}`
  }
  return `+${reply.simple}\r\n`
}

/** For clients: the next reply. */
export async function readReply(reader: StreamReader): Promise<Reply> {
  const line = await readLine(reader)
  if (line === null) throw new ProtocolError('the server has gone')
  const text = line.slice(1)
  switch (line.slice(0, 1)) {
    case '+':
      return { simple: text }
    case '-':
      return new Error(text)
    case ':':
      return Number(text)
    case '_':
      return null
    case '$': {
      const size = Number(text)
      if (size < 0) return null
      return (await reader.readExactly(size + 2)).subarray(0, size).toString()
    }
    case '*':
    case '>':
    case '%': {
      const replies: Reply[] = []
      const count = Number(text) * (line.startsWith('%') ? 2 : 1)
      for (let i = 0; i < count; i++) replies.push(await readReply(reader))
      return replies
    }
    default:
      throw new ProtocolError(`expected a reply, got ${JSON.stringify(line.slice(0, 20))}`)
  }
}

export function encodeCommand(words: readonly string[]): string {
  return encode([...words], 2)
}
