import { readFileSync } from 'node:fs'
import { createTask, Future, run, wait } from '@tasktree/core'
import { openConnection, type StreamReader, type StreamWriter, startServer } from '@tasktree/net'
import { expect, test } from 'vitest'

const fixture = (name: string): URL => new URL(`fixtures/${name}`, import.meta.url)
const key = readFileSync(fixture('key.pem'))
const cert = readFileSync(fixture('cert.pem'))

const echo = async (reader: StreamReader, writer: StreamWriter): Promise<void> => {
  for await (const line of reader) {
    writer.write(line)
    await writer.drain()
  }
}

const tls = { key, cert, ALPNProtocols: ['http/1.1'] }
const local = { host: 'localhost', port: 0 }

function portOf(server: { sockets: { port: number }[] }): number {
  return server.sockets[0]?.port ?? 0
}

test('TLS with ALPN and a verified certificate', () =>
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

test('an unknown certificate is refused, and no socket is left', () =>
  run(async () => {
    const server = await startServer(echo, { ...local, tls })
    await expect(openConnection('localhost', portOf(server), { tls: true })).rejects.toMatchObject({
      code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
    })
    await server[Symbol.asyncDispose]()
  }))

test('both sides upgrade a plain connection', () =>
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

test('a cancel during the handshake closes the socket', () =>
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

test('a handshake that takes too long is a TimeoutError', () =>
  run(async () => {
    await using server = await startServer((reader) => reader.read().then(() => {}), local)
    await expect(
      openConnection('localhost', portOf(server), { tls: { ca: cert }, timeout: 20 }),
    ).rejects.toMatchObject({ name: 'TimeoutError', message: 'no connection after 20 ms' })
  }))
