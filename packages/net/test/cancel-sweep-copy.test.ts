import { allTasks, createTask, Future, run, wait } from '@tasktree/core'
import { openConnection, startServer } from '@tasktree/net'
import { copyBidirectional, type StreamPair } from '@tasktree/streams'
import { expect, test } from 'vitest'
import { census, expectNothingLeft } from './support/census.ts'
import { local, portOf } from './support/network.ts'
import { cancelAfter, microtasks, sweep } from './support/sweep.ts'

// Cancels `peek` and `copyBidirectional` at every point. No byte may be lost, and nothing may be left.

type Connect = () => Promise<[near: StreamPair, far: StreamPair]>

/** Calls `body` with a function that returns both ends of a new connection. In the end nothing may be left. */
async function withConnections(body: (connect: Connect) => Promise<void>): Promise<void> {
  const before = census()
  {
    let accepted = new Future<StreamPair>()
    // The handler passes its streams on and returns no promise, so they stay open.
    await using server = await startServer((...streams) => accepted.setResult(streams), local)
    await body(async () => {
      accepted = new Future()
      const near = await openConnection('127.0.0.1', portOf(server))
      return [near, await accepted]
    })
  }
  await expectNothingLeft(before)
}

async function close(pairs: readonly StreamPair[]): Promise<void> {
  for (const [, writer] of pairs) await writer[Symbol.asyncDispose]()
}

test('a cancel in any turn of a peek takes no byte from the reader', { tags: ['slow'] }, () =>
  run(() =>
    withConnections(async (connect) => {
      const pairs = await connect()
      const [[reader], [, writer]] = pairs
      let written = ''
      let cancelled = 0
      const peek = async (): Promise<string> => {
        const piece = `${written.length} `
        writer.write(piece)
        written += piece
        return String(await reader.peek(written.length))
      }
      for (let turns = 0; turns < 12; turns++) {
        for (const ticks of microtasks) {
          const task = createTask(peek)
          cancelAfter(task, turns, ticks)
          await wait([task])
          if (task.cancelled()) cancelled++
          else expect(task.result()).toBe(written)
        }
      }
      expect(cancelled).toBeGreaterThan(1)
      writer.writeEof()
      expect(String(await reader.read())).toBe(written)
      await close(pairs)
    }),
  ),
)

test.each([10, 300_000])(
  'a cancel in any turn of copyBidirectional loses no byte, in pieces of %d bytes',
  { tags: ['slow'] },
  (size) =>
    run(() =>
      withConnections(async (connect) => {
        const [client, front] = await connect()
        const [back, server] = await connect()
        const pieces: Buffer[] = []
        const tasks = allTasks().size
        for (let turns = 0; turns < 12; turns++) {
          for (const ticks of microtasks) {
            const piece = Buffer.alloc(size, `${pieces.length} `)
            pieces.push(piece)
            client[1].write(piece)
            server[1].write(piece)
            const copying = createTask(() => copyBidirectional(front, back))
            cancelAfter(copying, turns, ticks)
            await wait([copying])
            expect(copying.cancelled()).toBe(true)
            expect(allTasks().size).toBe(tasks)
          }
        }
        client[1].writeEof()
        server[1].writeEof()
        const copying = createTask(() => copyBidirectional(front, back))
        const reading = createTask(() => client[0].read())
        const all = Buffer.concat(pieces)
        expect((await server[0].read()).equals(all)).toBe(true)
        expect((await reading).equals(all)).toBe(true)
        await copying
        await close([client, front, back, server])
      }),
    ),
)

test(
  'a copyBidirectional that was cancelled in any turn can be called again and copies the rest',
  { tags: ['slow'] },
  () =>
    run(() =>
      withConnections(async (connect) => {
        let pairs: StreamPair[] = []
        const prepare = async (): Promise<void> => {
          const [client, front] = await connect()
          const [back, server] = await connect()
          pairs = [client, front, back, server]
          client[1].write('question')
          client[1].writeEof()
          server[1].write('answer')
          server[1].writeEof()
        }
        const copy = (): Promise<[number, number]> =>
          copyBidirectional(pairs[1] as StreamPair, pairs[2] as StreamPair)
        const after = async (counts: [number, number] | null): Promise<void> => {
          if (counts === null) await copy()
          else expect(counts).toEqual([8, 6])
          const [client, , , server] = pairs as [StreamPair, StreamPair, StreamPair, StreamPair]
          expect(String(await server[0].read())).toBe('question')
          expect(String(await client[0].read())).toBe('answer')
          await close(pairs)
        }
        expect(await sweep(copy, after, prepare)).toBeGreaterThan(1)
      }),
    ),
)
