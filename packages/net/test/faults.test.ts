import { connect } from 'node:net'
import { createTask, Future, gather, run, sleep, wait } from '@tasktree/core'
import {
  ConnectionResetError,
  GaiError,
  LimitOverrunError,
  openConnection,
  OSError,
  type StreamReader,
  type StreamWriter,
  startServer,
} from '@tasktree/net'
import { afterEach, expect, test, vi } from 'vitest'

afterEach(() => {
  vi.restoreAllMocks()
})

function portOf(server: { sockets: { port: number }[] }): number {
  return server.sockets[0]?.port ?? 0
}

const local = { host: '127.0.0.1', port: 0 }

test('a reset in the middle of a line is thrown by the read', () =>
  run(async () => {
    const outcome = new Future<unknown>()
    await using server = await startServer(async (reader) => {
      try {
        outcome.setResult(await reader.readLine())
      } catch (error) {
        outcome.setResult(error)
      }
    }, local)
    const socket = connect(portOf(server), '127.0.0.1', () => {
      socket.write('half a li', () => socket.resetAndDestroy())
    })
    expect(await outcome).toBeInstanceOf(ConnectionResetError)
  }))

test('each direction is closed on its own', () =>
  run(async () => {
    await using server = await startServer(async (reader, writer) => {
      const all = await reader.read()
      writer.write(`${all.length} bytes`)
    }, local)
    const [reader, writer] = await openConnection('127.0.0.1', portOf(server))
    await using _ = writer
    writer.write(Buffer.alloc(200_000))
    writer.writeEof()
    expect(String(await reader.read())).toBe('200000 bytes')
    expect(reader.atEof()).toBe(true)
  }))

test('a line without an end is refused, and the socket paused, at the limit', () =>
  run(async () => {
    const outcome = new Future<unknown>()
    await using server = await startServer(
      async (reader) => {
        await reader.readLine().catch((error: unknown) => outcome.setResult(error))
      },
      { ...local, limit: 65_536 },
    )
    const [, writer] = await openConnection('127.0.0.1', portOf(server))
    const flood = createTask(async () => {
      for (;;) {
        writer.write(Buffer.alloc(65_536, 'x'))
        await writer.drain()
      }
    })
    expect(await outcome).toBeInstanceOf(LimitOverrunError)
    await wait([flood])
    expect(flood.exception()).toBeInstanceOf(OSError)
    await writer.waitClosed().catch(() => {})
  }))

test('drain waits for a peer that does not read, and goes on when it does', () =>
  run(async () => {
    const go = new Future<void>()
    const received = new Future<number>()
    await using server = await startServer(async (reader) => {
      await go
      let total = 0
      for (;;) {
        const { length } = await reader.read(1_000_000)
        if (length === 0) return received.setResult(total)
        total += length
      }
    }, local)
    const [, writer] = await openConnection('127.0.0.1', portOf(server))
    let offered = 0
    const producer = createTask(async () => {
      while (offered < 64 * 1024 * 1024) {
        writer.write(Buffer.alloc(65_536))
        offered += 65_536
        await writer.drain()
      }
    })
    let before = -1
    while (before !== offered) {
      before = offered
      await sleep(20)
    }
    expect(producer.done()).toBe(false)
    expect(writer.transport.getWriteBufferSize()).toBeLessThan(4 * 65_536)
    go.setResult()
    await producer
    await writer[Symbol.asyncDispose]()
    expect(await received).toBe(offered)
  }))

test('writing on after the peer has gone warns once, and drain throws', () =>
  run(async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    await using server = await startServer((_, writer) => writer.abort(), local)
    const [reader, writer] = await openConnection('127.0.0.1', portOf(server))
    await reader.read().catch(() => {})
    writer.close()
    for (let i = 0; i < 1000; i++) writer.write('more')
    await expect(writer.drain()).rejects.toBeInstanceOf(ConnectionResetError)
    expect(warn).toHaveBeenCalledTimes(1)
  }))

test('leaving the scope closes the listener, cancels the handlers and waits for them', () =>
  run(async () => {
    const ended: string[] = []
    let port = 0
    const clients: [StreamReader, StreamWriter][] = []
    {
      await using server = await startServer(async (reader) => {
        try {
          await reader.read()
        } finally {
          await sleep(1)
          ended.push('cleaned up')
        }
      }, local)
      port = portOf(server)
      for (let i = 0; i < 3; i++) clients.push(await openConnection('127.0.0.1', port))
      await sleep(5)
    }
    expect(ended).toHaveLength(3)
    await expect(openConnection('127.0.0.1', port)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    for (const [, writer] of clients) writer.abort()
  }))

test('serveForever ends with its task, and ends the server', () =>
  run(async () => {
    const server = await startServer((reader) => reader.read().then(() => {}), local)
    const forever = createTask(() => server.serveForever())
    const [reader, writer] = await openConnection('127.0.0.1', portOf(server))
    await sleep(1)
    forever.cancel()
    await wait([forever])
    expect(forever.cancelled()).toBe(true)
    expect(server.isServing()).toBe(false)
    expect(server.sockets).toEqual([])
    await reader.read().catch(() => {})
    writer.abort()
  }))

test('a signal ends a connect and a read', () =>
  run(async () => {
    await using server = await startServer((reader) => reader.read().then(() => {}), local)
    const aborted = AbortSignal.abort()
    const port = portOf(server)
    await expect(openConnection('127.0.0.1', port, { signal: aborted })).rejects.toMatchObject({
      name: 'CancelledError',
    })
    const [reader, writer] = await openConnection('127.0.0.1', port)
    await using _ = writer
    await expect(reader.read(1, { signal: aborted })).rejects.toMatchObject({
      name: 'CancelledError',
    })
  }))

test('an unknown name is a GaiError, and the refusals of all addresses are one error', () =>
  run(async () => {
    await expect(openConnection('no-such-host.invalid', 1)).rejects.toBeInstanceOf(GaiError)
    const server = await startServer(() => {}, local)
    const port = portOf(server)
    await server[Symbol.asyncDispose]()
    await expect(openConnection('localhost', port)).rejects.toMatchObject({
      name: 'ConnectionRefusedError',
      code: 'ECONNREFUSED',
      syscall: 'connect',
    })
  }))

test('many connections one after the other leave nothing', { tags: ['slow'] }, () =>
  run(async () => {
    const rounds = Number(process.env['NET_CONNECTS'] ?? 1000) / 20
    let served = 0
    await using server = await startServer(async (reader, writer) => {
      writer.write(await reader.readLine())
      served++
    }, local)
    const port = portOf(server)
    const client = async (): Promise<void> => {
      for (let i = 0; i < rounds; i++) {
        const [reader, writer] = await openConnection('127.0.0.1', port)
        writer.write('x\n')
        expect((await reader.readLine()).length).toBe(2)
        writer.close()
        await writer.waitClosed()
      }
    }
    await gather(Array.from({ length: 20 }, () => client))
    expect(served).toBe(rounds * 20)
  }),
)
