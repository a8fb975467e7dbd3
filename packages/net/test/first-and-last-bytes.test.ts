import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer as createRaw, type Socket } from 'node:net'
import { connect as connectTls, createServer as createRawTls } from 'node:tls'
import { createTask, Future, gather, getRunningLoop, run, sleep, timeout } from '@tasktree/core'
import {
  type BufferedProtocol,
  ConnectionResetError,
  createConnection,
  createServer,
  openConnection,
  type StreamReader,
  startServer,
  type Target,
  TlsError,
  type Transport,
} from '@tasktree/net'
import { expect, test } from 'vitest'
import { census, expectNothingLeft } from './support/census.ts'
import { fixture, local, portOf, thrown, tls, until, withSocketPath } from './support/network.ts'

// A peer may send bytes, end or reset a connection at the moment in which the connection is made. This must reach the program even
// if the program is busy. Each test compares with the same program on node:net or node:tls.

/** Keeps the thread busy, as a program may do after it has connected. */
function work(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}

/** Runs `body` with a server in another process, which can act while this process is busy. */
async function withPeer(code: string, body: (where: string) => Promise<void>): Promise<void> {
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    await body(String(line).trim())
  } finally {
    const exited = once(child, 'exit')
    child.kill()
    await exited
  }
}

const greeter = (on: string, at: string): string => `
  const s = require('node:net').createServer((c) => { c.on('error', () => {}); ${on} })
  s.listen(${at}, () => console.log(JSON.stringify(s.address())))`

async function all(reader: StreamReader): Promise<string> {
  try {
    return String(await timeout(3000, () => reader.read()))
  } catch (error) {
    return (error as { code: string }).code
  }
}

/** Connects, is busy while the first bytes come, and then reads all of them. */
async function connectAndRead(where: Target): Promise<string> {
  const [reader, writer] = await openConnection(where)
  work(1)
  const text = await all(reader)
  writer.abort()
  return text
}

/** Does the same with node:net. Resolves with all bytes, or with the code of the error. */
function control(port: number): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    const socket = connect(port, '127.0.0.1', () => work(1))
    socket.on('data', (data) => (text += String(data)))
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''))
    socket.on('end', () => resolve(text))
  })
}

const COUNT = 50
const times = <T>(value: T): T[] => Array.from({ length: COUNT }, () => value)

test(
  'each of many clients reads a greeting and an end that come right with the connection',
  { tags: ['slow'] },
  () =>
    withPeer(greeter(`c.end('220 hello\\n')`, `0, '127.0.0.1', 511`), (where) =>
      run(async () => {
        const { port } = JSON.parse(where) as { port: number }
        expect(await Promise.all(times(0).map(() => control(port)))).toEqual(times('220 hello\n'))
        const open = (): Promise<string> => connectAndRead({ host: '127.0.0.1', port })
        const create = async (): Promise<string> => {
          const ended = new Future<string>()
          let text = ''
          const [transport] = await createConnection(
            () => ({
              dataReceived: (data: Buffer) => void (text += String(data)),
              connectionLost: () => ended.setResult(text),
            }),
            '127.0.0.1',
            port,
          )
          work(1)
          expect(transport.getExtraInfo('peername')).toEqual(['127.0.0.1', port])
          return timeout(3000, () => ended)
        }
        for (const client of [open, create]) {
          const got = await gather(times(0).map(() => createTask(client)))
          expect(got).toEqual(times('220 hello\n'))
        }
      }),
    ),
)

test('each of many clients reads a greeting over a Unix socket', { tags: ['slow'] }, () =>
  withSocketPath((path) =>
    withPeer(greeter(`c.end('220 hello\\n')`, JSON.stringify(path)), () =>
      run(async () => {
        const open = (): Promise<string> => connectAndRead({ path })
        expect(await gather(times(0).map(() => createTask(open)))).toEqual(times('220 hello\n'))
      }),
    ),
  ),
)

test('a reset right after the connect is thrown by the read', { tags: ['slow'] }, () =>
  withPeer(greeter('c.resetAndDestroy()', `0, '127.0.0.1', 511`), (where) =>
    run(async () => {
      const { port } = JSON.parse(where) as { port: number }
      // The system may see the reset before it has reported that the connection was made.
      const open = (): Promise<string> =>
        connectAndRead({ host: '127.0.0.1', port }).catch(
          (error: unknown) => (error as { code: string }).code,
        )
      expect(await gather(times(0).map(() => createTask(open)))).toEqual(times('ECONNRESET'))
    }),
  ),
)

test('bytes that a server sends before a reset are read before the error', () =>
  run(async () => {
    const server = createRaw((socket) => {
      socket.write('the answer', () => setTimeout(() => socket.resetAndDestroy(), 20))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const [reader, writer] = await openConnection('127.0.0.1', port)
    await sleep(60)
    expect(String(await reader.read(99))).toBe('the answer')
    expect(await thrown(reader.read(99))).toBeInstanceOf(ConnectionResetError)
    writer.abort()
    server.close()
  }))

test(
  'a server that refuses the client certificate after the handshake makes the read throw',
  { tags: ['slow'] },
  () =>
    withPeer(
      `const f = require('node:fs').readFileSync
       const s = require('node:tls').createServer({ key: f(${JSON.stringify(fixture('key.pem'))}), cert: f(${JSON.stringify(fixture('cert.pem'))}), ca: f(${JSON.stringify(fixture('client-cert.pem'))}), requestCert: true })
       s.on('tlsClientError', () => {})
       s.listen(0, '127.0.0.1', 511, () => console.log(s.address().port))`,
      (port) =>
        run(async () => {
          const viaNode = (): Promise<string> =>
            new Promise((resolve) => {
              const options = { port: Number(port), host: 'localhost', ca: tls.cert }
              const socket = connectTls(options, () => work(2))
              socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''))
              socket.on('end', () => resolve('end')).resume()
            })
          const refusal = await viaNode()
          expect(refusal).toMatch(/CERTIFICATE_REQUIRED|ECONNRESET/)
          const open = async (): Promise<unknown> => {
            const options = { tls: { ca: tls.cert } }
            const [reader, writer] = await openConnection('localhost', Number(port), options)
            work(2)
            const error = await thrown(timeout(4000, () => reader.readLine()))
            writer.abort()
            if ((error as { code: string }).code !== 'ECONNRESET') {
              expect(error).toBeInstanceOf(TlsError)
            }
            return (error as { code: string }).code
          }
          const got = await gather(times(0).map(() => createTask(open)))
          expect(
            got.filter((code) => /CERTIFICATE_REQUIRED|ECONNRESET/.test(String(code))),
          ).toEqual(got)
        }),
    ),
)

test('bytes that arrive with the last message of the TLS handshake, and an end after them, are read', () =>
  run(async () => {
    const server = createRawTls({ ...tls }, (socket) => socket.end('220 hello\n')).listen(0)
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const open = async (): Promise<string> => {
      const [reader, writer] = await openConnection('localhost', port, { tls: { ca: tls.cert } })
      work(1)
      const text = await all(reader)
      writer.abort()
      return text
    }
    expect(await gather(times(0).map(() => createTask(open)))).toEqual(times('220 hello\n'))
    server.close()
    await once(server, 'close')
  }))

test('drain and resumeWriting come after writeEof, when the peer has read all', () =>
  run(async () => {
    const hold = new Future<void>()
    await using server = await startServer(async (reader) => {
      while ((await reader.read(65_536)).length > 0);
      await hold
    }, local)
    const [, writer] = await openConnection('127.0.0.1', portOf(server))
    writer.write(Buffer.alloc(8_000_000))
    writer.writeEof()
    await timeout(5000, () => writer.drain())
    writer.abort()
    const resumed = new Future<void>()
    const [transport] = await createConnection(
      () => ({ resumeWriting: () => resumed.setResult() }),
      '127.0.0.1',
      portOf(server),
    )
    transport.write(Buffer.alloc(8_000_000))
    transport.writeEof()
    await timeout(5000, () => resumed)
    transport.abort()
    hold.setResult()
  }))

test('a drain of large writes throws when the peer resets, as in asyncio', () =>
  run(async () => {
    const peers: Socket[] = []
    const server = createRaw((socket) => peers.push(socket.on('error', () => {}).pause())).listen(0)
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    for (const writes of [1, 2, 3]) {
      const [, writer] = await openConnection('127.0.0.1', port)
      // The buffers of the kernel on both sides hold some 10 MB.
      for (let i = 0; i < writes; i++) writer.write(Buffer.alloc(32_000_000))
      const draining = createTask(() => writer.drain())
      await sleep(20)
      expect(draining.done()).toBe(false)
      peers.pop()?.resetAndDestroy()
      await expect(timeout(2000, () => draining)).rejects.toMatchObject({ name: /Error$/ })
    }
    server.close()
    await once(server, 'close')
  }))

test.each<[string, (socket: Socket) => void]>([
  ['ended', (socket) => socket.end()],
  ['destroyed', (socket) => socket.destroy()],
])('drain and waitClosed throw for bytes written to a socket that other code has %s', (_how, end) =>
  run(async () => {
    await using server = await startServer(async (reader) => {
      await reader.read()
    }, local)
    const [, writer] = await openConnection('127.0.0.1', portOf(server))
    end(writer.getExtraInfo('socket') as Socket)
    writer.write('lost')
    await expect(writer.drain()).rejects.toBeInstanceOf(ConnectionResetError)
    writer.close()
    await expect(timeout(5000, () => writer.waitClosed())).rejects.toBeInstanceOf(
      ConnectionResetError,
    )
  }),
)

test('a drain right after an abort throws, as in asyncio', () =>
  run(async () => {
    await using server = await startServer(async (reader) => {
      await reader.read().catch(() => {})
    }, local)
    for (const size of [0, 1, 8_000_000]) {
      const [, writer] = await openConnection('127.0.0.1', portOf(server))
      writer.write(Buffer.alloc(size))
      writer.abort()
      await expect(writer.drain()).rejects.toBeInstanceOf(ConnectionResetError)
    }
  }))

test.each([true, false])(
  'a drain right after a write that fails at once throws, as in asyncio; over TLS: %s',
  (isSecure) =>
    run(async () => {
      const leave = (peer: Socket): unknown =>
        peer.on('error', () => {}).once('data', () => peer.destroy())
      const server = (isSecure ? createRawTls(tls, leave) : createRaw(leave)).listen(0)
      await once(server, 'listening')
      const { port } = server.address() as { port: number }
      const options = isSecure ? { tls: { ca: tls.cert } } : {}
      const [reader, writer] = await openConnection('localhost', port, options)
      const socket = writer.getExtraInfo('socket') as Socket
      writer.write('hello')
      expect(await reader.read()).toHaveLength(0)
      // The peer answers the next write with a reset. Node does not see the reset, because it reads no more, so a later write fails.
      await until(() => {
        writer.write('lost')
        return socket.errored !== null
      })
      await expect(writer.drain()).rejects.toBeInstanceOf(ConnectionResetError)
      server.close()
      await once(server, 'close')
    }),
)

const SENT = 300_000

test.each(['pauses', 'pauses and resumes', 'aborts', 'becomes another protocol'])(
  'a buffered protocol that %s in bufferUpdated gets no byte twice and no byte too many',
  (what) =>
    run(async () => {
      const lost = new Future<Error | null>()
      const buffer = Buffer.alloc(1000)
      let used = 0
      let total = 0
      let sum = 0
      const count = (data: Uint8Array): void => {
        for (const byte of data) sum = (sum * 31 + byte) % 65_537
        total += data.length
      }
      const factory = (): BufferedProtocol => {
        let transport: Transport
        return {
          connectionMade(made) {
            transport = made
          },
          getBuffer: () => buffer.subarray(used),
          bufferUpdated(n) {
            count(buffer.subarray(used, used + n))
            used += n
            if (used < buffer.length) return
            used = 0
            if (what === 'aborts') transport.abort()
            else if (what === 'becomes another protocol') {
              transport.setProtocol({
                dataReceived: count,
                connectionLost: (error) => lost.setResult(error),
              })
            } else {
              transport.pauseReading()
              if (what === 'pauses and resumes') transport.resumeReading()
              else setTimeout(() => transport.resumeReading(), total % 2)
            }
          },
          connectionLost: (error) => lost.setResult(error),
        }
      }
      await using server = await createServer(factory, '127.0.0.1', 0)
      const [, writer] = await openConnection('127.0.0.1', portOf(server))
      const data = Buffer.from(Array.from({ length: SENT }, (_, i) => (i * 7) % 251))
      writer.write(data)
      writer.close()
      expect(await timeout(10_000, () => lost)).toBe(null)
      if (what === 'aborts') expect(total).toBe(1000)
      else {
        const expected = data.reduce((all, byte) => (all * 31 + byte) % 65_537, 0)
        expect([total, sum]).toEqual([SENT, expected])
      }
      await writer.waitClosed().catch(() => {})
    }),
)

test.each(['TCP', 'TLS'])(
  'a buffered protocol that pauses for each buffer gets the end of a peer over %s',
  (over) =>
    run(async () => {
      const sent = Buffer.alloc(1000, 'abcdefg')
      const answer = (socket: Socket): void => void socket.on('error', () => {}).end(sent)
      const raw = over === 'TCP' ? createRaw(answer) : createRawTls(tls, answer)
      raw.listen(0, '127.0.0.1')
      await once(raw, 'listening')
      const { port } = raw.address() as { port: number }
      const events: string[] = []
      const lost = new Future<Error | null>()
      const buffer = Buffer.alloc(100)
      const factory = (): BufferedProtocol => {
        let transport: Transport
        return {
          connectionMade(made) {
            transport = made
          },
          getBuffer: () => buffer,
          bufferUpdated(n) {
            events.push(String(buffer.subarray(0, n)))
            transport.pauseReading()
            setTimeout(() => transport.resumeReading(), 1)
          },
          eofReceived: () => void events.push('the end'),
          connectionLost: (error) => lost.setResult(error),
        }
      }
      const options = over === 'TCP' ? {} : { tls: { ca: tls.cert } }
      await createConnection(factory, 'localhost', port, options)
      expect(await timeout(3000, () => lost)).toBe(null)
      expect(events.pop()).toBe('the end')
      expect(events.join('')).toBe(String(sent))
      raw.close()
      await once(raw, 'close')
    }),
)

test('an async protocol callback that rejects is reported, and ends its connection', () =>
  run(async () => {
    const reports: unknown[] = []
    getRunningLoop().setExceptionHandler((_, { message }) => reports.push(message))
    for (const what of ['connectionMade', 'dataReceived', 'eofReceived', 'connectionLost']) {
      const failure = new Error(what)
      const lost = new Future<Error | null>()
      const factory = (): object => ({
        [what]: async () => {
          await sleep(0)
          throw failure
        },
        ...(what === 'connectionLost'
          ? {}
          : { connectionLost: (error: Error | null) => lost.setResult(error) }),
      })
      await using server = await createServer(factory, '127.0.0.1', 0)
      const [reader, writer] = await openConnection('127.0.0.1', portOf(server))
      writer.write('x')
      writer.writeEof()
      if (what === 'connectionLost') await reader.read()
      else if (what !== 'eofReceived') expect(await timeout(2000, () => lost)).toBe(failure)
      writer.abort()
      await until(() => reports.length > 0)
      expect(reports.splice(0)).toEqual([`${what}() of a protocol has thrown`])
    }
  }))

test('closing the reader of a connection waits until the written bytes are sent', () =>
  run(async () => {
    const received = new Future<number>()
    let total = 0
    await using server = await createServer(
      () => ({
        dataReceived: (data: Buffer) => void (total += data.length),
        connectionLost: () => void (received.done() || received.setResult(total)),
      }),
      '127.0.0.1',
      0,
    )
    const [reader, writer] = await openConnection('127.0.0.1', portOf(server))
    writer.write(Buffer.alloc(8_000_000))
    await timeout(5000, () => reader.close())
    expect(writer.transport.getWriteBufferSize()).toBe(0)
    await timeout(100, () => writer.waitClosed())
    expect(await timeout(5000, () => received)).toBe(8_000_000)
    // If an error has ended the connection before, the reads throw it, and `close` does not.
    const [broken, other] = await openConnection('127.0.0.1', portOf(server))
    ;(other.getExtraInfo('socket') as Socket).destroy(new Error('the cable was cut'))
    await expect(other.waitClosed()).rejects.toThrow('the cable was cut')
    await broken.close()
  }))

test('closing over TLS ends in time if the peer does not read or does not answer', () =>
  run(async () => {
    const before = census()
    const peers: Socket[] = []
    const plain: Socket[] = []
    const server = createRawTls({ ...tls, allowHalfOpen: true }, (socket) => {
      peers.push(socket.on('error', () => {}))
      // The peer reads all bytes, but never answers the end of TLS.
      socket.on('data', () => {})
    }).listen(0)
    server.on('connection', (socket) => plain.push(socket))
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const options = { tls: { ca: tls.cert }, sslShutdownTimeout: 100 }
    const [, silent] = await openConnection('localhost', port, options)
    silent.close()
    expect(await thrown(timeout(5000, () => silent.waitClosed()))).toMatchObject({
      message: 'the end of TLS took longer than 100 ms',
    })
    const [, stalled] = await openConnection('localhost', port, options)
    await sleep(20)
    peers.at(-1)?.pause()
    stalled.write(Buffer.alloc(20_000_000))
    stalled.close()
    expect(await thrown(timeout(5000, () => stalled.waitClosed()))).toMatchObject({
      name: 'TimeoutError',
    })
    // Without `sslShutdownTimeout`, `waitClosed` does not wait for the peer's end.
    const [, usual] = await openConnection('localhost', port, { tls: { ca: tls.cert } })
    usual.close()
    await timeout(5000, () => usual.waitClosed())
    for (const peer of [...peers, ...plain]) peer.destroy()
    server.close()
    await once(server, 'close')
    await expectNothingLeft(before)
  }))

test('closing over TLS with sslShutdownTimeout waits for a peer that still sends', () =>
  run(async () => {
    await using server = await startServer(
      async (reader, writer) => {
        await reader.read()
        await sleep(30)
        writer.write('late')
      },
      { host: 'localhost', tls },
    )
    const tlsOptions = { ca: tls.cert, sslShutdownTimeout: 5000 }
    const [, writer] = await openConnection('localhost', portOf(server), { tls: tlsOptions })
    writer.write('request')
    const start = performance.now()
    writer.close()
    await writer.waitClosed()
    expect(performance.now() - start).toBeGreaterThan(20)
  }))
