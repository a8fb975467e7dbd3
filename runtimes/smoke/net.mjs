// Lines go there and come back, over TCP and TLS; a peer that does not read makes drain wait; nothing is left.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createTask, Future, run, sleep, wait } from '../../packages/core/dist/index.js'
import { openConnection, startServer } from '../../packages/net/dist/index.js'

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

await run(async () => {
  await echoes({}, {})
  await echoes({ tls }, { tls: { ca: tls.cert } })
  await backpressure()
})
