import { run, RuntimeError } from '@tasktree/core'
import { createConnection, type Protocol, startServer, type Transport } from '@tasktree/net'
import { expect, test } from 'vitest'
import { local, portOf } from '../support/network.ts'

// Behaviours of Lib/test/test_asyncio/test_transports.py (CPython 3.13); the name of each case there
// stands above its test.

/** Runs `body` with the transport of a connection to a server that does not read. */
function connected(
  protocol: Protocol,
  body: (transport: Transport) => PromiseLike<void> | void,
): Promise<void> {
  return run(async () => {
    await using server = await startServer((_, writer) => writer.waitClosed(), local)
    const [transport] = await createConnection(() => protocol, '127.0.0.1', portOf(server))
    try {
      await body(transport)
    } finally {
      transport.abort()
    }
  })
}

// test_get_extra_info
test('getExtraInfo gives the fallback for a name that it does not know', () =>
  connected({}, (transport) => {
    expect(transport.getExtraInfo('socket')).toBeDefined()
    expect(transport.getExtraInfo('unknown')).toBeNull()
    const fallback = {}
    expect(transport.getExtraInfo('unknown', fallback)).toBe(fallback)
  }))

// test_writelines
test('writeLines writes all lines at once', () =>
  run(async () => {
    let received = ''
    await using server = await startServer(async (reader, writer) => {
      received = String(await reader.read())
      writer.write('done')
    }, local)
    const writes: unknown[] = []
    const [transport] = await createConnection(() => ({}), '127.0.0.1', portOf(server))
    const write = transport.write.bind(transport)
    transport.write = (data) => {
      writes.push(String(data))
      write(data)
    }
    transport.writeLines(['line1', Buffer.from('line2'), new Uint8Array(Buffer.from('line3'))])
    expect(writes).toEqual(['line1line2line3'])
    transport.writeEof()
    await serverIsDone(transport)
    expect(received).toBe('line1line2line3')
  }))

function serverIsDone(transport: Transport): Promise<void> {
  return new Promise((resolve) => {
    transport.setProtocol({
      connectionLost: () => {
        resolve()
      },
    })
  })
}

// test_flowcontrol_mixin_set_write_limits
test('setWriteBufferLimits below the bytes in the buffer pauses writing at once', () => {
  const calls: string[] = []
  return connected({ pauseWriting: () => calls.push('pause') }, (transport) => {
    expect(() => transport.setWriteBufferLimits({ high: 0, low: 1 })).toThrow(RangeError)
    transport.setWriteBufferLimits({ high: 2 ** 30 })
    while (transport.getWriteBufferSize() < 512) transport.write(Buffer.alloc(1_000_000))
    expect(calls).toEqual([])
    transport.setWriteBufferLimits({ high: 2 ** 30, low: 128 })
    expect(calls).toEqual([])
    expect(transport.getWriteBufferLimits()).toEqual({ low: 128, high: 2 ** 30 })
    transport.setWriteBufferLimits({ high: 256, low: 128 })
    expect(calls).toEqual(['pause'])
    expect(transport.getWriteBufferLimits()).toEqual({ low: 128, high: 256 })
  })
})

// CPython has no test of this. It is the rule of transports.WriteTransport.write_eof, and of asyncio's selector transport.
test('write after writeEof throws', () =>
  connected({}, (transport) => {
    expect(transport.canWriteEof()).toBe(true)
    transport.writeEof()
    transport.writeEof()
    expect(() => transport.write('more')).toThrow(RuntimeError)
  }))
