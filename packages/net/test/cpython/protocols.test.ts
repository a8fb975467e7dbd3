import { once } from 'node:events'
import type { Socket } from 'node:net'
import { run } from '@tasktree/core'
import {
  type BufferedProtocol,
  createConnection,
  createDatagramEndpoint,
  openConnection,
  startServer,
} from '@tasktree/net'
import { expect, test } from 'vitest'
import { echo, local, portOf } from '../support/network.ts'

// Behaviours of Lib/test/test_asyncio/test_protocols.py (CPython 3.13). CPython has base classes whose methods do nothing. Here a
// protocol is an interface whose methods may be missing.

// test_base_protocol, test_protocol
test('a connection works with a protocol without any method', () =>
  run(async () => {
    await using server = await startServer(echo, local)
    const [transport] = await createConnection(() => ({}), '127.0.0.1', portOf(server))
    const closed = once(transport.getExtraInfo('socket') as Socket, 'close')
    transport.setWriteBufferLimits({ high: 0 })
    transport.write('a line\n')
    transport.writeEof()
    await closed
    expect(transport.isClosing()).toBe(true)
  }))

// test_buffered_protocol
test('a connection works with a buffered protocol that has only getBuffer and bufferUpdated', () =>
  run(async () => {
    await using server = await startServer(echo, local)
    const received: number[] = []
    const protocol: BufferedProtocol = {
      getBuffer: () => Buffer.alloc(100),
      bufferUpdated(size) {
        received.push(size)
        transport.close()
      },
    }
    const [transport] = await createConnection(() => protocol, '127.0.0.1', portOf(server))
    transport.write('a line\n')
    const [reader, writer] = await openConnection('127.0.0.1', portOf(server))
    writer.write('another\n')
    await reader.readLine()
    await writer[Symbol.asyncDispose]()
    expect(received).toEqual([7])
  }))

// test_datagram_protocol
test('a UDP socket works with a datagram protocol without any method', () =>
  run(async () => {
    const localAddr = { host: '127.0.0.1', port: 0 }
    const [one] = await createDatagramEndpoint(() => ({}), { localAddr })
    const [host, port] = one.getExtraInfo('sockname') as [string, number]
    const [other] = await createDatagramEndpoint(() => ({}), { remoteAddr: { host, port } })
    other.sendTo('to nobody')
    one.close()
    other.close()
  }))
