import { once } from 'node:events'
import { createServer as createRaw, type Server as RawServer, type Socket } from 'node:net'
import { createServer as createRawTls } from 'node:tls'
import { createTask, currentTask, Future, getRunningLoop, run, wait } from '@tasktree/core'
import {
  ConnectionResetError,
  openConnection,
  OSError,
  type Server,
  startServer,
  type StreamReader,
  type StreamWriter,
} from '@tasktree/net'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { echo, local, portOf, thrown, tls, withSocketPath } from '../support/network.ts'

// Behaviours of Lib/test/test_asyncio/test_streams.py (CPython 3.13) that need a connection. The name of each case there stands
// above its test. The tests of @tasktree/streams have the behaviours that need only a reader.

const ANSWER = 'HTTP/1.0 200 OK\r\nContent-type: text/plain\r\n\r\nTest message'

/** Answers one request, and ends the connection. */
const answer = (socket: Socket): void => {
  socket.on('error', () => {}).once('data', () => socket.end(ANSWER))
}

let raw: RawServer
beforeEach(async () => {
  vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  raw = createRaw(answer).listen(0, '127.0.0.1')
  await once(raw, 'listening')
})
afterEach(() => new Promise((resolve) => raw.close(resolve)))

function rawPort(server: RawServer = raw): number {
  return (server.address() as { port: number }).port
}

/** Runs `body`, and returns the messages with which the loop's exception handler was called. */
async function reports(body: () => Promise<void>): Promise<unknown[]> {
  const messages: unknown[] = []
  await run(async () => {
    getRunningLoop().setExceptionHandler((_, context) => messages.push(context))
    await body()
  })
  return messages
}

async function getsAnAnswer([reader, writer]: [StreamReader, StreamWriter]): Promise<void> {
  writer.write('GET / HTTP/1.0\r\n\r\n')
  expect(String(await reader.readLine())).toBe('HTTP/1.0 200 OK\r\n')
  expect(String(await reader.read())).toMatch(/\r\n\r\nTest message$/)
  expect(writer.isClosing()).toBe(false)
  writer.close()
  expect(writer.isClosing()).toBe(true)
  await writer.waitClosed()
}

// test_open_connection, test_async_writer_api, test_wait_closed_on_close
test('a connection over TCP writes, reads and closes', async () => {
  const messages = await reports(async () =>
    getsAnAnswer(await openConnection('127.0.0.1', rawPort())),
  )
  expect(messages).toEqual([])
})

// test_open_unix_connection
test('a connection to a Unix socket writes, reads and closes', () =>
  withSocketPath(async (path) => {
    const server = createRaw(answer).listen(path)
    await once(server, 'listening')
    expect(await reports(async () => getsAnAnswer(await openConnection({ path })))).toEqual([])
    server.close()
    await once(server, 'close')
  }))

// test_open_connection_no_loop_ssl, test_open_unix_connection_no_loop_ssl
test('connections under TLS write, read and close, over TCP and a Unix socket', () =>
  withSocketPath(async (path) => {
    const server = createRawTls(tls, answer)
    for (const where of [0, path]) {
      server.listen(where)
      await once(server, 'listening')
      const target = where === 0 ? { port: rawPort(server) } : { path }
      const options = { tls: { ca: tls.cert, servername: 'localhost' } }
      const messages = await reports(async () =>
        getsAnAnswer(await openConnection(target, options)),
      )
      expect(messages).toEqual([])
      server.close()
      await once(server, 'close')
    }
  }))

// test_open_connection_error, test_open_unix_connection_error
test('the next read throws the error that destroyed the socket', async () => {
  const failure = new Error('lost')
  const messages = await reports(async () => {
    const [reader, writer] = await openConnection('127.0.0.1', rawPort())
    const socket = writer.getExtraInfo('socket') as Socket
    socket.destroy(failure)
    await writer.waitClosed().catch(() => {})
    expect(await thrown(reader.read())).toBe(failure)
    writer.close()
  })
  expect(messages).toEqual([])
})

// test_wait_closed_on_close_with_unread_data
test('a connection with unread data can be closed', () =>
  run(async () => {
    const [reader, writer] = await openConnection('127.0.0.1', rawPort())
    writer.write('GET / HTTP/1.0\r\n\r\n')
    expect(String(await reader.readLine())).toBe('HTTP/1.0 200 OK\r\n')
    writer.close()
    await writer.waitClosed()
  }))

// test_async_writer_api_exception_after_close
test('drain after a write after close throws ConnectionResetError', async () => {
  const messages = await reports(async () => {
    const [reader, writer] = await openConnection('127.0.0.1', rawPort())
    writer.write('GET / HTTP/1.0\r\n\r\n')
    await reader.read()
    writer.close()
    writer.write('data')
    expect(await thrown(writer.drain())).toBeInstanceOf(ConnectionResetError)
  })
  expect(messages).toEqual([])
})

// test_eof_feed_when_closing_writer
test('closing the writer of a connection ends its reader', async () => {
  const messages = await reports(async () => {
    const [reader, writer] = await openConnection('127.0.0.1', rawPort())
    writer.close()
    await writer.waitClosed()
    expect(reader.atEof()).toBe(true)
    expect((await reader.read()).length).toBe(0)
  })
  expect(messages).toEqual([])
})

// test_drain_raises
test('a loop of write and drain throws when the peer has gone', async () => {
  const leaving = createRaw((socket) => socket.on('error', () => {}).destroy())
  leaving.listen(0, '127.0.0.1')
  await once(leaving, 'listening')
  const messages = await reports(async () => {
    const [, writer] = await openConnection('127.0.0.1', rawPort(leaving))
    const producer = createTask(async () => {
      for (;;) {
        writer.write('foo\n')
        await writer.drain()
      }
    })
    await wait([producer])
    expect(producer.exception()).toBeInstanceOf(OSError)
    expect((producer.exception() as OSError).code).toMatch(/^(ECONNRESET|EPIPE)$/)
    await writer.waitClosed().catch(() => {})
  })
  expect(messages).toEqual([])
  leaving.close()
  await once(leaving, 'close')
})

const echoOnce = async (reader: StreamReader, writer: StreamWriter): Promise<void> => {
  writer.write(await reader.readLine())
  await writer.drain()
  writer.close()
  await writer.waitClosed()
}

async function saysHello(target: { port: number } | { path: string }): Promise<string> {
  const [reader, writer] = await openConnection(target)
  writer.write('hello world!\n')
  const back = String(await reader.readLine())
  writer.close()
  await writer.waitClosed()
  return back
}

// test_start_server, test_start_unix_server
test.each([
  ['a coroutine', echoOnce],
  [
    'a callback that makes a task',
    (...client: [StreamReader, StreamWriter]) => {
      createTask(() => echoOnce(...client))
    },
  ],
])('a server calls its handler for each client when the handler is %s', (_, handler) =>
  withSocketPath(async (path) => {
    const messages = await reports(async () => {
      for (const where of [{ ...local }, { path }]) {
        const server = await startServer(handler, where)
        const target = 'path' in where ? where : { host: '127.0.0.1', port: portOf(server) }
        expect(await saysHello(target)).toBe('hello world!\n')
        server.close()
        await server.waitClosed()
      }
    })
    expect(messages).toEqual([])
  }),
)

// test_start_tls
test('the reader and the writer of a connection work after startTls as before', async () => {
  const messages = await reports(async () => {
    const server = await startServer(async (reader, writer) => {
      writer.write(await reader.readLine())
      await writer.drain()
      expect(writer.getExtraInfo('cipher')).toBeNull()
      await writer.startTls(tls)
      expect(writer.getExtraInfo('cipher')).not.toBeNull()
      await echoOnce(reader, writer)
    }, local)
    const [reader, writer] = await openConnection('127.0.0.1', portOf(server))
    writer.write('hello world 1!\n')
    await writer.drain()
    expect(String(await reader.readLine())).toBe('hello world 1!\n')
    expect(writer.getExtraInfo('cipher')).toBeNull()
    await writer.startTls({ ca: tls.cert, servername: 'localhost' })
    expect(writer.getExtraInfo('cipher')).not.toBeNull()
    writer.write('hello world 2!\n')
    await writer.drain()
    expect(String(await reader.readLine())).toBe('hello world 2!\n')
    writer.close()
    await writer.waitClosed()
    server.close()
    await server.waitClosed()
  })
  expect(messages).toEqual([])
})

async function reportsOfHandler(
  handler: (reader: StreamReader, writer: StreamWriter) => Promise<void>,
): Promise<unknown[]> {
  return reports(async () => {
    const ended = new Future<void>()
    const server: Server = await startServer(async (...client) => {
      currentTask()?.addDoneCallback(() => ended.setResult())
      await handler(...client)
    }, local)
    const [, writer] = await openConnection('127.0.0.1', portOf(server))
    writer.write('test msg')
    await writer.drain().catch(() => {})
    writer.close()
    await writer.waitClosed().catch(() => {})
    await ended
    server.close()
    await server.waitClosed()
  })
}

// test_unhandled_exception
test('an error of a connection handler goes to the exception handler', async () => {
  const failure = new Error('test')
  const messages = await reportsOfHandler(async () => {
    throw failure
  })
  expect(messages).toEqual([
    expect.objectContaining({
      message: expect.stringMatching(/^the handler of client .* has failed$/),
      exception: failure,
    }),
  ])
})

// test_unhandled_cancel
test('a connection handler that cancels its own task is not reported', async () => {
  const messages = await reportsOfHandler(async (_, writer) => {
    writer.close()
    currentTask()?.cancel()
  })
  expect(messages).toEqual([])
})

// test_unclosed_server_resource_warnings (CPython warns; here the end of the handler closes the connection)
test('a connection is closed when its handler has returned without closing it', () =>
  run(async () => {
    const server = await startServer(async () => {}, local)
    const [reader, writer] = await openConnection('127.0.0.1', portOf(server))
    expect((await reader.read()).length).toBe(0)
    server.close()
    await server.waitClosed()
    await writer[Symbol.asyncDispose]()
  }))

// test_readline of test_pep492
test('a loop over a reader gives its lines', () =>
  run(async () => {
    await using server = await startServer(echo, local)
    const [reader, writer] = await openConnection('127.0.0.1', portOf(server))
    await using _ = writer
    writer.writeLines(['one\n', 'two\n'])
    writer.writeEof()
    const lines: string[] = []
    for await (const line of reader) lines.push(String(line))
    expect(lines).toEqual(['one\n', 'two\n'])
  }))
