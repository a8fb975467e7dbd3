import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { Future, gather, run } from '@tasktree/core'
import {
  AddressInUseError,
  ConnectionResetError,
  createConnection,
  createDatagramEndpoint,
  createServer,
  GaiError,
  openConnection,
  OSError,
  startServer,
  type StreamWriter,
  type Transport,
} from '@tasktree/net'
import { expect, test } from 'vitest'
import {
  closed,
  echo,
  fixture,
  local,
  portOf,
  thrown,
  tls,
  withHost,
  withSocketPath,
} from './support/network.ts'

async function isServed(port: number): Promise<boolean> {
  const [reader, writer] = await openConnection('127.0.0.1', port)
  try {
    writer.write('x\n')
    return String(await reader.readLine()) === 'x\n'
  } catch (error) {
    if (error instanceof OSError) return false
    throw error
  } finally {
    writer.abort()
    await writer.waitClosed().catch(() => {})
  }
}

test.each([
  ['in clear', {}, {}],
  ['under TLS', { tls }, { tls: { ca: tls.cert, servername: 'localhost' } }],
])('a server closes a connection beyond maxConnections at once: %s', (_, serverOptions, options) =>
  run(async () => {
    const server = await startServer(echo, { ...local, ...serverOptions, maxConnections: 2 })
    const port = portOf(server)
    const clients = [
      await openConnection('127.0.0.1', port, options),
      await openConnection('127.0.0.1', port, options),
    ]
    const third = connect(port, '127.0.0.1').on('error', () => {})
    await closed(third)
    for (const [reader, writer] of clients) {
      writer.write('served\n')
      expect(String(await reader.readLine())).toBe('served\n')
    }
    const [, first] = clients[0] as [unknown, StreamWriter]
    await first[Symbol.asyncDispose]()
    // The server learns a little later that the first client has closed.
    for (;;) {
      const next = await openConnection('127.0.0.1', port, options).catch(() => null)
      if (next === null) continue
      const [reader, writer] = next
      writer.write('now\n')
      const line = await reader.readLine().catch(() => '')
      await writer[Symbol.asyncDispose]().catch(() => {})
      if (String(line) === 'now\n') break
    }
    await server[Symbol.asyncDispose]()
    for (const [, writer] of clients) await writer[Symbol.asyncDispose]().catch(() => {})
  }),
)

test('two servers share a port if both have reusePort', () =>
  run(async () => {
    await using first = await startServer(echo, { ...local, reusePort: true })
    const where = { host: '127.0.0.1', port: portOf(first) }
    expect(await thrown(startServer(echo, where))).toBeInstanceOf(AddressInUseError)
    await using second = await startServer(echo, { ...where, reusePort: true })
    expect(portOf(second)).toBe(portOf(first))
    const all = await gather(Array.from({ length: 20 }, () => () => isServed(where.port)))
    expect(all).toEqual(Array.from({ length: 20 }, () => true))
    first.close()
    expect(await isServed(where.port)).toBe(true)
  }))

test('a server with a backlog of 200 serves a burst of connections', () =>
  run(async () => {
    await using server = await startServer(echo, { ...local, backlog: 200 })
    const port = portOf(server)
    const all = await gather(Array.from({ length: 150 }, () => () => isServed(port)))
    expect(all.every(Boolean)).toBe(true)
    expect(() => startServer(echo, { ...local, backlog: -1 })).toThrow(RangeError)
    expect(() => startServer(echo, { ...local, backlog: '5' as never })).toThrow(TypeError)
    expect(() => startServer(echo, { ...local, maxConnections: Number.NaN })).toThrow(RangeError)
  }))

test('a client connects from localAddr', () =>
  run(async () => {
    const peer = new Future<unknown>()
    await using server = await startServer((_, writer) => {
      peer.setResult(writer.getExtraInfo('peername'))
      writer.close()
    }, local)
    const port = await freePort()
    const localAddr = { host: '127.0.0.5', port }
    const [, writer] = await openConnection('127.0.0.1', portOf(server), { localAddr })
    expect(await peer).toEqual(['127.0.0.5', port])
    expect(writer.getExtraInfo('sockname')).toEqual(['127.0.0.5', port])
    await writer[Symbol.asyncDispose]()
    const taken = { host: '127.0.0.1', port: portOf(server) }
    const other = await startServer(echo, local)
    const connecting = openConnection('127.0.0.1', portOf(other), { localAddr: taken })
    expect(await thrown(connecting)).toBeInstanceOf(AddressInUseError)
    await other[Symbol.asyncDispose]()
  }))

test('the name of localAddr is looked up in the address family of the connection', () =>
  run(async () => {
    await using server = await startServer(echo, local)
    const port = portOf(server)
    const names = ['::1', '127.0.0.5']
    await withHost('here.test', names, async () => {
      for (const host of ['127.0.0.1', 'localhost']) {
        const localAddr = { host: 'here.test' }
        const [, writer] = await openConnection(host, port, { localAddr })
        expect((writer.getExtraInfo('sockname') as [string, number])[0]).toBe('127.0.0.5')
        await writer[Symbol.asyncDispose]()
      }
    })
    const connecting = openConnection('127.0.0.1', port, { localAddr: { host: '::1' } })
    expect(await thrown(connecting)).toMatchObject({ name: 'OSError', code: 'EAFNOSUPPORT' })
  }))

test('a connect to an empty host name throws GaiError, as in asyncio', () =>
  run(async () => expect(await thrown(openConnection('', 80))).toBeInstanceOf(GaiError)))

test('a host name without an address throws GaiError in connects and in servers', () =>
  run(() =>
    withHost('none.test', [], async () => {
      const calls = [
        openConnection('none.test', 80),
        startServer(echo, 'none.test', 0),
        createDatagramEndpoint(() => ({}), { remoteAddr: { host: 'none.test', port: 80 } }),
      ]
      for (const call of calls) expect(await thrown(call)).toBeInstanceOf(GaiError)
    }),
  ))

async function freePort(): Promise<number> {
  const server = await startServer(() => {}, local)
  const port = portOf(server)
  await server[Symbol.asyncDispose]()
  return port
}

test('a server listens at every address of the machine, or of its host name', () =>
  run(async () => {
    for (const options of [{}, { host: 'localhost' }, { port: 0, host: '' }]) {
      await using server = await startServer(echo, options)
      const ports = server.sockets.map(({ port }) => port)
      expect(new Set(ports).size).toBe(1)
      expect(await isServed(ports[0] as number)).toBe(true)
    }
  }))

test('closeClients sends buffered bytes first, and abortClients does not', () =>
  run(async () => {
    for (const how of ['closeClients', 'abortClients'] as const) {
      const written = new Future<void>()
      const server = await startServer((_, writer) => {
        writer.transport.setWriteBufferLimits({ high: 2 ** 30 })
        while (writer.transport.getWriteBufferSize() < 8_000_000) {
          writer.write(Buffer.alloc(1_000_000))
        }
        written.setResult()
      }, local)
      const [reader, writer] = await openConnection('127.0.0.1', portOf(server))
      await written
      server[how]()
      server.close()
      const received = await reader.read().then(
        ({ length }) => length,
        (error: unknown) => {
          expect(error).toBeInstanceOf(ConnectionResetError)
          return 0
        },
      )
      if (how === 'closeClients') expect(received).toBeGreaterThanOrEqual(8_000_000)
      else expect(received).toBeLessThan(8_000_000)
      await server.waitClosed()
      await writer[Symbol.asyncDispose]().catch(() => {})
    }
  }))

test('a server does not replace a regular file in the place of its Unix socket', () =>
  run(() =>
    withSocketPath(async (path) => {
      await writeFile(path, 'precious')
      expect(await thrown(startServer(echo, { path }))).toBeInstanceOf(AddressInUseError)
      expect(String(await readFile(path))).toBe('precious')
    }),
  ))

test(
  'a server replaces the Unix socket file that a killed server has left',
  { tags: ['slow'] },
  () =>
    run(() =>
      withSocketPath(async (path) => {
        const killed = spawn(process.execPath, [
          '-e',
          `require('node:net').createServer().listen(${JSON.stringify(path)}, () => console.log('up'))`,
        ])
        await once(killed.stdout, 'data')
        const exited = once(killed, 'exit')
        killed.kill('SIGKILL')
        await exited
        await using server = await startServer(echo, { path })
        expect(server.sockets).toEqual([{ address: path, port: 0, family: 'Unix' }])
        const [reader, writer] = await openConnection({ path })
        writer.write('hello\n')
        expect(String(await reader.readLine())).toBe('hello\n')
        await writer[Symbol.asyncDispose]()
      }),
    ),
)

test('an unknown or wrong option is refused at once', () => {
  const path = fixture('none')
  expect(() => startServer(echo, { path: '' })).toThrow(TypeError)
  expect(() => startServer(echo, { host: 3 as never })).toThrow(TypeError)
  expect(() => startServer(echo, { port: 65_536 })).toThrow(RangeError)
  expect(() => startServer('echo' as never, { path })).toThrow(TypeError)
  expect(() => openConnection({ path: '' })).toThrow(TypeError)
  expect(() => openConnection('localhost', '80' as never)).toThrow(TypeError)
  expect(() => openConnection('localhost', 1, { timeout: '1' as never })).toThrow(TypeError)
  expect(() => openConnection('localhost', 1, { tls: 'yes' as never })).toThrow(TypeError)
  expect(() => openConnection('localhost', 1, { happyEyeballsDelay: -1 })).toThrow(RangeError)
  expect(() => openConnection('localhost', 1, { localAddr: { port: -1 } })).toThrow(RangeError)
  const signal = 'x' as never
  const factory = (): object => ({})
  const refused: [call: () => unknown, message: string][] = [
    [() => openConnection({ host: 5 as never, port: 1 }), 'a host is a string, got number 5'],
    [
      () => openConnection('localhost', 1, 5 as never),
      'the options must be an object, got number 5',
    ],
    [
      () => openConnection('localhost', 1, { signal }),
      'the option signal must be an AbortSignal, got string x',
    ],
    [
      () => openConnection('localhost', 1, { limit: '1' as never }),
      'limit must be a number of bytes, got string 1',
    ],
    [
      () => openConnection('localhost', 1, { localAddr: 5 as never }),
      'localAddr is an object with host and port, got number 5',
    ],
    [
      () => openConnection('localhost', 1, { localAddr: { host: 5 as never } }),
      'a host is a string, got number 5',
    ],
    [
      () => openConnection('localhost', 1, { happyEyeballsDelay: '1' as never }),
      'happyEyeballsDelay is a number of milliseconds, got string 1',
    ],
    [
      () => createConnection(factory, 'localhost', 1, { signal }),
      'the option signal must be an AbortSignal, got string x',
    ],
    [
      () => startServer(echo, { ...local, limit: '1' as never }),
      'limit must be a number of bytes, got string 1',
    ],
    [
      () => startServer(echo, '127.0.0.1', 0, 5 as never),
      'the options must be an object, got number 5',
    ],
    [() => createServer(factory, { host: 5 as never }), 'a host is a string, got number 5'],
    [
      () => createDatagramEndpoint(factory, null as never),
      'the options must be an object, got null',
    ],
    [
      () => createDatagramEndpoint(factory, { signal }),
      'the option signal must be an AbortSignal, got string x',
    ],
    [
      () => createDatagramEndpoint(factory, { remoteAddr: 'localhost' as never }),
      'remoteAddr is an object with host and port, got string localhost',
    ],
    [
      () => createDatagramEndpoint(factory, { remoteAddr: { port: 1 } as never }),
      'a host is a string, got undefined',
    ],
    [
      () => createDatagramEndpoint(factory, { localAddr: { host: 5 as never } }),
      'a host is a string, got number 5',
    ],
    [
      () => createDatagramEndpoint(factory, { family: 'ipv4' as never }),
      "family is 'udp4' or 'udp6', got string ipv4",
    ],
    [
      () => startServer(echo, { ...local, tls: {} }),
      'the server side of TLS needs options with key and cert, got neither',
    ],
    ...['reusePort', 'startServing', 'cleanupSocket'].map((flag): [() => unknown, string] => [
      () => createServer(factory, { ...local, [flag]: 0 }),
      `${flag} is true or false, got number 0`,
    ]),
    ...['reuseAddr', 'reusePort', 'allowBroadcast'].map((flag): [() => unknown, string] => [
      () => createDatagramEndpoint(factory, { [flag]: 0 }),
      `${flag} is true or false, got number 0`,
    ]),
  ]
  for (const [call, message] of refused) expect(call).toThrow(new TypeError(message))
})

test('a factory that returns no protocol fails the call', () =>
  run(async () => {
    await using server = await startServer(echo, local)
    const connecting = createConnection(() => null as never, '127.0.0.1', portOf(server))
    expect(await thrown(connecting)).toEqual(
      new TypeError('a connection needs a protocol, got null'),
    )
    expect(await thrown(createDatagramEndpoint(() => 5 as never))).toEqual(
      new TypeError('a datagram endpoint needs a protocol, got number 5'),
    )
  }))

test('getExtraInfo gives the fallback even for names such as toString and __proto__', () =>
  run(async () => {
    await using server = await startServer(() => {}, local)
    const [, writer] = await openConnection('127.0.0.1', portOf(server))
    for (const name of ['toString', 'constructor', '__proto__', 'cipher', '']) {
      expect(writer.getExtraInfo(name)).toBe(null)
      expect(writer.getExtraInfo(name, 'none')).toBe('none')
    }
    writer.abort()
  }))

test('serveForever and waitClosed refuse wrong options at once, and the server goes on', () =>
  run(async () => {
    await using server = await startServer(echo, local)
    const waits = [
      (options: never) => server.serveForever(options),
      (options: never) => server.waitClosed(options),
    ]
    for (const wait of waits) {
      expect(() => wait(5 as never)).toThrow(
        new TypeError('the options must be an object, got number 5'),
      )
      expect(() => wait({ signal: 5 } as never)).toThrow(
        new TypeError('the option signal must be an AbortSignal, got number 5'),
      )
    }
    const [reader, writer] = await openConnection('127.0.0.1', portOf(server))
    expect(() => writer.startTls('yes')).toThrow(
      new TypeError('tls takes the options of node:tls, got string yes'),
    )
    expect(() => writer.startTls(true, 5 as never)).toThrow('got number 5')
    const transport = writer.transport as Transport
    expect(() => transport.startTls(true, 5 as never)).toThrow('got number 5')
    writer.write('served\n')
    expect(String(await reader.readLine())).toBe('served\n')
    await writer[Symbol.asyncDispose]()
  }))
