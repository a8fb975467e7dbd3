import { once } from 'node:events'
import { connect, createServer as createRaw, type Socket } from 'node:net'
import { createTask, Future, run, sleep, wait } from '@tasktree/core'
import { LimitOverrunError, openConnection, startServer, type StreamWriter } from '@tasktree/net'
import { expect, test, vi } from 'vitest'
import { census, expectNothingLeft } from './support/census.ts'
import { local, portOf, tls } from './support/network.ts'

/** The number of bytes that are offered: 256 MiB, or with NET_GIB=1 one GiB. */
const OFFERED = process.env['NET_GIB'] === '1' ? 2 ** 30 : 2 ** 28
const MIB = 2 ** 20

/** Collects garbage, and returns the bytes of the buffers that are alive. */
function bufferMemory(): number {
  globalThis.gc?.()
  return process.memoryUsage().arrayBuffers
}

/** Returns the smallest of several measurements, because V8 counts a freed buffer until it has swept its memory. */
async function settledMemory(): Promise<number> {
  let least = bufferMemory()
  for (let i = 0; i < 20; i++) {
    await sleep(0)
    least = Math.min(least, bufferMemory())
  }
  return least
}

/** Waits until `value` has not changed for 200 turns of the loop. */
async function isStill(value: () => number): Promise<void> {
  for (let last = -1, turns = 0; turns < 200; turns++) {
    if (value() !== last) {
      last = value()
      turns = 0
    }
    await sleep(0)
  }
}

test.each([
  ['in clear', undefined, undefined],
  ['under TLS', tls, { ca: tls.cert, servername: 'localhost' }],
])(
  'drain waits while the peer does not read, and the memory stays small: %s',
  { tags: ['slow'] },
  (_, serverTls, clientTls) =>
    run(async () => {
      const before = census()
      const go = new Future<void>()
      const received = new Future<number>()
      {
        await using server = await startServer(
          async (reader) => {
            await go
            let total = 0
            for (;;) {
              const { length } = await reader.read(MIB)
              if (length === 0) return received.setResult(total)
              total += length
            }
          },
          { ...local, tls: serverTls },
        )
        const options = { tls: clientTls }
        const [, writer] = await openConnection('127.0.0.1', portOf(server), options)
        const memory = bufferMemory()
        let offered = 0
        let most = 0
        const producer = createTask(async () => {
          while (offered < OFFERED) {
            writer.write(Buffer.alloc(65_536))
            offered += 65_536
            most = Math.max(most, writer.transport.getWriteBufferSize())
            await writer.drain()
          }
        })
        await isStill(() => offered)
        expect(producer.done()).toBe(false)
        // The buffer exceeds the high-water mark by at most one write.
        expect(most).toBeGreaterThan(65_536)
        expect(most).toBeLessThanOrEqual(2 * 65_536)
        expect((await settledMemory()) - memory).toBeLessThan(4 * MIB)
        go.setResult()
        await sleep(0)
        let peak = 0
        while (!producer.done()) {
          peak = Math.max(peak, bufferMemory() - memory)
          await sleep(50)
        }
        // Most of this memory belongs to buffers that were read and that V8 has not swept yet.
        expect(peak).toBeLessThan(96 * MIB)
        expect(most).toBeLessThanOrEqual(2 * 65_536)
        await writer[Symbol.asyncDispose]()
        expect(await received).toBe(OFFERED)
      }
      await expectNothingLeft(before)
    }),
)

test.each([
  ['in clear', undefined],
  ['under TLS', tls],
])(
  'a socket is paused while no code reads from its reader, and all bytes are read later: %s',
  (_, serverTls) =>
    run(async () => {
      const connected = new Future<StreamWriter>()
      const go = new Future<void>()
      const received = new Future<number>()
      await using server = await startServer(
        async (reader, writer) => {
          connected.setResult(writer)
          await go
          received.setResult((await reader.read()).length)
        },
        { ...local, limit: 10_000, tls: serverTls },
      )
      const [, client] = await openConnection('127.0.0.1', portOf(server), {
        tls: serverTls && { ca: tls.cert, servername: 'localhost' },
      })
      const size = 16 * MIB
      let offered = 0
      const producer = createTask(async () => {
        while (offered < size) {
          client.write(Buffer.alloc(MIB))
          offered += MIB
          await client.drain()
        }
      })
      const { transport } = await connected
      await isStill(() => offered)
      expect(producer.done()).toBe(false)
      expect((transport as unknown as { isReading(): boolean }).isReading()).toBe(false)
      const socket = transport.getExtraInfo('socket') as Socket
      // Before the pause the socket has read less than 1 MiB.
      expect(socket.bytesRead).toBeLessThan(MIB)
      go.setResult()
      await producer
      client.writeEof()
      expect(await received).toBe(size)
      await client[Symbol.asyncDispose]()
    }),
)

test(
  'an endless line throws LimitOverrunError each time it exceeds the limit, and the memory stays small',
  { tags: ['slow'] },
  () =>
    run(async () => {
      const overruns = new Future<number>()
      let read = 0
      await using server = await startServer(
        async (reader) => {
          for (let count = 0; ; count++) {
            try {
              read += (await reader.readLine()).length
              return overruns.setResult(count)
            } catch (error) {
              if (!(error instanceof LimitOverrunError)) throw error
              expect(error.consumed).toBeGreaterThan(65_536)
            }
          }
        },
        { ...local, limit: 65_536 },
      )
      const [, writer] = await openConnection('127.0.0.1', portOf(server))
      const memory = bufferMemory()
      let peak = 0
      const chunk = Buffer.alloc(MIB, 'x')
      for (let offered = 0; offered < OFFERED; offered += MIB) {
        writer.write(chunk)
        await writer.drain()
        if (offered % (16 * MIB) === 0) peak = Math.max(peak, bufferMemory() - memory)
      }
      writer.write('\n')
      await writer[Symbol.asyncDispose]()
      expect(await overruns).toBeGreaterThan(OFFERED / (65_536 * 40))
      expect(read).toBeLessThanOrEqual(65_537)
      expect(peak).toBeLessThan(96 * MIB)
    }),
)

test('a peer that sends a byte each second is read, and does not hold up other clients', () =>
  run(async () => {
    await using server = await startServer(async (reader, writer) => {
      for await (const line of reader) writer.write(line)
    }, local)
    const slow = connect(portOf(server), '127.0.0.1')
    await once(slow, 'connect')
    const [reader, writer] = await openConnection('127.0.0.1', portOf(server))
    // Instead of waiting for a second, the test lets another client make a round trip after each byte.
    for (const byte of 'a line\n') {
      slow.write(byte)
      writer.write(`${byte.trim()}\n`)
      expect(String(await reader.readLine())).toBe(`${byte.trim()}\n`)
    }
    const [line] = (await once(slow, 'data')) as [Buffer]
    expect(String(line)).toBe('a line\n')
    slow.destroy()
    await writer[Symbol.asyncDispose]()
  }))

test('thousands of writes to a peer that has gone cause one warning and one error', () =>
  run(async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const raw = createRaw((socket) => {
      socket.on('error', () => {}).once('data', () => socket.resetAndDestroy())
    }).listen(0, '127.0.0.1')
    await once(raw, 'listening')
    const { port } = raw.address() as { port: number }
    const [, writer] = await openConnection('127.0.0.1', port)
    const producer = createTask(async () => {
      for (let i = 0; ; i++) {
        writer.write('line\n')
        if (i % 1000 === 999) await writer.drain()
        if (i % 100 === 0) await sleep(0)
      }
    })
    await wait([producer])
    expect(producer.exception()).toMatchObject({ name: 'ConnectionResetError' })
    expect(warn.mock.calls.length).toBeLessThanOrEqual(1)
    await writer.waitClosed().catch(() => {})
    raw.close()
    await once(raw, 'close')
  }))
