import { connect, createServer as createRaw, Server as RawServer } from 'node:net'
import { once } from 'node:events'
import {
  cancelScope,
  createTask,
  run,
  RuntimeError,
  sleep,
  sleepForever,
  timeout,
  wait,
} from '@tasktree/core'
import { AddressInUseError, openConnection, startServer } from '@tasktree/net'
import { expect, test, vi } from 'vitest'
import { census, expectNothingLeft } from './support/census.ts'
import { echo, local, portOf, thrown, until, withHost } from './support/network.ts'

// Tests the start of a server and of a connection, when several flows of control start it, cancel it and start it again.

async function freePort(): Promise<number> {
  const server = await startServer(echo, local)
  const port = portOf(server)
  await server[Symbol.asyncDispose]()
  return port
}

test('startServing after a startServing that was cancelled in any turn starts the server', () =>
  run(async () => {
    const before = census()
    const where = { host: 'slow.test', port: await freePort(), startServing: false }
    let cancels = 0
    await withHost('slow.test', ['127.0.0.1'], async () => {
      for (let turns = 1; turns < 30; turns++) {
        const server = await startServer(echo, where)
        const starting = createTask(async () => {
          try {
            await server.startServing()
          } catch {
            cancels++
            await server.startServing()
          }
        })
        for (let i = 0; i < turns; i++) await sleep(0)
        starting.cancel()
        await timeout(2000, () => starting)
        expect(server.isServing()).toBe(true)
        await server[Symbol.asyncDispose]()
      }
    })
    expect(cancels).toBeGreaterThan(2)
    await expectNothingLeft(before)
  }))

test('of two calls of serveForever before the server listens, the second throws', () =>
  run(async () => {
    const server = await startServer(echo, { ...local, startServing: false })
    const first = createTask(() => server.serveForever())
    const second = createTask(() => server.serveForever())
    await expect(timeout(1000, () => second)).rejects.toBeInstanceOf(RuntimeError)
    await server.startServing()
    server.close()
    await timeout(1000, () => wait([first]))
    expect(first.cancelled()).toBe(true)
  }))

test('a serveForever that is cancelled before the server listens closes the server', () =>
  run(async () => {
    const found = Promise.withResolvers<void>()
    await withHost(
      'slow.test',
      ['127.0.0.1'],
      async () => {
        const server = await startServer(echo, { host: 'slow.test', startServing: false })
        const serving = createTask(() => server.serveForever())
        await sleep(1)
        expect(server.isServing()).toBe(false)
        serving.cancel()
        await wait([serving])
        expect(serving.cancelled()).toBe(true)
        await timeout(1000, () => server.waitClosed())
        await expect(server.startServing()).rejects.toBeInstanceOf(RuntimeError)
        found.resolve()
        await sleep(5)
        expect(server.isServing()).toBe(false)
      },
      found.promise,
    )
  }))

test('a serveForever that could not listen can be called again', () =>
  run(async () => {
    const other = createRaw().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    const server = await startServer(echo, { host: '127.0.0.1', port, startServing: false })
    await expect(server.serveForever()).rejects.toBeInstanceOf(AddressInUseError)
    other.close()
    await once(other, 'close')
    const serving = createTask(() => server.serveForever())
    await until(() => server.isServing())
    const [reader, writer] = await openConnection('127.0.0.1', port)
    writer.write('x\n')
    expect(String(await reader.readLine())).toBe('x\n')
    writer.close()
    serving.cancel()
    await wait([serving])
  }))

test('a client that one address has accepted is disconnected when another address cannot listen', () =>
  run(async () => {
    const before = census()
    const other = createRaw().listen(0, '127.0.0.2')
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    const listen = Reflect.get(RawServer.prototype, 'listen') as (...args: unknown[]) => RawServer
    const gone = Promise.withResolvers<void>()
    const spy = vi.spyOn(RawServer.prototype, 'listen').mockImplementation(function (
      this: RawServer,
      ...args: unknown[]
    ) {
      if ((args[0] as { host: string }).host === '127.0.0.1') return listen.apply(this, args)
      // The server tries the second address only after a client has connected to the first one.
      connect(port, '127.0.0.1', () => setTimeout(() => listen.apply(this, args), 10))
        .on('error', () => {})
        .on('close', () => gone.resolve())
        .resume()
      return this
    } as never)
    let served = 0
    const handler = async (): Promise<void> => {
      served++
      await sleepForever()
    }
    const host = ['127.0.0.1', '127.0.0.2']
    const starting = startServer(handler, { host, port })
    expect(await thrown(starting)).toBeInstanceOf(AddressInUseError)
    spy.mockRestore()
    expect(served).toBe(1)
    await gone.promise
    other.close()
    await once(other, 'close')
    await expectNothingLeft(before)
  }))

test('a connect with a signal in a cancelled scope leaves no connection', () =>
  run(async () => {
    const before = census()
    {
      let ended = 0
      let begun = 0
      await using server = await startServer(async (reader) => {
        begun++
        await reader.read().catch(() => {})
        ended++
      }, local)
      const { signal } = new AbortController()
      const { cancelled } = await cancelScope(async (scope) => {
        scope.cancel()
        await openConnection('127.0.0.1', portOf(server), { signal })
      })
      expect(cancelled).toBe(true)
      await sleep(20)
      expect(begun - ended).toBe(0)
    }
    await expectNothingLeft(before)
  }))
