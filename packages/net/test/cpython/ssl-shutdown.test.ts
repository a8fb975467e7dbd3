import { once } from 'node:events'
import { createServer as createRawTls, type Server, type TLSSocket } from 'node:tls'
import { Future, gather, run, sleep } from '@tasktree/core'
import { createConnection, openConnection, startServer, type Transport } from '@tasktree/net'
import { expect, test } from 'vitest'
import { local, portOf, tls } from '../support/network.ts'

// The cases about the end of TLS in Lib/test/test_asyncio/test_ssl.py (CPython 3.13). Their names there stand above the
// tests. The peer is a server of node:tls with half-open sockets, which ends its side only when it is told to.

const client = { tls: { ca: tls.cert } }
const patient = { ...client, sslShutdownTimeout: 30_000 }
const chunk = Buffer.alloc(128 * 1024, 'x')
const chunks = 32

async function withServer(
  handler: (socket: TLSSocket) => Promise<void>,
  body: (port: number) => Promise<void>,
): Promise<void> {
  const handled: Promise<void>[] = []
  const server: Server = createRawTls({ ...tls, allowHalfOpen: true }, (socket) => {
    handled.push(handler(socket.on('error', () => {})))
  }).listen(0)
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  await body(port)
  await Promise.all(handled)
  server.close()
  await once(server, 'close')
}

/** Reads at least `size` bytes, or all bytes until the end. */
async function receive(socket: TLSSocket, size = Infinity): Promise<Buffer> {
  const parts: Buffer[] = []
  let got = 0
  for await (const part of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    parts.push(part)
    got += part.length
    if (got >= size) break
  }
  return Buffer.concat(parts)
}

// test_shutdown_cleanly
test(
  'TLS clients whose server ends first read the end and close without an error',
  { tags: ['slow'] },
  () =>
    run(async () => {
      await withServer(
        async (socket) => {
          expect(await receive(socket, chunk.length)).toHaveLength(chunk.length)
          socket.end('OK')
        },
        async (port) => {
          const one = async (): Promise<void> => {
            const [reader, writer] = await openConnection('localhost', port, client)
            writer.write(chunk)
            expect(String(await reader.readExactly(2))).toBe('OK')
            expect(await reader.read()).toHaveLength(0)
            writer.close()
            await writer.waitClosed()
          }
          await gather(Array.from({ length: 25 }, () => one))
        },
      )
    }),
)

// test_flush_before_shutdown
test('bytes written before close reach a TLS peer that is slow to read', () =>
  run(async () => {
    let received = 0
    await withServer(
      async (socket) => {
        expect(String(await receive(socket, 4))).toBe('ping')
        socket.write('pong')
        await sleep(100)
        received = (await receive(socket)).length
        socket.end()
      },
      async (port) => {
        const [reader, writer] = await openConnection('localhost', port, client)
        writer.write('ping')
        expect(String(await reader.readExactly(4))).toBe('pong')
        for (let i = 0; i < chunks; i++) writer.write(chunk)
        writer.close()
        await writer.waitClosed()
      },
    )
    expect(received).toBe(chunk.length * chunks)
  }))

// CPython has no such test, because its client waits for the server's end, and so for the session tickets of the server.
test('bytes that a client writes after the TLS handshake, before it closes, reach a server that is slow to read', () =>
  run(async () => {
    for (const startsTls of [false, true]) {
      const received = new Future<number | string>()
      await using server = await startServer(
        async (reader, writer) => {
          let size = 0
          try {
            if (startsTls) await writer.startTls(tls)
            for (;;) {
              const part = await reader.read(65_536)
              if (part.length === 0) break
              size += part.length
              await sleep(1)
            }
            received.setResult(size)
          } catch (error) {
            received.setResult(`${String(error)} after ${size} bytes`)
          }
        },
        { ...local, ...(startsTls ? {} : { tls }) },
      )
      const options = startsTls ? {} : client
      const [, writer] = await openConnection('localhost', portOf(server), options)
      if (startsTls) await writer.startTls(client.tls)
      for (let i = 0; i < chunks; i++) writer.write(chunk)
      writer.close()
      await writer.waitClosed()
      expect(await received).toBe(chunk.length * chunks)
    }
  }))

// test_remote_shutdown_receives_trailing_data
test('a TLS peer that has ended its side still gets all bytes and the end of TLS', () =>
  run(async () => {
    let received = 0
    await withServer(
      async (socket) => {
        expect(String(await receive(socket, 4))).toBe('ping')
        socket.write('pong')
        await sleep(100)
        socket.end()
        received = (await receive(socket)).length
      },
      async (port) => {
        const [reader, writer] = await openConnection('localhost', port, client)
        writer.write('ping')
        expect(String(await reader.readExactly(4))).toBe('pong')
        for (let i = 0; i < chunks; i++) writer.write(chunk)
        expect(await reader.read()).toHaveLength(0)
        writer.close()
        await writer.waitClosed()
      },
    )
    expect(received).toBe(chunk.length * chunks)
  }))

// test_shutdown_timeout_handler_not_set
test('bytes that came before the end of TLS are read after a pause, and the connection ends without an error', () =>
  run(async () => {
    const ended = new Future<void>()
    const seen: string[] = []
    const lost = new Future<unknown>()
    await withServer(
      async (socket) => {
        socket.write('hello')
        expect(String(await receive(socket, 5))).toBe('world')
        socket.end('extra bytes')
        await once(socket, 'finish')
        ended.setResult()
        expect(await receive(socket)).toHaveLength(0)
      },
      async (port) => {
        let transport!: Transport
        await createConnection(
          () => ({
            connectionMade(made) {
              transport = made
            },
            dataReceived(data) {
              seen.push(String(data))
              if (seen.length > 1) return
              transport.write(Buffer.from('world'))
              // After the pause, arriving bytes stay in the socket.
              transport.pauseReading()
            },
            connectionLost(reason) {
              lost.setResult(reason)
            },
          }),
          'localhost',
          port,
          client,
        )
        await ended
        transport.resumeReading()
        expect(await lost).toBeNull()
        transport.close()
      },
    )
    expect(seen.join(' ')).toBe('hello extra bytes')
  }))

// asyncio does this by default. Here a program must give the option: asyncio answers a peer's end of TLS at once, but Tasktree's
// peers may keep their side open.
test('close with sslShutdownTimeout waits until the TLS peer has ended too', () =>
  run(async () => {
    const closing: string[] = []
    await withServer(
      async (socket) => {
        await receive(socket)
        await sleep(30)
        closing.push('the peer ends')
        socket.end()
      },
      async (port) => {
        const [, writer] = await openConnection('localhost', port, patient)
        writer.close()
        await writer.waitClosed()
        closing.push('closed')
      },
    )
    expect(closing).toEqual(['the peer ends', 'closed'])
  }))

test('close does not wait for a TLS peer that is gone without the end of TLS', () =>
  run(async () => {
    await withServer(
      async (socket) => {
        await receive(socket)
        // Ends the TCP connection without the end of TLS.
        socket.destroy()
      },
      async (port) => {
        const [, writer] = await openConnection('localhost', port, patient)
        writer.close()
        await writer.waitClosed()
      },
    )
  }))
