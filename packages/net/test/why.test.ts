import { createTask, run, sleep, sleepForever, snapshot, why } from '@tasktree/core'
import { openConnection, startServer } from '@tasktree/net'
import { expect, test } from 'vitest'

test('why tells the peer of a read, the bytes it has so far, and what a drain waits for', async () => {
  await run(async () => {
    await using server = await startServer(
      async (_, writer) => {
        writer.write('part of a line')
        await sleepForever()
      },
      '127.0.0.1',
      0,
    )
    const port = server.sockets[0]?.port
    const [reader, writer] = await openConnection('127.0.0.1', port as number)
    const reading = createTask(async () => await reader.readLine(), { name: 'reading' })
    const draining = createTask(
      async () => {
        writer.write(Buffer.alloc(30_000_000))
        await writer.drain()
      },
      { name: 'draining' },
    )
    const serving = createTask(() => server.serveForever(), { name: 'serving' })
    await sleep(200)
    expect(why(reading)).toBe(
      `reading waits for bytes of the connection to 127.0.0.1:${port} (in readLine(), 14 bytes so far)`,
    )
    expect(why(draining)).toMatch(
      new RegExp(
        `^draining waits for its peer to take what was written to 127\\.0\\.0\\.1:${port} \\(\\d+ bytes in the buffer\\)$`,
      ),
    )
    expect(why(serving)).toBe('serving waits for the end of its server (1 connections)')
    expect(snapshot()['servers']).toEqual([
      {
        listening: [`127.0.0.1:${port}`],
        connections: 1,
        handshakes: 0,
        peers: [expect.stringMatching(/^127\.0\.0\.1:\d+$/)],
      },
    ])
    for (const task of [reading, draining, serving]) task.cancel()
    writer.abort()
    await sleep(50)
  })
  expect(snapshot()['servers']).toEqual([])
})
