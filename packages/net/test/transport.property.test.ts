import * as fc from 'fast-check'
import { Future, run } from '@tasktree/core'
import { createConnection, startServer } from '@tasktree/net'
import { copy } from '@tasktree/streams'
import { expect, test } from 'vitest'

test('an echo server returns random bytes once and in order, however they are written and buffered', () =>
  run(async () => {
    await using server = await startServer(
      async (reader, writer) => {
        await copy(reader, writer)
      },
      { host: '127.0.0.1', port: 0, limit: 100 },
    )
    const { port } = server.sockets[0] as { port: number }
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 20 }),
        fc.integer({ min: 1, max: 2000 }),
        async (pieces, size) => {
          const buffer = Buffer.alloc(size)
          const received: Buffer[] = []
          const lost = new Future<Error | null>()
          const [transport] = await createConnection(
            () => ({
              getBuffer: () => buffer,
              bufferUpdated: (n: number) => {
                received.push(Buffer.from(buffer.subarray(0, n)))
              },
              connectionLost: (error: Error | null) => lost.setResult(error),
            }),
            '127.0.0.1',
            port,
          )
          for (const piece of pieces) transport.write(piece)
          transport.writeEof()
          expect(await lost).toBeNull()
          expect(Buffer.concat(received)).toEqual(Buffer.concat(pieces))
        },
      ),
      { numRuns: 40 },
    )
  }))
