import { getEventListeners, once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { createTask, gather, getRunningLoop, run, sleep, wait } from '@tasktree/core'
import {
  openConnection,
  OSError,
  type StreamReader,
  type StreamWriter,
  startServer,
} from '@tasktree/net'
import { expect, test } from 'vitest'
import { census, expectNothingLeft } from './support/census.ts'
import { echo, local, portOf, thrown, withSocketPath } from './support/network.ts'

const CONNECTS = Number(process.env['NET_CONNECTS'] ?? 10_000)
const IDLE = Number(process.env['NET_IDLE'] ?? 2000)
const BUSY = Math.ceil(IDLE / 10)

async function echoes([reader, writer]: [StreamReader, StreamWriter], line: string): Promise<void> {
  writer.write(line)
  expect(String(await reader.readLine())).toBe(line)
}

test('thousands of connects and disconnects leave no socket and no task', { tags: ['slow'] }, () =>
  run(async () => {
    const before = census()
    let served = 0
    {
      await using server = await startServer(
        async (reader, writer) => {
          writer.write(await reader.readLine())
          served++
        },
        { ...local, backlog: 128 },
      )
      const port = portOf(server)
      const client = async (): Promise<void> => {
        for (let i = 0; i < CONNECTS / 20; i++) {
          const streams = await openConnection('127.0.0.1', port)
          await echoes(streams, 'x\n')
          await streams[1][Symbol.asyncDispose]()
        }
      }
      await gather(Array.from({ length: 20 }, () => client))
      expect(served).toBe(CONNECTS)
    }
    await expectNothingLeft(before)
  }),
)

test(`${IDLE} idle and ${BUSY} busy connections at once are all served`, { tags: ['slow'] }, () =>
  run(async () => {
    const before = census()
    {
      await using server = await startServer(echo, { ...local, backlog: 1024 })
      const port = portOf(server)
      const connected = await gather(
        Array.from({ length: IDLE + BUSY }, () => () => openConnection('127.0.0.1', port)),
      )
      await gather(
        connected.slice(IDLE).map((streams) => async () => {
          for (let i = 0; i < 50; i++) await echoes(streams, `${'x'.repeat(i * 10)}\n`)
        }),
      )
      await gather(connected.map((streams) => () => echoes(streams, 'still here\n')))
      for (const [, writer] of connected) writer.close()
      await gather(
        connected.map(
          ([, writer]) =>
            () =>
              writer.waitClosed(),
        ),
      )
    }
    await expectNothingLeft(before)
  }),
)

test('clients get their answers while the handlers of other clients fail', { tags: ['slow'] }, () =>
  run(async () => {
    const before = census()
    const reports: unknown[] = []
    getRunningLoop().setExceptionHandler((_, { exception }) => reports.push(exception))
    {
      await using server = await startServer(async (reader, writer) => {
        for await (const line of reader) {
          if (String(line) === 'fail\n') throw new Error('in the handler')
          writer.write(line)
          await writer.drain()
        }
      }, local)
      const port = portOf(server)
      const wellBehaved = await gather(
        Array.from({ length: 20 }, () => () => openConnection('127.0.0.1', port)),
      )
      for (let round = 0; round < 20; round++) {
        const [failing, failingWriter] = await openConnection('127.0.0.1', port)
        const [, aborting] = await openConnection('127.0.0.1', port)
        const resetting = connect(port, '127.0.0.1').on('error', () => {})
        await once(resetting, 'connect')
        failingWriter.write('fail\n')
        aborting.write('half a li')
        aborting.abort()
        resetting.write('half a li')
        resetting.resetAndDestroy()
        await gather(wellBehaved.map((streams) => () => echoes(streams, `${round}\n`)))
        expect((await failing.read()).length).toBe(0)
        await failingWriter[Symbol.asyncDispose]()
      }
      for (const [, writer] of wellBehaved) await writer[Symbol.asyncDispose]()
    }
    expect(reports.filter((report) => !(report instanceof OSError))).toHaveLength(20)
    await expectNothingLeft(before)
  }),
)

test('a closed server lets its clients finish and refuses new clients', () =>
  run(async () => {
    const before = census()
    const server = await startServer(echo, local)
    const port = portOf(server)
    const clients = await gather(
      Array.from({ length: 10 }, () => () => openConnection('127.0.0.1', port)),
    )
    await gather(clients.map((streams) => () => echoes(streams, 'open\n')))
    server.close()
    expect(await thrown(openConnection('127.0.0.1', port))).toMatchObject({
      name: 'ConnectionRefusedError',
    })
    await gather(clients.map((streams) => () => echoes(streams, 'closed\n')))
    const closed = createTask(() => server.waitClosed())
    await sleep(0)
    expect(closed.done()).toBe(false)
    for (const [, writer] of clients) await writer[Symbol.asyncDispose]()
    await closed
    await expectNothingLeft(before)
  }))

test('leaving the scope of a server with open clients leaves no socket and no task', () =>
  run(() =>
    withSocketPath(async (path) => {
      const before = census()
      for (const where of [local, { path }]) {
        const clients: [StreamReader, StreamWriter][] = []
        {
          await using server = await startServer(echo, where)
          const target = 'path' in where ? where : { port: portOf(server) }
          for (let i = 0; i < 10; i++) clients.push(await openConnection(target))
          await gather(clients.map((streams) => () => echoes(streams, 'x\n')))
        }
        for (const [reader, writer] of clients) {
          await reader.read().catch(() => {})
          await writer[Symbol.asyncDispose]().catch(() => {})
        }
      }
      await expectNothingLeft(before)
    }),
  ))

test('thousands of cancelled reads leave no listener on the socket', () =>
  run(async () => {
    await using server = await startServer(echo, local)
    const streams = await openConnection('127.0.0.1', portOf(server))
    const [reader, writer] = streams
    const socket = writer.getExtraInfo('socket') as Socket
    const listeners = (): number =>
      socket.eventNames().reduce((sum, name) => sum + socket.listenerCount(name), 0)
    await echoes(streams, 'x\n')
    const count = listeners()
    const controller = new AbortController()
    for (let i = 0; i < 2000; i++) {
      const reading = createTask(() => reader.readLine({ signal: controller.signal }))
      await sleep(0)
      reading.cancel()
      await wait([reading])
      writer.write('')
      await writer.drain({ signal: controller.signal })
    }
    expect(listeners()).toBe(count)
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
    await echoes(streams, 'x\n')
    await writer[Symbol.asyncDispose]()
  }))
