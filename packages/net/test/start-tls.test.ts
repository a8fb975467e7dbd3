import { readFileSync } from 'node:fs'
import { connect, createServer as createRaw, type Socket } from 'node:net'
import { once } from 'node:events'
import { connect as connectTls } from 'node:tls'
import { createTask, Future, run, RuntimeError, sleep, timeout, TimeoutError } from '@tasktree/core'
import {
  type BufferedProtocol,
  CertificateError,
  ConnectionResetError,
  createConnection,
  createServer,
  openConnection,
  type StreamReader,
  type StreamWriter,
  startServer,
  TlsError,
  type Transport,
} from '@tasktree/net'
import { expect, test } from 'vitest'
import { census, expectNothingLeft } from './support/census.ts'
import {
  closed,
  fixture,
  local,
  portOf,
  thrown,
  tls,
  until,
  withSocketPath,
} from './support/network.ts'

const ca = tls.cert

/** Reads a line such as STARTTLS, and answers it. The caller then starts TLS. */
async function greet(reader: StreamReader, writer: StreamWriter): Promise<void> {
  await reader.readLine()
  writer.write('220 go ahead\n')
  await writer.drain()
}

async function ask(port: number): Promise<[StreamReader, StreamWriter]> {
  const [reader, writer] = await openConnection('127.0.0.1', port)
  writer.write('STARTTLS\n')
  expect(String(await reader.readLine())).toBe('220 go ahead\n')
  return [reader, writer]
}

test('startTls of a server reads a ClientHello that has come before the call', () =>
  run(async () => {
    for (const delay of [0, 5, 50]) {
      await using server = await startServer(async (reader, writer) => {
        await greet(reader, writer)
        await sleep(delay)
        await writer.startTls(tls)
        writer.write(await reader.readLine())
        await writer.drain()
      }, local)
      const [reader, writer] = await ask(portOf(server))
      await timeout(3000, () => writer.startTls({ ca, servername: 'localhost' }))
      writer.write('over TLS\n')
      expect(String(await timeout(3000, () => reader.readLine()))).toBe('over TLS\n')
      writer.abort()
    }
  }))

test('startTls of a server reads a ClientHello in the packet of the line before it', () =>
  run(async () => {
    // A proxy sends a line with the address of the client, and in the same packet the first bytes of the client.
    const addresses: string[] = []
    await using server = await startServer(async (reader, writer) => {
      addresses.push(String(await reader.readLine()))
      await writer.startTls(tls)
      writer.write(await reader.readLine())
      await writer.drain()
    }, local)
    const header = 'PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n'
    const proxy = createRaw((client) => {
      const upstream = connect(portOf(server), '127.0.0.1')
      client
        .on('error', () => {})
        .once('data', (hello: Buffer) => {
          upstream.write(Buffer.concat([Buffer.from(header), hello]))
          client.pipe(upstream).pipe(client)
        })
      upstream.on('error', () => {})
    }).listen(0, '127.0.0.1')
    await once(proxy, 'listening')
    const { port } = proxy.address() as { port: number }
    const options = { tls: { ca, servername: 'localhost' } }
    const [reader, writer] = await timeout(3000, () => openConnection('127.0.0.1', port, options))
    writer.write('over TLS\n')
    expect(String(await timeout(3000, () => reader.readLine()))).toBe('over TLS\n')
    expect(addresses).toEqual([header])
    writer.abort()
    proxy.close()
  }))

test('clear text that an attacker put before the TLS handshake is never read as if it came over TLS', () =>
  run(async () => {
    const before = census()
    {
      // On the server such bytes go to TLS, which refuses them.
      const outcomes = new Future<unknown[]>()
      await using server = await startServer(async (reader, writer) => {
        await greet(reader, writer)
        await sleep(20)
        const refusal = await thrown(writer.startTls(tls))
        const read = await reader.readLine().then(String, (error: unknown) => error)
        outcomes.setResult([refusal, read])
      }, local)
      const attacker = connect(portOf(server), '127.0.0.1')
      attacker.on('error', () => {}).write('STARTTLS\nMAIL FROM:<injected>\n')
      const [refusal, read] = await timeout(3000, () => outcomes)
      expect(refusal).toBeInstanceOf(TlsError)
      expect(read).toBeInstanceOf(Error)
      attacker.destroy()
      // On the client any unread byte is an error, whether it came long before or at the same moment.
      for (const wait of [0, 20]) {
        const injecting = createRaw((socket) => {
          socket
            .on('error', () => {})
            .once('data', () => socket.write('220 go ahead\n250 injected\n'))
        }).listen(0, '127.0.0.1')
        await once(injecting, 'listening')
        const [reader, writer] = await ask((injecting.address() as { port: number }).port)
        await sleep(wait)
        const error = await thrown(writer.startTls({ ca, servername: 'localhost' }))
        expect(error).toMatchObject({ name: 'TlsError', code: 'ERR_TLS_UNREAD_PLAINTEXT' })
        expect(await thrown(reader.readLine())).toBe(error)
        expect(writer.isClosing()).toBe(true)
        injecting.close()
      }
    }
    await expectNothingLeft(before)
  }))

const other = {
  key: readFileSync(fixture('other-key.pem')),
  cert: readFileSync(fixture('other-cert.pem')),
}

test('startTls of a client refuses a certificate for another host than the connected host', () =>
  run(async () => {
    await using server = await startServer(async (reader, writer) => {
      await greet(reader, writer)
      await writer.startTls(other).catch(() => {})
    }, local)
    const [, writer] = await ask(portOf(server))
    // The certificate is for other.test, but the connection is to 127.0.0.1.
    const error = await thrown(writer.startTls({ ca: other.cert }))
    expect(error).toBeInstanceOf(CertificateError)
    expect(error).toBeInstanceOf(TlsError)
    expect(error).toMatchObject({
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
      host: '127.0.0.1',
      reason: expect.stringContaining('127.0.0.1'),
      chain: [{ subject: { CN: 'other.test' } }],
    })
    // An undefined or empty name counts as no name. Then the certificate is verified for 127.0.0.1 and not for localhost.
    const nameless = [
      { host: undefined },
      { host: '' },
      { servername: undefined },
      { servername: '' },
    ]
    for (const none of nameless) {
      const [, unnamed] = await ask(portOf(server))
      const refusal = await thrown(unnamed.startTls({ ca: other.cert, ...none }))
      expect(refusal).toMatchObject({
        host: '127.0.0.1',
        reason: expect.stringContaining('127.0.0.1'),
      })
    }
    const [, named] = await ask(portOf(server))
    await named.startTls({ ca: other.cert, servername: 'other.test' })
    expect(named.getExtraInfo('authorized')).toBe(true)
    named.abort()
    const [, unverified] = await ask(portOf(server))
    await unverified.startTls({ rejectUnauthorized: false })
    expect(unverified.getExtraInfo('authorized')).toBe(false)
    unverified.abort()
  }))

test('TLS over a Unix socket needs the option servername', () =>
  run(() =>
    withSocketPath(async (path) => {
      expect(() => openConnection({ path }, { tls: { ca } })).toThrow(TypeError)
      await using server = await startServer(() => {}, { path, tls })
      const [, writer] = await openConnection({ path }, { tls: { ca, servername: 'localhost' } })
      expect(writer.getExtraInfo('authorized')).toBe(true)
      writer.abort()
      expect(server.sockets).toHaveLength(1)
      const [, plain] = await openConnection({ path }).catch(() => [null, null] as const)
      expect(() => plain?.startTls({ ca })).toThrow('needs the option servername')
      expect(() => plain?.startTls({ ca, servername: '' })).toThrow('needs the option servername')
      plain?.abort()
    }),
  ))

test('a startTls that takes too long throws TimeoutError on both sides, unless the timeout is Infinity', () =>
  run(async () => {
    const outcomes: unknown[] = []
    await using server = await startServer(async (_, writer) => {
      outcomes.push(await thrown(writer.startTls({ ...tls, handshakeTimeout: 50 })))
    }, local)
    const silent = connect(portOf(server), '127.0.0.1').on('error', () => {})
    await closed(silent)
    await until(() => outcomes.length > 0)
    expect(outcomes).toEqual([expect.any(TimeoutError)])
    // A peer that sends a byte now and then does not get more time.
    await using secure = await startServer(() => {}, {
      ...local,
      tls: { ...tls, handshakeTimeout: 100 },
    })
    const dripping = connect(portOf(secure), '127.0.0.1').on('error', () => {})
    const hello = Buffer.from([22, 3, 1, 1, 0, 1, 0, 0, 252, 3, 3])
    let sent = 0
    const drip = setInterval(() => {
      if (sent < hello.length) dripping.write(hello.subarray(sent, ++sent))
    }, 20)
    await closed(dripping)
    clearInterval(drip)
    const listening = createRaw((socket) => void socket.on('error', () => {}).resume())
    listening.listen(0, '127.0.0.1')
    await once(listening, 'listening')
    const [, writer] = await openConnection(
      '127.0.0.1',
      (listening.address() as { port: number }).port,
    )
    expect(await thrown(writer.startTls({ ca, handshakeTimeout: 50 }))).toMatchObject({
      message: 'no TLS handshake after 50 ms',
    })
    listening.close()
    const patient = { ...tls, handshakeTimeout: Infinity, sslShutdownTimeout: Infinity }
    await using unlimited = await startServer(
      async (reader, to) => {
        to.write(await reader.readLine())
      },
      { host: 'localhost', tls: patient },
    )
    const [reader, client] = await openConnection('localhost', portOf(unlimited), {
      tls: { ca, handshakeTimeout: Infinity },
      timeout: Infinity,
      happyEyeballsDelay: Infinity,
    })
    client.write('hello\n')
    expect(String(await reader.readLine())).toBe('hello\n')
    client.close()
    await client.waitClosed()
  }))

test('a reset in the middle of startTls throws ConnectionResetError on both sides', () =>
  run(async () => {
    const outcomes: unknown[] = []
    await using server = await startServer(async (reader, writer) => {
      await greet(reader, writer)
      outcomes.push(await thrown(writer.startTls(tls)))
    }, local)
    const client = connect(portOf(server), '127.0.0.1').on('error', () => {})
    client.write('STARTTLS\n')
    await once(client, 'data')
    client.write(Buffer.from([22, 3, 1]), () => client.resetAndDestroy())
    await closed(client)
    await until(() => outcomes.length > 0)
    expect(outcomes).toEqual([expect.any(ConnectionResetError)])
    const resetting = createRaw((socket) => {
      socket.on('error', () => {}).once('data', () => socket.resetAndDestroy())
    }).listen(0, '127.0.0.1')
    await once(resetting, 'listening')
    const { port } = resetting.address() as { port: number }
    const [reader, writer] = await openConnection('127.0.0.1', port)
    const error = await thrown(writer.startTls({ ca }))
    expect(error).toBeInstanceOf(ConnectionResetError)
    expect(await thrown(reader.readLine())).toBe(error)
    expect(await thrown(writer.drain())).toBeInstanceOf(ConnectionResetError)
    resetting.close()
  }))

test('bytes and an end that are written during startTls go over TLS', () =>
  run(async () => {
    const seen: Buffer[] = []
    await using server = await startServer(async (reader, writer) => {
      await greet(reader, writer)
      const upgrading = writer.startTls(tls)
      writer.write('from the server\n')
      await upgrading
      writer.write(await reader.read())
    }, local)
    // This proxy records the bytes on the wire.
    const proxy = createRaw({ allowHalfOpen: true }, (client) => {
      const upstream = connect({ port: portOf(server), host: '127.0.0.1', allowHalfOpen: true })
      client.on('data', (data: Buffer) => seen.push(data))
      client.on('error', () => {})
      upstream.on('error', () => {})
      client.pipe(upstream).pipe(client)
    }).listen(0, '127.0.0.1')
    await once(proxy, 'listening')
    const [reader, writer] = await ask((proxy.address() as { port: number }).port)
    const upgrading = createTask(() => writer.startTls({ ca, servername: 'localhost' }))
    await sleep(0)
    writer.write('secret')
    writer.writeEof()
    await upgrading
    expect(String(await timeout(3000, () => reader.read()))).toBe('from the server\nsecret')
    expect(Buffer.concat(seen).includes('secret')).toBe(false)
    writer.abort()
    proxy.close()
  }))

test('a read that waits during startTls gets the bytes that come over TLS', () =>
  run(async () => {
    // The ClientHello arrives while the read waits, and does not contain its separator.
    const separator = '-- the end of a record that no ClientHello contains --'
    const got = new Future<string>()
    await using server = await startServer(async (reader, writer) => {
      const reading = createTask(() => reader.readUntil(separator))
      await until(() => (writer.getExtraInfo('socket') as Socket).bytesRead > 0)
      await sleep(1)
      await writer.startTls(tls)
      got.setResult(String(await reading))
    }, local)
    const socket = connectTls({
      port: portOf(server),
      host: '127.0.0.1',
      ca,
      servername: 'localhost',
    })
    socket.write(`over TLS${separator}`)
    expect(await timeout(3000, () => got)).toBe(`over TLS${separator}`)
    socket.destroy()
    await closed(socket)
  }))

test('startTls after writeEof is refused, because no handshake can be sent', () =>
  run(async () => {
    await using server = await startServer(async (reader) => void (await reader.read()), local)
    const [, writer] = await openConnection('127.0.0.1', portOf(server))
    writer.writeEof()
    await expect(writer.startTls({ ca })).rejects.toThrow(
      new RuntimeError('startTls() after writeEof()'),
    )
    writer.abort()
  }))

test('a second startTls during the first throws, and close or abort ends the first', () =>
  run(async () => {
    const listening = createRaw((socket) => void socket.on('error', () => {}).resume())
    listening.listen(0, '127.0.0.1')
    await once(listening, 'listening')
    const { port } = listening.address() as { port: number }
    for (const how of ['close', 'abort'] as const) {
      const [, writer] = await openConnection('127.0.0.1', port)
      const upgrading = createTask(() => writer.startTls({ ca }))
      await sleep(1)
      const transport = writer.transport as Transport
      expect(await thrown(transport.startTls({ ca }))).toBeInstanceOf(RuntimeError)
      writer[how]()
      expect(await thrown(timeout(2000, () => upgrading))).toBeInstanceOf(ConnectionResetError)
      await writer.waitClosed()
    }
    listening.close()
  }))

test('a protocol that has paused reading starts TLS on both sides, and bytes that came meanwhile go to TLS', () =>
  run(async () => {
    const received = new Future<string>()
    const buffer = Buffer.alloc(9)
    const serverSide = (): BufferedProtocol => {
      let transport: Transport
      return {
        connectionMade(made) {
          transport = made
        },
        getBuffer: () => buffer,
        bufferUpdated(n) {
          if (n < 9) return
          // After these 9 bytes, the packet contains the ClientHello.
          transport.pauseReading()
          transport.setProtocol({
            dataReceived: (data) => received.setResult(String(data)),
          })
          void transport.startTls(tls).then(() => transport.resumeReading())
        },
      }
    }
    await using server = await createServer(serverSide, '127.0.0.1', 0)
    const client = connect(portOf(server), '127.0.0.1')
    client.write('STARTTLS\n')
    const secure = connectTls({ socket: client, ca, servername: 'localhost' })
    secure.on('error', () => {})
    await once(secure, 'secureConnect')
    secure.write('over TLS')
    expect(await timeout(3000, () => received)).toBe('over TLS')
    secure.destroy()
    const [transport] = await createConnection(() => ({}), '127.0.0.1', portOf(server))
    transport.write('STARTTLS\n')
    await transport.startTls({ ca, servername: 'localhost' })
    expect(transport.getExtraInfo('protocol')).toBe('TLSv1.3')
    transport.abort()
  }))

test('the bytes after those with which a buffered protocol starts TLS go to TLS, paused or not', () =>
  run(async () => {
    for (const pauses of [false, true]) {
      const received: string[] = []
      // With a buffer of one byte, `getBuffer` is called many times for one packet.
      const buffer = Buffer.alloc(1)
      const serverSide = (): BufferedProtocol => {
        let transport: Transport
        let line = ''
        return {
          connectionMade(made) {
            transport = made
          },
          getBuffer: () => buffer,
          bufferUpdated() {
            line += String(buffer)
            if (pauses && line === 'P') {
              transport.pauseReading()
              setImmediate(() => transport.resumeReading())
            }
            if (!line.endsWith('\n')) return
            received.push(line)
            line = ''
            if (received.length > 1) transport.write('got it\n')
            else void transport.startTls(tls)
          },
        }
      }
      await using server = await createServer(serverSide, '127.0.0.1', 0)
      const proxy = createRaw((client) => {
        const upstream = connect(portOf(server), '127.0.0.1').on('error', () => {})
        client
          .on('error', () => {})
          .once('data', (hello: Buffer) => {
            upstream.write(Buffer.concat([Buffer.from('PROXY\n'), hello]))
            client.pipe(upstream).pipe(client)
          })
      }).listen(0, '127.0.0.1')
      await once(proxy, 'listening')
      const { port } = proxy.address() as { port: number }
      const options = { tls: { ca, servername: 'localhost' } }
      const [reader, writer] = await timeout(3000, () => openConnection('127.0.0.1', port, options))
      writer.write('over TLS\n')
      expect(String(await timeout(3000, () => reader.readLine()))).toBe('got it\n')
      expect(received).toEqual(['PROXY\n', 'over TLS\n'])
      writer.abort()
      proxy.close()
    }
  }))

test("getExtraInfo('peercert') is null if the peer has shown no certificate", () =>
  run(async () => {
    const facts = new Future<unknown[]>()
    await using server = await startServer(
      (_, writer) => {
        facts.setResult(['peercert', 'authorized'].map((name) => writer.getExtraInfo(name)))
        writer.close()
      },
      { host: 'localhost', tls },
    )
    const [reader, writer] = await openConnection('localhost', portOf(server), { tls: { ca } })
    expect(writer.getExtraInfo('authorized')).toBe(true)
    await reader.read()
    expect(await facts).toEqual([null, false])
    expect(writer.getExtraInfo('nothing', 'fallback')).toBe('fallback')
    writer.abort()
  }))

test('setSecureContext gives a running server a new certificate', () =>
  run(async () => {
    await using server = await startServer(
      async (reader, writer) => {
        for await (const line of reader) writer.write(line)
      },
      { host: 'localhost', tls },
    )
    const port = portOf(server)
    const [reader, writer] = await openConnection('localhost', port, { tls: { ca } })
    expect(() => server.setSecureContext({ key: 'no key', cert: 'no cert' })).toThrow(
      /PEM|key|DECODER/i,
    )
    server.setSecureContext({ key: undefined, cert: undefined })
    const [, second] = await openConnection('localhost', port, { tls: { ca } })
    second.abort()
    server.setSecureContext(other)
    writer.write('still served\n')
    expect(String(await reader.readLine())).toBe('still served\n')
    writer.abort()
    const [, third] = await openConnection('localhost', port, {
      tls: { ca: other.cert, servername: 'other.test' },
    })
    expect(third.getExtraInfo('peercert')).toMatchObject({ subject: { CN: 'other.test' } })
    third.abort()
    expect(await thrown(openConnection('localhost', port, { tls: { ca } }))).toMatchObject({
      name: 'CertificateError',
      host: 'localhost',
    })
    await using plain = await startServer(() => {}, local)
    expect(() => plain.setSecureContext(other)).toThrow(RuntimeError)
  }))

test('close and closeClients end unfinished TLS handshakes, and a bad handshake is not reported', () =>
  run(async () => {
    const silent: Socket[] = []
    const server = await startServer(() => {}, { ...local, tls })
    for (let i = 0; i < 3; i++) silent.push(connect(portOf(server), '127.0.0.1'))
    for (const socket of silent) socket.on('error', () => {})
    silent[0]?.write('GET / HTTP/1.1\r\n\r\n')
    await sleep(30)
    server.close()
    server.closeClients()
    await timeout(2000, () => server.waitClosed())
    for (const socket of silent) socket.destroy()
  }))
