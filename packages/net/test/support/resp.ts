import type { ClientHandler, StreamReader, StreamWriter } from '@tasktree/net'

/** Returns a command in the form in which clients of Redis send it. */
export function command(...parts: string[]): string {
  const bulk = parts.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`)
  return `*${parts.length}\r\n${bulk.join('')}`
}

async function readCommand(reader: StreamReader): Promise<Buffer[] | null> {
  const head = String(await reader.readLine())
  if (head === '') return null
  // A person may type a command as a line of words.
  if (!head.startsWith('*'))
    return head
      .trim()
      .split(' ')
      .map((word) => Buffer.from(word))
  const parts: Buffer[] = []
  for (let i = 0; i < Number(head.slice(1)); i++) {
    const length = Number(String(await reader.readUntil('\r\n')).slice(1))
    parts.push((await reader.readExactly(length + 2)).subarray(0, length))
  }
  return parts
}

/** A tiny Redis: PING, SET and GET. */
export function respServer(): ClientHandler {
  const values = new Map<string, Buffer>()
  const answer = (writer: StreamWriter, [name, key, value]: Buffer[]): void => {
    switch (String(name).toUpperCase()) {
      case 'PING':
        return writer.write('+PONG\r\n')
      case 'SET':
        values.set(String(key), value ?? Buffer.alloc(0))
        return writer.write('+OK\r\n')
      case 'GET': {
        const found = values.get(String(key))
        if (found === undefined) return writer.write('$-1\r\n')
        return writer.writeLines([`$${found.length}\r\n`, found, '\r\n'])
      }
      default:
        return writer.write(`-ERR unknown command '${String(name)}'\r\n`)
    }
  }
  return async (reader, writer) => {
    for (let parts = await readCommand(reader); parts !== null; parts = await readCommand(reader)) {
      answer(writer, parts)
      await writer.drain()
    }
  }
}
