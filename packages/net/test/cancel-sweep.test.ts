import { once } from 'node:events'
import { createServer as createRaw, type Server as RawServer, type Socket } from 'node:net'
import { createTask, Future, run, type Task, wait } from '@tasktree/core'
import { openConnection, startServer, type StreamReader, type StreamWriter } from '@tasktree/net'
import { expect, test } from 'vitest'
import { census, expectNothingLeft } from './support/census.ts'
import { echo, local, portOf, tls } from './support/network.ts'
import { cancelAfter, microtasks, sweep } from './support/sweep.ts'

// Cancels each operation at every point, from before its first step to after its end. Nothing may be left, and work that must
// survive a cancel must go on.

async function closed(streams: [StreamReader, StreamWriter] | null): Promise<void> {
  await streams?.[1][Symbol.asyncDispose]().catch(() => {})
}

/** Runs `body` with a server that accepts connections and sends nothing. */
async function withSilentServer(body: (port: number, sockets: Set<Socket>) => Promise<void>) {
  const sockets = new Set<Socket>()
  const server: RawServer = createRaw({ pauseOnConnect: true }, (socket) => {
    sockets.add(socket.on('error', () => {}).on('close', () => sockets.delete(socket)))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  await body((server.address() as { port: number }).port, sockets)
  for (const socket of sockets) socket.destroy()
  server.close()
  await once(server, 'close')
}

test('a cancel in any turn of a connect leaves no socket', { tags: ['slow'] }, () =>
  run(async () => {
    const before = census()
    {
      await using server = await startServer(echo, local)
      const port = portOf(server)
      for (const host of ['127.0.0.1', 'localhost']) {
        expect(await sweep(() => openConnection(host, port), closed)).toBeGreaterThan(1)
      }
    }
    await expectNothingLeft(before)
  }),
)

test('a cancel in any turn of a TLS handshake leaves no socket', { tags: ['slow'] }, () =>
  run(async () => {
    const before = census()
    {
      await using server = await startServer(echo, { ...local, tls })
      const options = { tls: { ca: tls.cert, servername: 'localhost' } }
      const connecting = () => openConnection('127.0.0.1', portOf(server), options)
      expect(await sweep(connecting, closed)).toBeGreaterThan(5)
    }
    await expectNothingLeft(before)
  }),
)

test.each(['client', 'server'])(
  'a cancel in any turn of startTls of the %s leaves no socket',
  { tags: ['slow'] },
  (side) =>
    run(async () => {
      const before = census()
      {
        let accepted = new Future<StreamWriter>()
        // The handler passes its writer on and returns no promise, so the connection stays open.
        await using server = await startServer((_, writer) => accepted.setResult(writer), local)
        let streams: [StreamReader, StreamWriter] | null = null
        let other: Task<void> | null = null
        const upgrades: [() => Promise<void>, () => Promise<void>] = [
          async () => streams?.[1].startTls({ ca: tls.cert, servername: 'localhost' }),
          async () => (await accepted).startTls(tls),
        ]
        const [operation, peer] = side === 'client' ? upgrades : upgrades.toReversed()
        const prepare = async (): Promise<void> => {
          accepted = new Future()
          streams = await openConnection('127.0.0.1', portOf(server))
          await accepted
          other = createTask(peer as () => Promise<void>)
        }
        const after = async (): Promise<void> => {
          await closed(streams)
          await wait([other as Task<void>])
          if (other?.cancelled() === false) other.exception()
          await (await accepted)[Symbol.asyncDispose]().catch(() => {})
        }
        expect(await sweep(operation as () => Promise<void>, after, prepare)).toBeGreaterThan(5)
      }
      await expectNothingLeft(before)
    }),
)

test('a cancel in any turn of a read loses no byte', { tags: ['slow'] }, () =>
  run(async () => {
    const before = census()
    {
      await using server = await startServer(echo, local)
      const streams = await openConnection('127.0.0.1', portOf(server))
      const [reader, writer] = streams
      for (const read of [
        () => reader.readLine(),
        () => reader.readExactly(6),
        () => reader.readUntil('e\n'),
      ]) {
        let written = 0
        const operation = async (): Promise<string> => {
          writer.write('a line\n')
          written++
          return String(await read())
        }
        let cancelled = 0
        let received = ''
        for (let turns = 0; turns < 12; turns++) {
          for (const ticks of microtasks) {
            const task = createTask(operation)
            cancelAfter(task, turns, ticks)
            await wait([task])
            if (task.cancelled()) cancelled++
            else received += task.result()
          }
        }
        expect(cancelled).toBeGreaterThan(1)
        writer.write('the end\n')
        while (!received.endsWith('the end\n')) received += String(await reader.readLine())
        expect(received).toBe(`${'a line\n'.repeat(written)}the end\n`)
      }
      await closed(streams)
    }
    await expectNothingLeft(before)
  }),
)

test(
  'a cancel in any turn of a drain loses no byte and leaves no listener',
  { tags: ['slow'] },
  () =>
    run(async () => {
      const before = census()
      await withSilentServer(async (port, sockets) => {
        const streams = await openConnection('127.0.0.1', port)
        const [, writer] = streams
        let written = 0
        while (writer.transport.getWriteBufferSize() < 200_000) {
          writer.write(Buffer.alloc(100_000))
          written += 100_000
        }
        const socket = writer.getExtraInfo('socket') as Socket
        const listeners = (): number =>
          socket.eventNames().reduce((sum, name) => sum + socket.listenerCount(name), 0)
        const count = listeners()
        for (let turns = 0; turns < 6; turns++) {
          for (const ticks of microtasks) {
            const draining = createTask(() => writer.drain())
            cancelAfter(draining, turns, ticks)
            await wait([draining])
            expect(draining.cancelled()).toBe(true)
          }
        }
        expect(listeners()).toBe(count)
        const [peer] = sockets
        let received = 0
        const draining = createTask(() => writer.drain())
        peer?.on('data', (data) => (received += data.length)).resume()
        await draining
        writer.writeEof()
        await once(peer as Socket, 'end')
        expect(received).toBe(written)
        peer?.end()
        await closed(streams)
      })
      await expectNothingLeft(before)
    }),
)

test(
  'a cancel in any turn of waitClosed or of `await using` of a writer leaves no socket',
  { tags: ['slow'] },
  () =>
    run(async () => {
      const before = census()
      const moreThanTheKernelTakes = Buffer.alloc(2 ** 26)
      await withSilentServer(async (port) => {
        for (const end of ['waitClosed', Symbol.asyncDispose] as const) {
          let streams: [StreamReader, StreamWriter] | null = null
          const operation = async (): Promise<void> => {
            streams = await openConnection('127.0.0.1', port)
            const [, writer] = streams
            writer.write(moreThanTheKernelTakes)
            writer.close()
            await writer[end]()
          }
          for (let turns = 0; turns < 8; turns++) {
            for (const ticks of microtasks) {
              streams = null
              const task = createTask(operation)
              cancelAfter(task, turns, ticks)
              await wait([task])
              expect(task.cancelled()).toBe(true)
              const [, writer] = (streams ?? [null, null]) as [unknown, StreamWriter | null]
              if (end === 'waitClosed') writer?.abort()
              await writer?.waitClosed().catch(() => {})
            }
          }
        }
      })
      await expectNothingLeft(before)
    }),
)

test(
  'a cancel in any turn of a task with a server leaves no listening socket',
  { tags: ['slow'] },
  () =>
    run(async () => {
      const before = census()
      const serving = async (): Promise<void> => {
        await using server = await startServer(echo, { ...local, host: 'localhost' })
        const [reader, writer] = await openConnection('localhost', portOf(server))
        await using _ = writer
        writer.write('x\n')
        await reader.readLine()
      }
      expect(await sweep(serving, async () => {})).toBeGreaterThan(5)
      await expectNothingLeft(before)
    }),
)
