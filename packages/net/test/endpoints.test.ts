import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
  mkdirSync,
  unlinkSync,
} from 'node:fs'
import { connect, createServer as createRaw } from 'node:net'
import { dirname } from 'node:path'
import {
  createTask,
  Future,
  getRunningLoop,
  moveOnAfter,
  run,
  sleep,
  timeout,
  wait,
} from '@tasktree/core'
import {
  AddressInUseError,
  ConnectionResetError,
  createDatagramEndpoint,
  DatagramSocket,
  openConnection,
  startServer,
  type StreamReader,
  type StreamWriter,
} from '@tasktree/net'
import { expect, test } from 'vitest'
import {
  closed,
  echo,
  local,
  portOf,
  thrown,
  tls,
  until,
  withHost,
  withSocketPath,
} from './support/network.ts'
import { testWhere } from '../../../vitest.skips.ts'

const at = { host: '127.0.0.1', port: 0 }

test('datagrams that were written before the close are sent, as with node:dgram', () =>
  run(async () => {
    const got: string[] = []
    const [server] = await createDatagramEndpoint(
      () => ({ datagramReceived: (data: Buffer) => void got.push(String(data)) }),
      { localAddr: at },
    )
    const [host, port] = server.getExtraInfo('sockname') as [string, number]
    const plain = createSocket('udp4')
    await new Promise<void>((resolve) => {
      plain.send('plain', port, host, () => plain.close(resolve))
    })
    const lost = new Future<void>()
    const [client] = await createDatagramEndpoint(
      () => ({ connectionLost: () => lost.setResult() }),
      { localAddr: { host } },
    )
    for (let i = 0; i < 3; i++) client.sendTo(`bye ${i}`, { host, port })
    client.close()
    expect(client.isClosing()).toBe(true)
    await timeout(2000, () => lost)
    expect(client.getWriteBufferSize()).toBe(0)
    // `sendTo` also works in the first callback of the protocol.
    await createDatagramEndpoint(
      () => ({
        connectionMade(transport) {
          transport.sendTo('only one', { host: 'localhost', port })
          transport.close()
        },
      }),
      { family: 'udp4' },
    )
    await until(() => got.length === 5)
    expect(got).toEqual(['plain', 'bye 0', 'bye 1', 'bye 2', 'only one'])
    server.close()
  }))

test('a datagram that cannot be sent does not stay in the write buffer, and abort drops waiting datagrams', () =>
  run(async () => {
    const refused = new Future<Error>()
    const lost = new Future<void>()
    const [client] = await createDatagramEndpoint(
      () => ({
        errorReceived: (error: Error) => refused.setResult(error),
        connectionLost: () => lost.setResult(),
      }),
      { localAddr: at },
    )
    for (const address of [
      { host: '127.0.0.1', port: 70_000 },
      { host: '127.0.0.1', port: 'x' as never },
      { host: 5 as never, port: 1 },
    ]) {
      expect(() => client.sendTo('x', address)).toThrow(/port|host/)
      expect(client.getWriteBufferSize()).toBe(0)
    }
    client.sendTo(Buffer.alloc(70_000), { host: '127.0.0.1', port: 9 })
    expect(await timeout(2000, () => refused)).toMatchObject({ code: 'EMSGSIZE' })
    expect(client.getWriteBufferSize()).toBe(0)
    client.sendTo('x', { host: '127.0.0.1', port: 9 })
    client.abort()
    await timeout(2000, () => lost)
    expect(client.getWriteBufferSize()).toBe(0)
  }))

test('a DatagramSocket sends, receives and is iterated', () =>
  run(async () => {
    await using server = await DatagramSocket.open({ localAddr: at })
    const [host, port] = server.getExtraInfo('sockname') as [string, number]
    const serving = createTask(async () => {
      for await (const [data, address] of server) await server.send(`echo ${String(data)}`, address)
    })
    const client = await DatagramSocket.open({ remoteAddr: { host, port } })
    await client.send('one')
    const [data, address] = await timeout(2000, () => client.receive())
    expect([String(data), address]).toEqual(['echo one', { host, port }])
    // A cancelled receive takes nothing, so the next receive gets the datagram.
    const cancelled = createTask(() => client.receive())
    await sleep(0)
    await client.send('two')
    cancelled.cancel()
    await wait([cancelled])
    expect(String((await timeout(2000, () => client.receive()))[0])).toBe('echo two')
    // Two receives that wait get one datagram each, in the order in which they were called.
    const both = [createTask(() => client.receive()), createTask(() => client.receive())]
    await sleep(0)
    await client.send('three')
    await client.send('four')
    const texts = await timeout(2000, async () => [await both[0], await both[1]])
    expect(texts.map((datagram) => String(datagram?.[0]))).toEqual(['echo three', 'echo four'])
    const last = createTask(() => client.receive())
    await sleep(0)
    await client.drain()
    client.close()
    await client.waitClosed()
    await wait([last])
    expect(last.exception()).toBeInstanceOf(ConnectionResetError)
    expect(await thrown(client.send('late'))).toBeInstanceOf(ConnectionResetError)
    expect(await thrown(client.receive())).toBeInstanceOf(ConnectionResetError)
    server.close()
    await timeout(2000, () => serving)
    expect(() => DatagramSocket.open({ limit: 'x' as never })).toThrow(TypeError)
    expect(() => DatagramSocket.open({ limit: 0 })).toThrow(RangeError)
  }))

test('a DatagramSocket throws when its peer refuses, and drops the oldest datagrams beyond its limit', () =>
  run(async () => {
    const closed = await DatagramSocket.open({ localAddr: at })
    const [host, port] = closed.getExtraInfo('sockname') as [string, number]
    closed.close()
    await closed.waitClosed()
    await using client = await DatagramSocket.open({ remoteAddr: { host, port } })
    await client.send('nobody there')
    expect(await thrown(timeout(2000, () => client.receive()))).toMatchObject({
      code: 'ECONNREFUSED',
    })
    await using receiver = await DatagramSocket.open({ localAddr: at, limit: 250 })
    const [to, where] = receiver.getExtraInfo('sockname') as [string, number]
    await using sender = await DatagramSocket.open({ remoteAddr: { host: to, port: where } })
    for (let i = 0; i < 5; i++) await sender.send(`datagram ${i}`)
    await until(() => receiver.dropped === 3)
    expect(receiver.dropped).toBe(3)
    expect(String((await receiver.receive())[0])).toBe('datagram 3')
  }))

test('closing a Unix server leaves the files beside its socket, and the socket of a newer server', () =>
  run(() =>
    withSocketPath(async (path) => {
      const neighbour = `${path}.${process.pid}`
      writeFileSync(neighbour, 'precious')
      const kept = await startServer(echo, { path, cleanupSocket: false })
      await kept[Symbol.asyncDispose]()
      expect(existsSync(path)).toBe(true)
      const replaced = await startServer(echo, { path })
      await using newer = await startServer(echo, { path })
      replaced.close()
      const [reader, writer] = await openConnection({ path })
      writer.write('served\n')
      expect(String(await reader.readLine())).toBe('served\n')
      writer.abort()
      await newer[Symbol.asyncDispose]()
      expect(readdirSync(dirname(path))).toEqual([`socket.${process.pid}`])
      expect(readFileSync(neighbour, 'utf8')).toBe('precious')
    }),
  ))

test('a folder that has taken the place of a Unix socket stays after the close', () =>
  run(() =>
    withSocketPath(async (path) => {
      const reports: unknown[] = []
      getRunningLoop().setExceptionHandler((_, { exception }) => reports.push(exception))
      const server = await startServer(echo, { path })
      unlinkSync(path)
      mkdirSync(path)
      writeFileSync(`${path}/file`, 'precious')
      await server[Symbol.asyncDispose]()
      expect(readdirSync(dirname(path))).toEqual(['socket'])
      expect(readFileSync(`${path}/file`, 'utf8')).toBe('precious')
      expect(reports).toEqual([])
    }),
  ))

testWhere(process.getuid?.() === 0, 'only root can start it as another user')(
  'a server that may no longer remove its Unix socket closes, and reports the file',
  () =>
    run(async () => {
      for (const cleanupSocket of [true, false]) {
        const dir = mkdtempSync('/tmp/tasktree-')
        const path = `${dir}/socket`
        const reports: unknown[] = []
        getRunningLoop().setExceptionHandler((_, { message, exception }) => {
          reports.push([message, (exception as { code?: string }).code])
        })
        const ended = new Future<void>()
        const server = await startServer(
          async (reader) => {
            try {
              await reader.read()
            } finally {
              ended.setResult()
            }
          },
          { path, cleanupSocket },
        )
        const [, writer] = await openConnection({ path })
        await sleep(10)
        chmodSync(dir, 0o755)
        process.seteuid?.(65_534)
        try {
          await timeout(2000, () => server[Symbol.asyncDispose]())
        } finally {
          process.seteuid?.(0)
        }
        expect(ended.done()).toBe(true)
        expect(existsSync(path)).toBe(true)
        expect(await thrown(openConnection({ path }))).toMatchObject({ code: 'ECONNREFUSED' })
        const message = "the Unix socket's file could not be removed"
        expect(reports).toEqual(cleanupSocket ? [[message, 'EACCES']] : [])
        writer.abort()
      }
    }),
)

test('a server listens once at each address, even if the address is given several times or by several names', () =>
  run(async () => {
    await withHost('twice.test', ['127.0.0.1', '127.0.0.1'], async () => {
      for (const host of ['twice.test', ['127.0.0.1', 'twice.test', '127.0.0.1']]) {
        await using server = await startServer(echo, { host, port: 0 })
        expect(server.sockets).toHaveLength(1)
      }
    })
    await using several = await startServer(echo, { host: ['127.0.0.1', '127.0.0.2'] })
    expect(several.sockets.map(({ address }) => address)).toEqual(['127.0.0.1', '127.0.0.2'])
    expect(new Set(several.sockets.map(({ port }) => port)).size).toBe(1)
    await using both = await startServer(echo, { host: ['0.0.0.0', '::', '0:0::0'] })
    expect(both.sockets.map(({ address }) => address)).toEqual(['0.0.0.0', '::'])
    const taken = { host: ['127.0.0.1', '127.0.0.2'], port: portOf(several) }
    expect(await thrown(startServer(echo, taken))).toBeInstanceOf(AddressInUseError)
    expect(() => startServer(echo, { host: [] })).toThrow(RangeError)
    expect(() => startServer(echo, { host: [5 as never] })).toThrow(TypeError)
  }))

test('the cancel of one caller of startServing leaves the other caller, and the cancel of all starts nothing', () =>
  run(async () => {
    const found = Promise.withResolvers<void>()
    const where = { host: 'slow.test', startServing: false }
    const body = async (): Promise<void> => {
      const server = await startServer(echo, where)
      const callers = [1, 2].map(() => createTask(() => server.startServing()))
      const other = await startServer(echo, where)
      const only = createTask(() => other.startServing())
      await sleep(0)
      callers[0]?.cancel()
      only.cancel()
      found.resolve()
      await wait([...callers, only])
      expect([...callers, only].map((caller) => caller.cancelled())).toEqual([true, false, true])
      expect([server.isServing(), other.isServing()]).toEqual([true, false])
      await server[Symbol.asyncDispose]()
      await other.startServing()
      expect(other.isServing()).toBe(true)
      await other[Symbol.asyncDispose]()
    }
    await withHost('slow.test', ['127.0.0.1'], body, found.promise)
  }))

test('a server and a connection outlive the timeout scope in which they were made', () =>
  run(async () => {
    const made: [Awaited<ReturnType<typeof startServer>>, StreamReader, StreamWriter][] = []
    const make = async (): Promise<void> => {
      const server = await startServer(echo, local)
      made.push([server, ...(await openConnection('127.0.0.1', portOf(server)))])
    }
    await timeout(2000, make)
    // The deadline of this scope comes after the scope has made a server and a connection.
    await moveOnAfter(20, async () => {
      await make()
      await sleep(10_000)
    })
    for (const [server, reader, writer] of made) {
      writer.write('still there\n')
      expect(String(await timeout(2000, () => reader.readLine()))).toBe('still there\n')
      const [second, to] = await openConnection('127.0.0.1', portOf(server))
      to.write('a later client\n')
      expect(String(await timeout(2000, () => second.readLine()))).toBe('a later client\n')
      to.close()
      writer.close()
      await writer.waitClosed()
      await server[Symbol.asyncDispose]()
    }
    expect(made).toHaveLength(2)
  }))

test('addresses of IPv4 clients are given in IPv4 notation, even by an IPv6 server', () =>
  run(async () => {
    const names = new Future<unknown[]>()
    const serve = (_: unknown, writer: { getExtraInfo(name: string): unknown; close(): void }) => {
      names.setResult([writer.getExtraInfo('peername'), writer.getExtraInfo('sockname')])
      writer.close()
    }
    await using server = await startServer(serve, { host: '::', ipv6Only: false })
    const [, writer] = await openConnection('127.0.0.1', portOf(server))
    expect(await names).toEqual([writer.getExtraInfo('sockname'), ['127.0.0.1', portOf(server)]])
    writer.abort()
    await using mapped = await startServer(() => {}, { host: '::ffff:127.0.0.1' })
    expect(mapped.sockets).toMatchObject([{ address: '127.0.0.1', family: 'IPv4' }])
    await using six = await startServer(() => {}, { host: '::', ipv6Only: true })
    expect(await thrown(openConnection('127.0.0.1', portOf(six)))).toMatchObject({
      code: 'ECONNREFUSED',
    })
  }))

test('a server listens at a file descriptor that it has inherited', { tags: ['slow'] }, () =>
  run(async () => {
    const raw = createRaw().listen(0, '127.0.0.1')
    await once(raw, 'listening')
    const { port } = raw.address() as { port: number }
    const child = spawn(
      process.execPath,
      [
        '--conditions=@tasktree/source',
        '--input-type=module',
        '-e',
        `import { run } from '@tasktree/core'
         import { startServer } from '@tasktree/net'
         await run(async () => {
           await using server = await startServer(async (reader, writer) => {
             writer.write(await reader.readLine())
           }, { fd: 3 })
           console.log(JSON.stringify(server.sockets))
           await server.serveForever()
         })`,
      ],
      {
        cwd: import.meta.dirname,
        stdio: [
          'ignore',
          'pipe',
          'inherit',
          (raw as unknown as { _handle: { fd: number } })._handle.fd,
        ],
      },
    )
    try {
      const [line] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer]
      expect(JSON.parse(String(line))).toEqual([{ address: '127.0.0.1', port, family: 'IPv4' }])
      raw.close()
      const [reader, writer] = await openConnection('127.0.0.1', port)
      writer.write('inherited\n')
      expect(String(await timeout(3000, () => reader.readLine()))).toBe('inherited\n')
      writer.abort()
    } finally {
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    }
    expect(() => startServer(echo, { fd: -1 })).toThrow(RangeError)
    expect(() => startServer(echo, { fd: '3' as never })).toThrow(TypeError)
    expect(() => startServer(echo, { fd: 3, port: 80 })).toThrow(TypeError)
  }),
)

test('keepAlive and noDelay are set on the sockets of clients and servers', () =>
  run(async () => {
    for (const options of [
      { keepAlive: true, noDelay: false },
      { keepAlive: 1000, noDelay: true },
    ]) {
      await using server = await startServer(echo, { ...local, ...options })
      const [reader, writer] = await openConnection('127.0.0.1', portOf(server), options)
      writer.write('hello\n')
      expect(String(await reader.readLine())).toBe('hello\n')
      writer.abort()
    }
    expect(() => startServer(echo, { ...local, keepAlive: 'yes' as never })).toThrow(TypeError)
    expect(() => startServer(echo, { ...local, noDelay: 1 as never })).toThrow(TypeError)
    expect(() => startServer(echo, { ...local, ipv6Only: 1 as never })).toThrow(TypeError)
    expect(() => openConnection('localhost', 1, { keepAlive: -1 })).toThrow(RangeError)
    expect(() => openConnection('localhost', 1, { sslShutdownTimeout: 0 })).toThrow(RangeError)
  }))

test('a server reports no failed TLS handshakes, except for the failure of an SNICallback', () =>
  run(async () => {
    const reports: unknown[] = []
    getRunningLoop().setExceptionHandler((_, { message }) => reports.push(message))
    const options = { ...tls, handshakeTimeout: 50, ALPNProtocols: ['h2'] }
    await using server = await startServer(echo, { ...local, tls: options })
    for (const first of ['GET / HTTP/1.1\r\n\r\n', '']) {
      const socket = connect(portOf(server), '127.0.0.1')
        .on('error', () => {})
        .resume()
      if (first !== '') socket.write(first)
      await closed(socket)
    }
    const alpn = { tls: { ca: tls.cert, servername: 'localhost', ALPNProtocols: ['http/1.1'] } }
    await thrown(openConnection('127.0.0.1', portOf(server), alpn))
    expect(reports).toEqual([])
    await using broken = await startServer(echo, {
      ...local,
      tls: { ...tls, SNICallback: (_name, callback) => callback(new Error('no database')) },
    })
    await thrown(openConnection('127.0.0.1', portOf(broken), alpn))
    await until(() => reports.length > 0)
    expect(reports).toEqual(['a callback of the TLS options has failed'])
  }))
