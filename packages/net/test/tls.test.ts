import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { createSecureContext, type PeerCertificate } from 'node:tls'
import { createTask, Future, getRunningLoop, run, wait } from '@tasktree/core'
import { ConnectionResetError, openConnection, startServer } from '@tasktree/net'
import { expect, test } from 'vitest'
import { census, expectNothingLeft } from './support/census.ts'
import { closed, echo, fixture, portOf } from './support/network.ts'

const key = readFileSync(fixture('key.pem'))
const cert = readFileSync(fixture('cert.pem'))

const tls = { key, cert, ALPNProtocols: ['http/1.1'] }
const local = { host: 'localhost', port: 0 }

test('a client verifies the server, agrees on a protocol by ALPN and sends over TLS', () =>
  run(async () => {
    await using server = await startServer(echo, { ...local, tls })
    const [reader, writer] = await openConnection('localhost', portOf(server), {
      tls: { ca: cert, ALPNProtocols: ['http/1.1'] },
    })
    await using _ = writer
    writer.write('secret\n')
    expect(String(await reader.readLine())).toBe('secret\n')
    expect(writer.getExtraInfo('alpn')).toBe('http/1.1')
    expect(writer.getExtraInfo('cipher')).toMatchObject({ name: expect.any(String) })
    expect(writer.getExtraInfo('peercert')).toMatchObject({ subject: { CN: 'localhost' } })
  }))

test('a client refuses an unknown certificate, and no socket is left', () =>
  run(async () => {
    const server = await startServer(echo, { ...local, tls })
    await expect(openConnection('localhost', portOf(server), { tls: true })).rejects.toMatchObject({
      code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
    })
    await server[Symbol.asyncDispose]()
  }))

test('both sides start TLS on a plain connection', () =>
  run(async () => {
    await using server = await startServer(async (reader, writer) => {
      expect(String(await reader.readLine())).toBe('STARTTLS\n')
      writer.write('go ahead\n')
      await writer.startTls({ key, cert })
      await echo(reader, writer)
    }, local)
    const [reader, writer] = await openConnection('localhost', portOf(server))
    await using _ = writer
    writer.write('STARTTLS\n')
    expect(String(await reader.readLine())).toBe('go ahead\n')
    await writer.startTls({ ca: cert, servername: 'localhost' })
    writer.write('hidden\n')
    expect(String(await reader.readLine())).toBe('hidden\n')
    expect(writer.getExtraInfo('protocol')).toBe('TLSv1.3')
  }))

test('a cancel during the TLS handshake closes the socket', () =>
  run(async () => {
    const accepted = new Future<void>()
    await using server = await startServer(async (reader) => {
      accepted.setResult()
      await reader.read()
    }, local)
    const connecting = createTask(() =>
      openConnection('localhost', portOf(server), { tls: { ca: cert } }),
    )
    await accepted
    connecting.cancel()
    await wait([connecting])
    expect(connecting.cancelled()).toBe(true)
  }))

test('a TLS handshake that takes too long throws TimeoutError', () =>
  run(async () => {
    await using server = await startServer((reader) => reader.read().then(() => {}), local)
    await expect(
      openConnection('localhost', portOf(server), { tls: { ca: cert }, timeout: 20 }),
    ).rejects.toMatchObject({ name: 'TimeoutError', message: 'no connection after 20 ms' })
  }))

test('a server does not wait for a client that ends in the middle of the TLS handshake', () =>
  run(async () => {
    const before = census()
    {
      const upgraded = new Future<unknown>()
      await using plain = await startServer(async (_, writer) => {
        upgraded.setResult(await writer.startTls({ key, cert }).catch((error: unknown) => error))
      }, local)
      await using secure = await startServer(echo, { ...local, tls })
      for (const server of [plain, secure]) {
        const socket = connect({ port: portOf(server), host: 'localhost', allowHalfOpen: true })
        socket.on('error', () => {}).resume()
        await once(socket, 'connect')
        socket.end(Buffer.from([22, 3, 1]))
        await closed(socket)
      }
      expect(await upgraded).toBeInstanceOf(ConnectionResetError)
    }
    await expectNothingLeft(before)
  }))

test('a server that requires certificates accepts a client with a certificate and refuses a client without', () =>
  run(async () => {
    const clientKey = readFileSync(fixture('client-key.pem'))
    const clientCert = readFileSync(fixture('client-cert.pem'))
    const peers: unknown[] = []
    getRunningLoop().setExceptionHandler(() => {})
    await using server = await startServer(
      async (reader, writer) => {
        peers.push((writer.getExtraInfo('peercert') as PeerCertificate).subject.CN)
        await echo(reader, writer)
      },
      { ...local, tls: { key, cert, ca: clientCert, requestCert: true, rejectUnauthorized: true } },
    )
    const port = portOf(server)
    const [reader, writer] = await openConnection('localhost', port, {
      tls: { ca: cert, key: clientKey, cert: clientCert },
    })
    writer.write('hello\n')
    expect(String(await reader.readLine())).toBe('hello\n')
    await writer[Symbol.asyncDispose]()
    const [nobody, nobodysWriter] = await openConnection('localhost', port, { tls: { ca: cert } })
    // Under TLS 1.3 the client has ended its handshake before the server checks for a client certificate. So the refusal comes later.
    await expect(nobody.readLine()).rejects.toMatchObject({ code: expect.stringMatching(/^E/) })
    await nobodysWriter.waitClosed().catch(() => {})
    expect(peers).toEqual(['client'])
  }))

test('startTls verifies the certificates of both sides', () =>
  run(async () => {
    const clientKey = readFileSync(fixture('client-key.pem'))
    const clientCert = readFileSync(fixture('client-cert.pem'))
    const outcomes: unknown[] = []
    await using server = await startServer(async (reader, writer) => {
      const options = { key, cert, ca: clientCert, requestCert: true, rejectUnauthorized: true }
      try {
        await writer.startTls(options)
        outcomes.push((writer.getExtraInfo('peercert') as PeerCertificate).subject.CN)
      } catch (error) {
        outcomes.push(error)
        return
      }
      await echo(reader, writer)
    }, local)
    for (const own of [{ key: clientKey, cert: clientCert }, {}]) {
      const [reader, writer] = await openConnection('localhost', portOf(server))
      await writer.startTls({ ca: cert, servername: 'localhost', ...own })
      writer.write('hello\n')
      const line = await reader.readLine().catch(() => '')
      expect(String(line)).toBe('key' in own ? 'hello\n' : '')
      await writer[Symbol.asyncDispose]().catch(() => {})
    }
    expect(outcomes).toEqual(['client', expect.any(Error)])
  }))

test('a server chooses its certificate by the name that the client asks for', () =>
  run(async () => {
    const other = {
      key: readFileSync(fixture('other-key.pem')),
      cert: readFileSync(fixture('other-cert.pem')),
    }
    const asked: unknown[] = []
    const contexts = new Map([['other.test', createSecureContext(other)]])
    await using server = await startServer(
      async (reader, writer) => {
        asked.push(writer.getExtraInfo('servername'))
        await echo(reader, writer)
      },
      {
        ...local,
        tls: { ...tls, SNICallback: (name, callback) => callback(null, contexts.get(name)) },
      },
    )
    const port = portOf(server)
    for (const [servername, ca] of [
      ['localhost', cert],
      ['other.test', other.cert],
    ] as const) {
      const options = { tls: { ca, servername } }
      const [reader, writer] = await openConnection('127.0.0.1', port, options)
      writer.write('hello\n')
      await reader.readLine()
      expect(writer.getExtraInfo('peercert')).toMatchObject({ subject: { CN: servername } })
      await writer[Symbol.asyncDispose]()
    }
    expect(asked).toEqual(['localhost', 'other.test'])
    const wrong = { tls: { ca: cert, servername: 'other.test' } }
    await expect(openConnection('127.0.0.1', port, wrong)).rejects.toBeInstanceOf(Error)
    // The client verifies an address, but does not send it as the server name.
    const [, writer] = await openConnection('127.0.0.1', port, { tls: { ca: cert } })
    expect(writer.getExtraInfo('servername')).toBeNull()
    await writer[Symbol.asyncDispose]()
  }))

test('a TLS connect fails if client and server have no ALPN protocol in common', () =>
  run(async () => {
    getRunningLoop().setExceptionHandler(() => {})
    await using server = await startServer(echo, { ...local, tls })
    const port = portOf(server)
    const options = { tls: { ca: cert, ALPNProtocols: ['h2'] } }
    await expect(openConnection('localhost', port, options)).rejects.toMatchObject({
      code: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
    })
    const [, writer] = await openConnection('localhost', port, { tls: { ca: cert } })
    expect(writer.getExtraInfo('alpn', 'none')).toBe('none')
    await writer[Symbol.asyncDispose]()
  }))
