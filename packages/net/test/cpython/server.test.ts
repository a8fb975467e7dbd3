import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { createServer as createRaw } from 'node:net'
import { once } from 'node:events'
import { createTask, Future, getRunningLoop, run, RuntimeError, sleep, wait } from '@tasktree/core'
import {
  openConnection,
  type Server,
  startServer,
  type StreamReader,
  type StreamWriter,
} from '@tasktree/net'
import { expect, test } from 'vitest'
import { local, portOf, thrown, withSocketPath } from '../support/network.ts'

// Behaviours of Lib/test/test_asyncio/test_server.py (CPython 3.13); the name of each case there stands
// above its test.

/** Reads until the client has closed. */
async function serve(reader: StreamReader, writer: StreamWriter): Promise<void> {
  try {
    await reader.read()
  } finally {
    writer.close()
    await writer.waitClosed()
  }
}

async function serveUntilTheClientSays(
  server: (
    onClient: (reader: StreamReader, writer: StreamWriter) => Promise<void>,
  ) => Promise<Server>,
  connect: (server: Server) => Promise<[StreamReader, StreamWriter]>,
): Promise<void> {
  const started = await server(async (reader, writer) => {
    await reader.readLine()
    main.cancel()
    writer.write('1')
    writer.close()
    await writer.waitClosed()
  })
  expect(started.isServing()).toBe(false)
  expect(started.sockets).toEqual([])
  const serving = new Future<void>()
  const main = createTask(async () => {
    await using _ = started
    await started.startServing()
    expect(started.isServing()).toBe(true)
    serving.setResult()
    await started.serveForever()
  })
  await serving
  const [reader, writer] = await connect(started)
  writer.write(Buffer.alloc(5120, '1'))
  writer.write('\n')
  expect(String(await reader.read(1))).toBe('1')
  await writer[Symbol.asyncDispose]()
  await wait([main])
  expect(main.cancelled()).toBe(true)
  expect(started.sockets).toEqual([])
  expect(started.isServing()).toBe(false)
  const error = await thrown(started.serveForever())
  expect(error).toBeInstanceOf(RuntimeError)
  expect(String(error)).toContain('is closed')
}

// test_start_server_1
test('serveForever of a server made with startServing: false serves until its task is cancelled', () =>
  run(() =>
    serveUntilTheClientSays(
      (onClient) => startServer(onClient, { ...local, startServing: false }),
      (server) => openConnection('127.0.0.1', portOf(server)),
    ),
  ))

// test_start_unix_server_1
test('serveForever of a Unix server made with startServing: false serves until its task is cancelled', () =>
  run(() =>
    withSocketPath((path) =>
      serveUntilTheClientSays(
        (onClient) => startServer(onClient, { path, startServing: false }),
        () => openConnection({ path }),
      ),
    ),
  ))

// test_wait_closed_basic
test('waitClosed of a server waits for close() and for the end of the last client', () =>
  run(async () => {
    const server = await startServer(serve, local)
    const first = createTask(() => server.waitClosed())
    await sleep(0)
    expect(first.done()).toBe(false)
    const [, writer] = await openConnection('127.0.0.1', portOf(server))
    const second = createTask(() => server.waitClosed())
    await sleep(0)
    expect([first.done(), second.done()]).toEqual([false, false])
    server.close()
    await sleep(0)
    const third = createTask(() => server.waitClosed())
    await sleep(0)
    expect([first.done(), second.done(), third.done()]).toEqual([false, false, false])
    writer.close()
    await writer.waitClosed()
    for (const waiting of [first, second, third]) await waiting
    await server.waitClosed()
  }))

// test_wait_closed_race
test('waitClosed of both sides ends when server and client are closed in one turn', () =>
  run(async () => {
    const server = await startServer(serve, local)
    const [, writer] = await openConnection('127.0.0.1', portOf(server))
    getRunningLoop().callSoon(() => server.close())
    getRunningLoop().callSoon(() => writer.close())
    await server.waitClosed()
    await writer.waitClosed()
  }))

// test_close_clients
test('closeClients closes the connections of a server', () =>
  run(async () => {
    const server = await startServer(serve, local)
    const [reader, writer] = await openConnection('127.0.0.1', portOf(server))
    const waiting = createTask(() => server.waitClosed())
    await sleep(0)
    expect(waiting.done()).toBe(false)
    server.close()
    server.closeClients()
    await waiting
    expect((await reader.read()).length).toBe(0)
    await writer[Symbol.asyncDispose]()
  }))

// test_abort_clients
test('abortClients closes connections whose peers do not read', () =>
  run(async () => {
    const connected = new Future<StreamWriter>()
    const server = await startServer(async (_, writer) => {
      connected.setResult(writer)
      await writer.waitClosed()
    }, local)
    const [, client] = await openConnection('127.0.0.1', portOf(server), { limit: 4096 })
    const writer = await connected
    const transport = client.transport as unknown as { isReading(): boolean }
    for (let i = 0; i < 3; i++) writer.write(Buffer.alloc(4096))
    while (transport.isReading()) await sleep(0)
    while (writer.transport.getWriteBufferSize() === 0) writer.write(Buffer.alloc(262_144))
    const waiting = createTask(() => server.waitClosed())
    await sleep(0)
    expect(waiting.done()).toBe(false)
    server.close()
    server.closeClients()
    await sleep(0)
    await sleep(0)
    expect(waiting.done()).toBe(false)
    server.abortClients()
    await waiting
    client.abort()
    await client.waitClosed().catch(() => {})
  }))

// test_unix_server_addr_cleanup
test('closing a Unix server removes its socket file', () =>
  run(() =>
    withSocketPath(async (path) => {
      const server = await startServer(() => {}, { path })
      expect(existsSync(path)).toBe(true)
      server.close()
      expect(existsSync(path)).toBe(false)
    }),
  ))

// test_unix_server_cleanup_gone
test('closing a Unix server whose socket file is gone throws no error', () =>
  run(() =>
    withSocketPath(async (path) => {
      const server = await startServer(() => {}, { path })
      await rm(path)
      server.close()
      await server.waitClosed()
    }),
  ))

// test_unix_server_cleanup_replaced
test('closing a Unix server leaves the socket file of another server that has replaced its file', () =>
  run(() =>
    withSocketPath(async (path) => {
      const server = await startServer(() => {}, { path })
      await rm(path)
      const other = createRaw().listen(path)
      await once(other, 'listening')
      server.close()
      expect(existsSync(path)).toBe(true)
      other.close()
      await once(other, 'close')
    }),
  ))

// test_unix_server_cleanup_prevented
test('with cleanupSocket: false the socket file stays after the close, and the next server replaces it', () =>
  run(() =>
    withSocketPath(async (path) => {
      const server = await startServer(() => {}, { path, cleanupSocket: false })
      server.close()
      expect(existsSync(path)).toBe(true)
      const next = await startServer(() => {}, { path })
      next.close()
      expect(existsSync(path)).toBe(false)
    }),
  ))
