// Tests that lines arrive and come back over TCP and TLS, that `drain` waits for a peer that does not read, and that the first and
// the last bytes of a connection arrive.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createTask, Future, run, sleep, timeout, wait } from '../../packages/core/dist/index.js'
import {
  createServer,
  DatagramSocket,
  openConnection,
  startServer,
} from '../../packages/net/dist/index.js'

const fixture = (name) =>
  readFileSync(new URL(`../../packages/net/test/fixtures/${name}`, import.meta.url))
const tls = { key: fixture('key.pem'), cert: fixture('cert.pem') }

async function echo(reader, writer) {
  for await (const line of reader) {
    writer.write(line)
    await writer.drain()
  }
}

async function echoes(serverOptions, clientOptions) {
  const server = await startServer(echo, '127.0.0.1', 0, serverOptions)
  const [reader, writer] = await openConnection('127.0.0.1', server.sockets[0].port, clientOptions)
  writer.write('there and back\n')
  assert.equal(String(await reader.readLine()), 'there and back\n')
  const reading = createTask(() => reader.readLine())
  await sleep(1)
  reading.cancel()
  await wait([reading])
  assert.equal(reading.cancelled(), true)
  writer.write('after a cancel\n')
  assert.equal(String(await reader.readLine()), 'after a cancel\n')
  await writer[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
}

async function backpressure() {
  const go = new Future()
  const total = new Future()
  const count = async (reader) => {
    await go
    total.setResult((await reader.read()).length)
  }
  const server = await startServer(count, '127.0.0.1', 0)
  const [, writer] = await openConnection('127.0.0.1', server.sockets[0].port)
  const size = 32 * 1024 * 1024
  let offered = 0
  const producer = createTask(async () => {
    while (offered < size) {
      writer.write(Buffer.alloc(65_536))
      offered += 65_536
      await writer.drain()
    }
  })
  await sleep(200)
  assert.ok(offered < size, 'drain has not waited')
  go.setResult()
  await producer
  writer.writeEof()
  assert.equal(await total, size)
  writer.close()
  await writer.waitClosed()
  await server[Symbol.asyncDispose]()
}

/** Tests that a client that is busy after it has connected still gets the bytes of a server that sends at once and closes. */
async function greeting(tlsOptions) {
  const server = await startServer(
    (_, writer) => {
      writer.write('220 hello\n')
      writer.close()
    },
    '127.0.0.1',
    0,
    tlsOptions === undefined ? {} : { tls },
  )
  const options = tlsOptions === undefined ? {} : { tls: tlsOptions }
  const connect = async () => {
    const [reader, writer] = await openConnection('127.0.0.1', server.sockets[0].port, options)
    const end = performance.now() + 2
    while (performance.now() < end);
    assert.equal(String(await timeout(3000, () => reader.read())), '220 hello\n')
    writer.abort()
  }
  await Promise.all(Array.from({ length: 10 }, () => createTask(connect)))
  await server[Symbol.asyncDispose]()
}

/** Tests `startTls` when the client begins the handshake before the server has called `startTls`. */
async function upgrade() {
  const server = await startServer(
    async (reader, writer) => {
      await reader.readLine()
      writer.write('220 go ahead\n')
      await sleep(50)
      await writer.startTls(tls)
      writer.write(await reader.readLine())
      await writer.drain()
    },
    '127.0.0.1',
    0,
  )
  const [reader, writer] = await openConnection('127.0.0.1', server.sockets[0].port)
  writer.write('STARTTLS\n')
  await reader.readLine()
  await timeout(3000, () => writer.startTls({ ca: tls.cert, servername: 'localhost' }))
  writer.write('over TLS\n')
  assert.equal(String(await timeout(3000, () => reader.readLine())), 'over TLS\n')
  writer.abort()
  await server[Symbol.asyncDispose]()
}

/** Tests a protocol with a buffer of its own, which pauses the transport each time the buffer is full. */
async function pausing() {
  const lost = new Future()
  const buffer = Buffer.alloc(4096)
  let used = 0
  let total = 0
  const factory = () => ({
    connectionMade(transport) {
      this.transport = transport
    },
    getBuffer: () => buffer.subarray(used),
    bufferUpdated(n) {
      total += n
      used += n
      if (used < buffer.length) return
      used = 0
      this.transport.pauseReading()
      setTimeout(() => this.transport.resumeReading(), 0)
    },
    connectionLost: (error) => lost.setResult(error),
  })
  const server = await createServer(factory, '127.0.0.1', 0)
  const [, writer] = await openConnection('127.0.0.1', server.sockets[0].port)
  writer.write(Buffer.alloc(100_000))
  writer.close()
  assert.equal(await timeout(5000, () => lost), null)
  assert.equal(total, 100_000)
  await server[Symbol.asyncDispose]()
}

/** Tests that datagrams arrive that were sent immediately before the socket was closed. */
async function datagrams() {
  const receiver = await DatagramSocket.open({ localAddr: { host: '127.0.0.1' } })
  const [host, port] = receiver.getExtraInfo('sockname')
  const sender = await DatagramSocket.open({ remoteAddr: { host, port } })
  await sender.send('one')
  await sender.send('two')
  sender.close()
  await sender.waitClosed()
  const texts = []
  for (let i = 0; i < 2; i++) {
    texts.push(String((await timeout(3000, () => receiver.receive()))[0]))
  }
  // Datagrams may overtake each other.
  assert.deepEqual(texts.toSorted(), ['one', 'two'])
  await receiver[Symbol.asyncDispose]()
}

await run(async () => {
  await echoes({}, {})
  await echoes({ tls }, { tls: { ca: tls.cert } })
  await backpressure()
  await greeting()
  await greeting({ ca: tls.cert, servername: 'localhost' })
  await upgrade()
  await pausing()
  await datagrams()
})
