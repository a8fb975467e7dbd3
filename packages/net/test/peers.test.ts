import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { createTask, gather, run, sleep, wait } from '@tasktree/core'
import { openConnection, type StreamReader, type StreamWriter, startServer } from '@tasktree/net'
import { expect, test } from 'vitest'

const python = process.env['PYTHON'] ?? 'python3'
const hasPython = spawnSync(python, ['-c', 'import asyncio; asyncio.TaskGroup']).status === 0

function portOf(server: { sockets: { port: number }[] }): number {
  return server.sockets[0]?.port ?? 0
}

const echo = async (reader: StreamReader, writer: StreamWriter): Promise<void> => {
  for await (const line of reader) {
    writer.write(line)
    await writer.drain()
  }
}

const pythonServer = `
import asyncio
async def handle(reader, writer):
    while line := await reader.readline():
        writer.write(line)
        await writer.drain()
    writer.close()
async def main():
    server = await asyncio.start_server(handle, '127.0.0.1', 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
`

const pythonClient = (port: number): string => `
import asyncio
async def main():
    reader, writer = await asyncio.open_connection('127.0.0.1', ${port})
    writer.writelines([b'x' * 50_000 + b'\\n', b'end\\n'])
    await writer.drain()
    print(len(await reader.readline()), (await reader.readline()).decode().strip())
    writer.write_eof()
    print(await reader.read())
    writer.close()
    await writer.wait_closed()
asyncio.run(main())
`

test.skipIf(!hasPython)('a client of ours talks to an asyncio server', { tags: ['slow'] }, () =>
  run(async () => {
    const server = spawn(python, ['-c', pythonServer])
    const [port] = (await once(createInterface(server.stdout), 'line')) as [string]
    const [reader, writer] = await openConnection('127.0.0.1', Number(port))
    writer.writeLines(['one\n', 'two\n'])
    expect(String(await reader.readExactly(8))).toBe('one\ntwo\n')
    writer.writeEof()
    expect((await reader.read()).length).toBe(0)
    await writer[Symbol.asyncDispose]()
    const exited = once(server, 'exit')
    server.kill()
    await exited
  }),
)

test.skipIf(!hasPython)('an asyncio client talks to a server of ours', { tags: ['slow'] }, () =>
  run(async () => {
    await using server = await startServer(echo, '127.0.0.1', 0)
    const client = spawn(python, ['-c', pythonClient(portOf(server))])
    const exited = once(client, 'exit')
    expect(await text(client.stdout)).toBe("50001 end\nb''\n")
    expect((await exited)[0]).toBe(0)
  }),
)

test('a small RESP server answers PING, SET and GET, also pipelined', () =>
  run(async () => {
    const values = new Map<string, Buffer>()
    const command = async (reader: StreamReader): Promise<Buffer[] | null> => {
      const head = String(await reader.readLine())
      if (head === '') return null
      const parts: Buffer[] = []
      for (let i = 0; i < Number(head.slice(1)); i++) {
        const length = Number(String(await reader.readUntil('\r\n')).slice(1))
        parts.push((await reader.readExactly(length + 2)).subarray(0, length))
      }
      return parts
    }
    const serve = async (reader: StreamReader, writer: StreamWriter): Promise<void> => {
      for (let parts = await command(reader); parts !== null; parts = await command(reader)) {
        const [name = '', key = '', value = Buffer.alloc(0)] = parts
        if (String(name) === 'PING') writer.write('+PONG\r\n')
        else if (String(name) === 'SET') {
          values.set(String(key), value)
          writer.write('+OK\r\n')
        } else {
          const found = values.get(String(key))
          writer.write(found === undefined ? '$-1\r\n' : `$${found.length}\r\n${String(found)}\r\n`)
        }
        await writer.drain()
      }
    }
    await using server = await startServer(serve, '127.0.0.1', 0)
    const [reader, writer] = await openConnection('127.0.0.1', portOf(server))
    await using _ = writer
    const resp = (...parts: string[]): string =>
      `*${parts.length}\r\n${parts.map((part) => `$${part.length}\r\n${part}\r\n`).join('')}`
    writer.write(resp('PING') + resp('SET', 'k', 'a\r\nb') + resp('GET', 'k') + resp('GET', 'no'))
    const expected = '+PONG\r\n+OK\r\n$4\r\na\r\nb\r\n$-1\r\n'
    expect(String(await reader.readExactly(expected.length))).toBe(expected)
  }))

test('idle and busy connections at once', { tags: ['slow'] }, () =>
  run(async () => {
    const idle = Number(process.env['NET_IDLE'] ?? 400)
    const busy = Math.ceil(idle / 10)
    await using server = await startServer(echo, { host: '127.0.0.1', port: 0, backlog: 1024 })
    const port = portOf(server)
    const connected = await gather(
      Array.from({ length: idle + busy }, () => () => openConnection('127.0.0.1', port)),
    )
    await gather(
      connected.slice(idle).map(([reader, writer]) => async () => {
        for (let i = 0; i < 20; i++) {
          writer.write(`${i}\n`)
          expect(String(await reader.readLine())).toBe(`${i}\n`)
        }
      }),
    )
    for (const [reader, writer] of connected) {
      writer.write('still here\n')
      expect(String(await reader.readLine())).toBe('still here\n')
      writer.close()
    }
    await gather(
      connected.map(
        ([, writer]) =>
          () =>
            writer.waitClosed(),
      ),
    )
  }),
)

test('a cancel of the server task while clients are served leaves nothing', () =>
  run(async () => {
    const main = createTask(async () => {
      await using server = await startServer(echo, '127.0.0.1', 0)
      const [reader, writer] = await openConnection('127.0.0.1', portOf(server))
      await using _ = writer
      await reader.readLine()
    })
    await sleep(10)
    main.cancel()
    await wait([main])
    expect(main.cancelled()).toBe(true)
  }))
