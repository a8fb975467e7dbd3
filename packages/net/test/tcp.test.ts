import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTask, gather, getRunningLoop, run, sleep, wait } from '@tasktree/core'
import {
  AddressInUseError,
  ConnectionRefusedError,
  openConnection,
  type StreamReader,
  type StreamWriter,
  startServer,
} from '@tasktree/net'
import { expect, test } from 'vitest'

const echo = async (reader: StreamReader, writer: StreamWriter): Promise<void> => {
  for await (const line of reader) {
    writer.write(line)
    await writer.drain()
  }
}

test('many clients at once write lines and read them back', () =>
  run(async () => {
    await using server = await startServer(echo, '127.0.0.1', 0)
    const { port } = server.sockets[0] as { port: number }
    const client = (name: string) => async (): Promise<string> => {
      const [reader, writer] = await openConnection('127.0.0.1', port)
      await using _ = writer
      writer.write(`${name}\n`)
      return String(await reader.readLine())
    }
    const names = Array.from({ length: 50 }, (_, i) => `client ${i}`)
    expect(await gather(names.map(client))).toEqual(names.map((name) => `${name}\n`))
  }))

test('a client writes to a Unix socket and reads the bytes back', () =>
  run(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tasktree-'))
    const path = join(folder, 'socket')
    {
      await using _ = await startServer(echo, { path })
      const [reader, writer] = await openConnection({ path })
      writer.write('hello\n')
      writer.writeEof()
      expect(String(await reader.read())).toBe('hello\n')
      await writer[Symbol.asyncDispose]()
    }
    await rm(folder, { recursive: true })
  }))

test('a refused connect, a port in use and a wrong port throw different errors', () =>
  run(async () => {
    const server = await startServer(echo, '127.0.0.1', 0)
    const { port } = server.sockets[0] as { port: number }
    await expect(startServer(echo, '127.0.0.1', port)).rejects.toBeInstanceOf(AddressInUseError)
    await server[Symbol.asyncDispose]()
    await expect(openConnection('127.0.0.1', port)).rejects.toBeInstanceOf(ConnectionRefusedError)
    expect(() => openConnection('127.0.0.1', 70_000)).toThrow(RangeError)
  }))

test('a connection handler that throws is reported, and other clients are served', () =>
  run(async () => {
    const reports: unknown[] = []
    getRunningLoop().setExceptionHandler((_, context) => reports.push(context.exception))
    await using server = await startServer(
      async (reader, writer) => {
        const line = String(await reader.readLine())
        if (line === 'fail\n') throw new Error('in handler')
        writer.write(line)
      },
      '127.0.0.1',
      0,
    )
    const { port } = server.sockets[0] as { port: number }
    const [failing, failingWriter] = await openConnection('127.0.0.1', port)
    const [reader, writer] = await openConnection('127.0.0.1', port)
    failingWriter.write('fail\n')
    await failing.read().catch(() => {})
    writer.write('fine\n')
    expect(String(await reader.readLine())).toBe('fine\n')
    expect(reports).toEqual([new Error('in handler')])
    for (const each of [writer, failingWriter]) await each[Symbol.asyncDispose]()
  }))

test('a cancelled read leaves the connection usable, and a cancelled connect leaves no socket', () =>
  run(async () => {
    await using server = await startServer(echo, '127.0.0.1', 0)
    const { port } = server.sockets[0] as { port: number }
    const [reader, writer] = await openConnection('127.0.0.1', port)
    const reading = createTask(() => reader.readLine())
    await sleep(1)
    reading.cancel()
    await wait([reading])
    writer.write('after\n')
    expect(String(await reader.readLine())).toBe('after\n')
    await writer[Symbol.asyncDispose]()
    for (let turns = 0; turns < 12; turns++) {
      const connecting = createTask(() => openConnection('127.0.0.1', port))
      for (let i = 0; i < turns; i++) await (i % 2 === 0 ? Promise.resolve() : sleep(0))
      connecting.cancel()
      await wait([connecting])
      if (!connecting.cancelled()) connecting.result()[1].abort()
    }
  }))
