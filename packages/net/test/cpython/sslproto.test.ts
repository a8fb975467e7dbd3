import { once } from 'node:events'
import { connect, createServer as createRaw, type Server as RawServer, type Socket } from 'node:net'
import { connect as connectTls, TLSSocket } from 'node:tls'
import {
  createTask,
  Future,
  getRunningLoop,
  run,
  RuntimeError,
  sleep,
  TimeoutError,
  wait,
} from '@tasktree/core'
import {
  type BufferedProtocol,
  ConnectionResetError,
  createConnection,
  createServer,
  openConnection,
  type Protocol,
  type Transport,
} from '@tasktree/net'
import { expect, test, vi } from 'vitest'
import { local, portOf, thrown, tls } from '../support/network.ts'

// Behaviours of Lib/test/test_asyncio/test_sslproto.py (CPython 3.13), through connections in place of
// its mock transports; the name of each case there stands above its test.

const HELLO = Buffer.alloc(100 * 1024, '1')
const client = { ca: tls.cert, servername: 'localhost' }

/** Runs `body` against a server that gives each connection to `serve`. The reports of the loop must equal `expected`. */
async function against(
  serve: (socket: Socket) => void,
  body: (port: number) => Promise<void>,
  expected: unknown[] = [],
): Promise<void> {
  const sockets = new Set<Socket>()
  const server: RawServer = createRaw((socket) => {
    sockets.add(socket.on('error', () => {}))
    serve(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const messages: unknown[] = []
  try {
    await run(async () => {
      getRunningLoop().setExceptionHandler((_, context) => messages.push(context))
      await body((server.address() as { port: number }).port)
    })
  } finally {
    server.close()
    for (const socket of sockets) socket.destroy()
    await once(server, 'close')
  }
  expect(messages).toEqual(expected)
}

/** Calls `then` when `size` bytes have arrived at `socket`. Later bytes can still be read from it. */
function received(socket: Socket, size: number, then: () => void): void {
  let total = 0
  const onData = (data: Buffer): void => {
    total += data.length
    if (total < size) return
    socket.off('data', onData).pause()
    if (total > size) socket.unshift(data.subarray(data.length - (total - size)))
    then()
    // If the socket is now under TLS, code must not resume the plain socket.
    if (socket instanceof TLSSocket) socket.resume()
  }
  socket.on('data', onData)
}

function underTls(socket: Socket): TLSSocket {
  const secure = new TLSSocket(socket, { isServer: true, ...tls })
  return secure.on('error', () => {})
}

/** A protocol that keeps what its callbacks were called with, in one future for each callback. */
class Client implements Protocol {
  readonly data = new Future<string>()
  readonly eof = new Future<void>()
  readonly lost = new Future<Error | null>()
  made = 0

  connectionMade(): void {
    this.made++
  }
  dataReceived(data: Buffer): void {
    this.data.setResult(String(data))
  }
  eofReceived(): void {
    this.eof.setResult()
  }
  connectionLost(error: Error | null): void {
    this.lost.setResult(error)
  }
}

// test_handshake_timeout_zero, test_handshake_timeout_negative
test('a TLS handshake timeout of zero or less is refused', () => {
  for (const handshakeTimeout of [0, -10]) {
    expect(() => openConnection('localhost', 1, { tls: { handshakeTimeout } })).toThrow(RangeError)
  }
  expect(() => openConnection('localhost', 1, { timeout: 0 })).toThrow(RangeError)
})

// test_eof_received_waiter, test_connection_lost
test.each([
  ['ends', (socket: Socket) => socket.once('data', () => socket.end())],
  ['is reset', (socket: Socket) => socket.once('data', () => socket.resetAndDestroy())],
])(
  'a peer that %s in the middle of the TLS handshake fails the connect with ConnectionResetError',
  (_, serve) =>
    against(serve, async (port) => {
      const error = await thrown(openConnection('127.0.0.1', port, { tls: client }))
      expect(error).toBeInstanceOf(ConnectionResetError)
    }),
)

// test_close_during_handshake
test('closing during the TLS handshake closes the socket', () => {
  const hello = new Future<void>()
  const closed = new Future<void>()
  const serve = (socket: Socket): void => {
    socket.once('data', () => hello.setResult()).once('close', () => closed.setResult())
  }
  return against(serve, async (port) => {
    const [transport, protocol] = await createConnection(() => new Client(), '127.0.0.1', port)
    const upgrading = createTask(() => transport.startTls(client))
    await hello
    transport.close()
    await wait([upgrading])
    expect(upgrading.exception()).toBeInstanceOf(Error)
    await protocol.lost
    await closed
  })
})

// test_get_extra_info_on_closed_connection
test('getExtraInfo of a closed connection gives the peer name, and the fallback for other names', () =>
  against(
    (socket) => socket.end(),
    async (port) => {
      const [transport, protocol] = await createConnection(() => new Client(), '127.0.0.1', port)
      await protocol.lost
      expect(transport.getExtraInfo('peername')).toEqual(['127.0.0.1', port])
      const fallback = {}
      expect(transport.getExtraInfo('cipher', fallback)).toBe(fallback)
    },
  ))

// test_set_new_app_protocol
test('setProtocol replaces the protocol of a connection', () =>
  against(
    (socket) => socket.resume(),
    async (port) => {
      const [transport, first] = await createConnection(() => new Client(), '127.0.0.1', port)
      const second = new Client()
      expect(transport.getProtocol()).toBe(first)
      transport.setProtocol(second)
      expect(transport.getProtocol()).toBe(second)
      transport.close()
      expect(await second.lost).toBeNull()
      expect(first.lost.done()).toBe(false)
    },
  ))

// test_data_received_after_closing
test('bytes that arrive after close are dropped', () => {
  let send = (): void => {}
  const serve = (socket: Socket): void => {
    const secure = underTls(socket)
    send = () => secure.write('too late')
  }
  return against(serve, async (port) => {
    const target = { host: '127.0.0.1', port }
    const [transport, protocol] = await createConnection(() => new Client(), target, {
      tls: client,
    })
    send()
    transport.close()
    expect(await protocol.lost).toBeNull()
    expect(protocol.data.done()).toBe(false)
  })
})

// test_write_after_closing
test('writes after close send nothing and cause one warning', () => {
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  return against(underTls, async (port) => {
    const target = { host: '127.0.0.1', port }
    const [transport, protocol] = await createConnection(() => new Client(), target, {
      tls: client,
    })
    transport.close()
    transport.write('data')
    transport.write('data')
    await protocol.lost
    expect(warn).toHaveBeenCalledTimes(1)
  })
})

// test_buf_feed_data
test.each([
  [1, '12345'],
  [2, '12345'],
  [2, '1234'],
  [4, '1234'],
  [100, '12345'],
])(
  'a protocol gets a text of the peer through a buffer of %i bytes that is filled again and again',
  (size, text) =>
    against(
      (socket) => socket.end(text),
      async (port) => {
        const buffer = new Uint8Array(size)
        let data = ''
        const lost = new Future<Error | null>()
        const protocol: BufferedProtocol = {
          getBuffer: () => buffer,
          bufferUpdated(n) {
            data += String(Buffer.from(buffer.subarray(0, n)))
          },
          connectionLost: (error) => lost.setResult(error),
        }
        await createConnection(() => protocol, '127.0.0.1', port)
        expect(await lost).toBeNull()
        expect(data).toBe(text)
      },
    ),
)

// test_buf_feed_data
test('a protocol that gives an empty buffer loses its connection with a RuntimeError', () => {
  const lost = new Future<Error | null>()
  return against(
    (socket) => socket.end('12345'),
    async (port) => {
      const protocol: BufferedProtocol = {
        getBuffer: () => new Uint8Array(0),
        bufferUpdated: () => {},
        connectionLost: (error) => lost.setResult(error),
      }
      await createConnection(() => protocol, '127.0.0.1', port)
      expect(await lost).toBeInstanceOf(RuntimeError)
    },
    [
      expect.objectContaining({
        exception: expect.objectContaining({ message: expect.stringContaining('empty buffer') }),
      }),
    ],
  )
})

/** A server that reads HELLO in clear, starts TLS, sends `greeting`, reads HELLO again, and closes. */
const upgrades = (greeting: string) => (socket: Socket) => {
  received(socket, HELLO.length, () => {
    const secure = underTls(socket)
    secure.write(greeting)
    received(secure, HELLO.length, () => secure.end())
  })
}

// test_start_tls_client_reg_proto_1
test('startTls sends earlier writes in clear text, and keeps the protocol', () =>
  against(upgrades('O'), async (port) => {
    const [transport, protocol] = await createConnection(() => new Client(), '127.0.0.1', port)
    transport.write(HELLO)
    await transport.startTls(client)
    expect(await protocol.data).toBe('O')
    transport.write(HELLO)
    await protocol.eof
    expect(protocol.made).toBe(1)
    transport.close()
    expect(await protocol.lost).toBeNull()
  }))

// test_start_tls_client_buf_proto_1
test('startTls works with a buffered protocol, which a protocol of the other kind replaces afterwards', () => {
  const serve = (socket: Socket): void =>
    received(socket, HELLO.length, () => {
      const secure = underTls(socket)
      secure.write('O')
      received(secure, HELLO.length, () => {
        secure.write('2')
        received(secure, HELLO.length, () => secure.end())
      })
    })
  return against(serve, async (port) => {
    const first = new Future<string>()
    const buffer = Buffer.alloc(1)
    let made = 0
    const protocol: BufferedProtocol = {
      connectionMade: () => void made++,
      getBuffer: () => buffer,
      bufferUpdated: (size) => first.setResult(buffer.toString('utf8', 0, size)),
    }
    const [transport] = await createConnection(() => protocol, '127.0.0.1', port)
    transport.write(HELLO)
    await transport.startTls(client)
    expect(await first).toBe('O')
    transport.write(HELLO)
    const second = new Client()
    transport.setProtocol(second)
    expect(await second.data).toBe('2')
    transport.write(HELLO)
    await second.eof
    transport.close()
    await second.lost
    expect([made, second.made]).toEqual([1, 0])
  })
})

// test_start_tls_slow_client_cancel
test('a cancel of startTls closes the connection', () => {
  const waiting = new Future<void>()
  const closed = new Future<void>()
  const serve = (socket: Socket): void => {
    received(socket, HELLO.length, () => {
      socket.resume()
      waiting.setResult()
    })
    socket.once('close', () => closed.setResult())
  }
  return against(serve, async (port) => {
    const [transport, protocol] = await createConnection(() => new Client(), '127.0.0.1', port)
    transport.write(HELLO)
    await waiting
    const upgrading = createTask(() => transport.startTls(client))
    while (upgrading.waitingOn.size === 0) await sleep(0)
    upgrading.cancel()
    await wait([upgrading])
    expect(upgrading.cancelled()).toBe(true)
    expect(transport.isClosing()).toBe(true)
    expect(await protocol.lost).toBeNull()
    await closed
  })
})

// test_start_tls_server_1
test('startTls works on the server side of a connection', () =>
  run(async () => {
    const connected = new Future<Transport>()
    const got = new Future<void>()
    const lost = new Future<Error | null>()
    let size = 0
    const server = await createServer(
      () => ({
        connectionMade: (transport) => connected.setResult(transport),
        dataReceived(data) {
          size += data.length
          if (size === HELLO.length) got.setResult()
        },
        connectionLost: (error) => lost.setResult(error),
      }),
      local,
    )
    const socket = connect(portOf(server), '127.0.0.1')
    const answered = new Future<string>()
    received(socket, HELLO.length, () => {
      const secure = connectTls({ socket, ...client })
      secure.write(HELLO)
      secure.once('data', (data) => {
        answered.setResult(String(data))
        secure.end()
      })
    })
    const transport = await connected
    transport.write(HELLO)
    await transport.startTls({ ...tls, handshakeTimeout: 30_000 })
    await got
    transport.write('answer')
    expect(await answered).toBe('answer')
    expect(await lost).toBeNull()
    expect(size).toBe(HELLO.length)
    server.close()
    await server.waitClosed()
  }))

// test_start_tls_wrong_args
test('startTls refuses wrong options, and throws when it is called twice or after close', () =>
  against(upgrades('O'), async (port) => {
    const [transport, protocol] = await createConnection(() => new Client(), '127.0.0.1', port)
    expect(() => transport.startTls(3 as never)).toThrow('the options of node:tls, got')
    expect(() => transport.startTls(null as never)).toThrow(TypeError)
    expect(transport.isClosing()).toBe(false)
    transport.write(HELLO)
    await transport.startTls(client)
    expect(await thrown(transport.startTls(client))).toBeInstanceOf(RuntimeError)
    transport.close()
    await protocol.lost
    expect(await thrown(transport.startTls(client))).toBeInstanceOf(RuntimeError)
  }))

// test_start_tls_wrong_args
test('a TLS server without a certificate is refused at once', () => {
  expect(() => createServer(() => ({}), { ...local, tls: true as never })).toThrow(TypeError)
})

// test_handshake_timeout, test_create_connection_ssl_slow_handshake
test.each([
  ['timeout', { timeout: 30, tls: client }, 'no connection after 30 ms'],
  [
    'handshakeTimeout',
    { tls: { ...client, handshakeTimeout: 30 } },
    'no TLS handshake after 30 ms',
  ],
])(
  'a TLS handshake that takes longer than %s throws TimeoutError and closes the socket',
  (_, options, message) => {
    const closed = new Future<void>()
    const serve = (socket: Socket): void => {
      socket.resume().once('close', () => closed.setResult())
    }
    return against(serve, async (port) => {
      const error = await thrown(openConnection('127.0.0.1', port, options))
      expect(error).toBeInstanceOf(TimeoutError)
      expect(error).toMatchObject({ message })
      await closed
    })
  },
)

// test_create_connection_ssl_failed_certificate
test('a certificate that no known authority has signed is refused', () =>
  against(underTls, async (port) => {
    const options = { tls: { servername: 'localhost' } }
    const error = await thrown(openConnection('127.0.0.1', port, options))
    expect(error).toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
  }))

// test_start_tls_client_corrupted_ssl
test('a read throws an error if the peer sends bytes that are not TLS', () => {
  const serve = (socket: Socket): void => {
    const secure = underTls(socket)
    secure.write('A\n')
    secure.once('data', () => socket.write('please corrupt the TLS connection'))
  }
  return against(serve, async (port) => {
    const [reader, writer] = await openConnection('127.0.0.1', port, { tls: client })
    expect(String(await reader.readLine())).toBe('A\n')
    writer.write('B')
    expect(await thrown(reader.readLine())).toMatchObject({
      code: expect.stringMatching(/^ERR_SSL_/),
    })
    await writer.waitClosed().catch(() => {})
  })
})
