import { Future, getRunningLoop, isCancelled, run, sleep, sleepForever } from '@tasktree/core'
import {
  createConnection,
  createDatagramEndpoint,
  createServer,
  DatagramSocket,
  openConnection,
  type Server,
  startServer,
  type StreamWriter,
} from '@tasktree/net'
import { copyBidirectional } from '@tasktree/streams'
import { describe, expect, test } from 'vitest'
import { sweepLevelCancel } from '../../core/test/support/level-sweep.ts'
import { census, expectNothingLeft } from './support/census.ts'
import { echo, local, portOf, tls, withSocketPath } from './support/network.ts'

/** Waits for the next moment of a cancel. The first 20 moments are one turn apart. Later ones are 3 ms apart. */
const moment = (i: number): Promise<void> => sleep(i < 20 ? 0 : 3).then(() => {})
const moreThanTheKernelTakes = Buffer.alloc(2 ** 24)

const trusting = { ca: tls.cert, servername: 'localhost' }

/** Does the server's side of a handshake. The client is cancelled, so the handshake may fail. */
async function startTls(writer: StreamWriter): Promise<void> {
  try {
    await writer.startTls(tls)
  } catch (error) {
    if (isCancelled(error)) throw error
  }
}

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
  'a connection over TLS': async () => {
    await using secure = await startServer(echo, { ...local, tls })
    const [reader, writer] = await openConnection('127.0.0.1', portOf(secure), { tls: trusting })
    await using _ = writer
    writer.write('x\n')
    await reader.readLine()
    writer.writeEof()
    await reader.read()
  },
  'startTls of a client': async () => {
    await using server = await startServer(async (reader, writer) => {
      await startTls(writer)
      await echo(reader, writer)
    }, local)
    const [reader, writer] = await openConnection('127.0.0.1', portOf(server))
    await using _ = writer
    await writer.startTls(trusting)
    writer.write('x\n')
    await reader.readLine()
  },
  'startTls with a peer that never answers': async () => {
    await using silent = await startServer(() => sleepForever(), local)
    const [, writer] = await openConnection('127.0.0.1', portOf(silent))
    await using _ = writer
    await writer.startTls(trusting)
  },
  'startTls of a server whose client never begins': async () => {
    const accepted = new Future<void>()
    await using server = await startServer(async (_reader, writer) => {
      accepted.setResult()
      await startTls(writer)
    }, local)
    const [, writer] = await openConnection('127.0.0.1', portOf(server))
    await using _ = writer
    await accepted
    server.close()
  },
  'each kind of read': async (server) => {
    const [reader, writer] = await openConnection('127.0.0.1', portOf(server))
    await using _ = writer
    writer.write('abc\ndef\nghi\njkl\n')
    await reader.peek(1)
    await reader.readExactly(2)
    await reader.readUntil('\n')
    await reader.readInto(new Uint8Array(4))
    for await (const line of reader) if (line.toString() === 'jkl\n') break
    await reader.read()
  },
  'a connection of a protocol': async (server) => {
    const lost = new Future<void>()
    const [transport] = await createConnection(
      () => ({ connectionLost: () => void (lost.done() || lost.setResult()) }),
      '127.0.0.1',
      portOf(server),
    )
    try {
      await sleep(2)
    } finally {
      transport.close()
    }
    await lost
  },
  'a server of protocols': async () => {
    await using server = await createServer(() => ({}), local)
    await server.serveForever()
  },
  'a server and a client on a Unix socket': () =>
    withSocketPath(async (path) => {
      await using _server = await startServer(echo, { path })
      const [reader, writer] = await openConnection({ path })
      await using _ = writer
      writer.write('x\n')
      await reader.readLine()
    }),
  'datagrams that are sent': async () => {
    await using receiver = await DatagramSocket.open({ localAddr: local })
    const [, port] = receiver.getExtraInfo('sockname') as [string, number]
    await using sender = await DatagramSocket.open({ remoteAddr: { host: '127.0.0.1', port } })
    await sender.send('x')
    await sender.drain()
    await receiver.receive()
    await receiver.receive()
  },
  'an endpoint for datagrams': async () => {
    const [transport] = await createDatagramEndpoint(() => ({}), { localAddr: local })
    try {
      await sleepForever()
    } finally {
      transport.close()
    }
  },
  'a datagram socket': async () => {
    await using socket = await DatagramSocket.open({ localAddr: local })
    await socket.receive()
  },
}

describe('a scope that is cancelled in any turn of these operations ends without a busy loop, and leaves no socket', () => {
  test.each(Object.keys(operations))('%s', { tags: ['slow'], timeout: 120_000 }, (name) =>
    run(async () => {
      // A cancelled client may reset its connection. The handler of the server then fails, and the loop reports it.
      getRunningLoop().setExceptionHandler(() => {})
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
