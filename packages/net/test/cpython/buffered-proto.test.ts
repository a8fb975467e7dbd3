import { Future, run } from '@tasktree/core'
import { type BufferedProtocol, createConnection, startServer } from '@tasktree/net'
import { expect, test } from 'vitest'
import { local, portOf } from '../support/network.ts'

// Behaviours of Lib/test/test_asyncio/test_buffered_proto.py (CPython 3.13); the name of each case there
// stands above its test.

// test_buffered_proto_create_connection
test('a connection receives into the buffers that getBuffer of its protocol returns', () =>
  run(async () => {
    const noise = '12345678+'.repeat(1024)
    await using server = await startServer(async (reader, writer) => {
      writer.write(noise)
      await reader.readExactly(1)
    }, local)
    const lost = new Future<Error | null>()
    let received = ''
    let buffer = Buffer.alloc(0)
    const protocol: BufferedProtocol = {
      getBuffer: () => (buffer = Buffer.alloc(100)),
      bufferUpdated(size) {
        received += buffer.toString('utf8', 0, size)
        if (received === noise) transport.write('1')
      },
      connectionLost: (error) => lost.setResult(error),
    }
    const [transport] = await createConnection(() => protocol, '127.0.0.1', portOf(server))
    expect(await lost).toBeNull()
    expect(received).toBe(noise)
  }))
