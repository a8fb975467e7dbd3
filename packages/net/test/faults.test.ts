import { connect } from 'node:net'
import {
  createTask,
  Future,
  getRunningLoop,
  run,
  RuntimeError,
  sleep,
  timeout,
  wait,
} from '@tasktree/core'
import {
  ConnectionResetError,
  createServer,
  GaiError,
  openConnection,
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

test('a read throws ConnectionResetError when the peer resets in the middle of a line', () =>
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

test('a client that has called writeEof still reads the answer of the server', () =>
  run(async () => {
    await using server = await startServer(async (reader, writer) => {
      const all = await reader.read()
      expect(writer.isClosing()).toBe(false)
      writer.write(`${all.length} bytes`)
    }, local)
    const [reader, writer] = await openConnection('127.0.0.1', portOf(server))
    await using _ = writer
    writer.write(Buffer.alloc(200_000))
    writer.writeEof()
    expect(() => writer.write('more')).toThrow(RuntimeError)
    expect(String(await reader.read())).toBe('200000 bytes')
    expect(reader.atEof()).toBe(true)
  }))

test('a server that has called writeEof still reads what the client sends', () =>
  run(async () => {
    const received = new Future<string>()
    await using server = await startServer(async (reader, writer) => {
      writer.write('over to you')
      writer.writeEof()
      received.setResult(String(await reader.read()))
    }, local)
    const [reader, writer] = await openConnection('127.0.0.1', portOf(server))
    expect(String(await reader.read())).toBe('over to you')
    expect(writer.isClosing()).toBe(false)
    writer.write('thank you')
    await writer.drain()
    await writer[Symbol.asyncDispose]()
    expect(await received).toBe('thank you')
  }))

test('writes after the peer has gone warn once, and drain throws', () =>
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

test('leaving the scope of a server closes the listener, cancels the handlers and waits for them', () =>
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

test('a cancel of serveForever closes the server', () =>
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

test('a connect and a read with an aborted signal throw CancelledError', () =>
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

test('an unknown host throws GaiError, and a host refused at all addresses throws ConnectionRefusedError', () =>
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

test.each([
  ['an object without a prototype', Object.create(null) as object],
  ['a symbol', Symbol('x')],
])('a protocol that throws %s is reported, and its connection ends', (_, value) =>
  run(async () => {
    for (const what of ['connectionMade', 'dataReceived', 'eofReceived', 'connectionLost']) {
      const reports: unknown[] = []
      getRunningLoop().setExceptionHandler((_loop, { exception }) => reports.push(exception))
      const lost = new Future<Error | null>()
      const fail = (): never => {
        // oxlint-disable-next-line typescript/only-throw-error -- a program may throw any value
        throw value
      }
      const factory = (): object => ({
        connectionLost: (error: Error | null) => lost.setResult(error),
        [what]: fail,
      })
      await using server = await createServer(factory, '127.0.0.1', 0)
      const [reader, writer] = await openConnection('127.0.0.1', portOf(server))
      writer.write('x')
      writer.writeEof()
      await timeout(2000, () => reader.read().catch(() => {}))
      if (what !== 'connectionLost') {
        expect(await timeout(2000, () => lost)).toBeInstanceOf(RuntimeError)
      }
      writer.abort()
      await server[Symbol.asyncDispose]()
      expect(reports).toEqual([value])
    }
  }),
)
