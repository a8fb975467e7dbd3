import { createTask, run, type Task, wait } from '@tasktree/core'
import { createDatagramEndpoint, DatagramSocket, type DatagramTransport } from '@tasktree/net'
import { expect, test } from 'vitest'
import { census, expectNothingLeft } from './support/census.ts'
import { cancelAfter, microtasks, sweep } from './support/sweep.ts'

// Cancels each wait of a DatagramSocket at every point. No datagram may be lost, and nothing may be left.

const localAddr = { host: '127.0.0.1', port: 0 }

function remoteOf(socket: DatagramSocket | DatagramTransport): { host: string; port: number } {
  const [host, port] = socket.getExtraInfo('sockname') as [string, number]
  return { host, port }
}

/** Calls `body` with a socket that is connected to an echo server. */
async function withEcho(body: (socket: DatagramSocket) => Promise<void>): Promise<void> {
  const before = census()
  {
    const [echo] = await createDatagramEndpoint(
      (): object => {
        let transport: DatagramTransport
        return {
          connectionMade: (made: DatagramTransport) => (transport = made),
          datagramReceived: (data: Buffer, from: { host: string; port: number }) =>
            transport.sendTo(data, from),
        }
      },
      { localAddr },
    )
    using _ = echo
    await using socket = await DatagramSocket.open({ remoteAddr: remoteOf(echo) })
    await body(socket)
    expect(socket.dropped).toBe(0)
  }
  await expectNothingLeft(before)
}

/** For each point in the first twelve turns, calls `begin` and cancels the returned task at that point. */
async function atEveryPoint(begin: () => Task): Promise<number> {
  let cancelled = 0
  for (let turns = 0; turns < 12; turns++) {
    for (const ticks of microtasks) {
      const task = begin()
      cancelAfter(task, turns, ticks)
      await wait([task])
      if (task.cancelled()) cancelled++
      else task.result()
    }
  }
  return cancelled
}

test('a cancel in any turn of DatagramSocket.open leaves no socket', { tags: ['slow'] }, () =>
  run(async () => {
    const before = census()
    const opening = (): Promise<DatagramSocket> => DatagramSocket.open({ localAddr })
    const after = async (socket: DatagramSocket | null): Promise<void> =>
      socket?.[Symbol.asyncDispose]()
    expect(await sweep(opening, after)).toBeGreaterThan(1)
    await expectNothingLeft(before)
  }),
)

test('a cancel in any turn of a receive loses no datagram', { tags: ['slow'] }, () =>
  run(() =>
    withEcho(async (socket) => {
      let sent = 0
      const received: number[] = []
      const receive = async (): Promise<void> => {
        socket.transport.sendTo(String(sent++))
        const [data] = await socket.receive()
        received.push(Number(data))
      }
      expect(await atEveryPoint(() => createTask(receive))).toBeGreaterThan(1)
      while (received.length < sent) received.push(Number((await socket.receive())[0]))
      expect(received).toEqual(Array.from({ length: sent }, (_, i) => i))
    }),
  ),
)

test(
  'a cancel of one of two waiting receives does not take the datagram of the other',
  { tags: ['slow'] },
  () =>
    run(() =>
      withEcho(async (socket) => {
        let sent = 0
        const received: number[] = []
        const receive = async (): Promise<void> => {
          received.push(Number((await socket.receive())[0]))
        }
        const begin = (): Task => {
          const first = createTask(receive)
          others.push(createTask(receive))
          socket.transport.sendTo(String(sent++))
          socket.transport.sendTo(String(sent++))
          return first
        }
        const others: Task[] = []
        const cancelled = await atEveryPoint(begin)
        expect(cancelled).toBeGreaterThan(1)
        await wait(others)
        for (let i = 0; i < cancelled; i++) await receive()
        expect(received.toSorted((a, b) => a - b)).toEqual(
          Array.from({ length: sent }, (_, i) => i),
        )
      }),
    ),
)

test(
  'a cancel in any turn of a loop over a DatagramSocket loses no datagram',
  { tags: ['slow'] },
  () =>
    run(() =>
      withEcho(async (socket) => {
        let sent = 0
        const received: number[] = []
        const iterate = async (): Promise<void> => {
          socket.transport.sendTo(String(sent++))
          for await (const [data] of socket) {
            received.push(Number(data))
            socket.transport.sendTo(String(sent++))
          }
        }
        expect(await atEveryPoint(() => createTask(iterate))).toBe(12 * microtasks.length)
        while (received.length < sent) received.push(Number((await socket.receive())[0]))
        expect(received).toEqual(Array.from({ length: sent }, (_, i) => i))
      }),
    ),
)

// Two datagrams of this size exceed the 64 KiB after which a sender waits. The receiver's buffer can hold both.
const large = Buffer.alloc(33_000)

test.each(['send', 'drain'] as const)(
  'a cancel in any turn of %s loses no datagram, and the write buffer is empty afterwards',
  { tags: ['slow'] },
  (waiting) =>
    run(async () => {
      const before = census()
      {
        await using receiver = await DatagramSocket.open({ localAddr })
        const address = remoteOf(receiver)
        await using sender = await DatagramSocket.open({ localAddr })
        let sent = 0
        let received = 0
        const operation = async (): Promise<void> => {
          sent += 2
          sender.transport.sendTo(large, address)
          if (waiting === 'send') return sender.send(large, address)
          sender.transport.sendTo(large, address)
          await sender.drain()
        }
        const after = async (): Promise<void> => {
          for (; received < sent; received++) {
            expect((await receiver.receive())[0]).toHaveLength(large.length)
          }
          // This drain would hang if the bytes of a sent datagram still counted as buffered.
          await sender.drain()
        }
        expect(await sweep(operation, after)).toBeGreaterThan(1)
        expect(receiver.dropped).toBe(0)
      }
      await expectNothingLeft(before)
    }),
)
