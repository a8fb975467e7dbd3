import { run, sleep, sleepForever } from '@tasktree/core'
import { DatagramSocket, openConnection, type Server, startServer } from '@tasktree/net'
import { copyBidirectional } from '@tasktree/streams'
import { describe, expect, test } from 'vitest'
import { sweepLevelCancel } from '../../core/test/support/level-sweep.ts'
import { census, expectNothingLeft } from './support/census.ts'
import { echo, local, portOf } from './support/network.ts'

/** The first moments follow each other at once, and the later ones let the network go on. */
const moment = (i: number): Promise<void> => sleep(i < 20 ? 0 : 3).then(() => {})
const moreThanTheKernelTakes = Buffer.alloc(2 ** 24)

const operations: Record<string, (server: Server) => Promise<unknown>> = {
  openConnection: async (server) => {
    const [, writer] = await openConnection('127.0.0.1', portOf(server))
    await writer[Symbol.asyncDispose]()
  },
  'a connection that is used': async (server) => {
    const [reader, writer] = await openConnection('localhost', portOf(server))
    await using _ = writer
    writer.write('x\n')
    await writer.drain()
    await reader.readLine()
  },
  'a connection with unsent bytes': async () => {
    await using silent = await startServer(() => sleepForever(), local)
    const [, writer] = await openConnection('127.0.0.1', portOf(silent))
    await using _ = writer
    writer.write(moreThanTheKernelTakes)
    await writer.drain()
    writer.close()
    await writer.waitClosed()
  },
  'a server': async () => {
    await using server = await startServer(echo, local)
    const [reader, writer] = await openConnection('127.0.0.1', portOf(server))
    await using _ = writer
    writer.write('x\n')
    await reader.readLine()
  },
  'a server with clients that go on': async () => {
    await using server = await startServer(async (reader) => {
      try {
        await reader.read()
      } finally {
        await sleep(5)
      }
    }, local)
    const [, writer] = await openConnection('127.0.0.1', portOf(server))
    await using _ = writer
    await server.serveForever()
  },
  'a relay': async (server) => {
    const a = await openConnection('127.0.0.1', portOf(server))
    await using _ = a[1]
    const b = await openConnection('127.0.0.1', portOf(server))
    await using _other = b[1]
    await copyBidirectional(a, b)
  },
  'a datagram socket': async () => {
    await using socket = await DatagramSocket.open({ localAddr: local })
    await socket.receive()
  },
}

describe('a scope that is cancelled at any turn ends without spinning, and leaves no socket', () => {
  test.each(Object.keys(operations))('%s', { tags: ['slow'], timeout: 120_000 }, (name) =>
    run(async () => {
      const before = census()
      {
        await using server = await startServer(echo, local)
        const cancels = await sweepLevelCancel({
          operate: () => (operations[name] as (server: Server) => Promise<unknown>)(server),
          moment,
          moments: 36,
          grace: 10_000,
          settle: 3_000,
        })
        expect(cancels).toBeGreaterThan(0)
      }
      await expectNothingLeft(before)
    }),
  )
})
