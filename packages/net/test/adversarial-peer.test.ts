import { once } from 'node:events'
import { connect, createServer as createRaw, type Socket } from 'node:net'
import { createServer as createRawTls, TLSSocket } from 'node:tls'
import { isCancelled, run, sleep, timeout, TimeoutError } from '@tasktree/core'
import { OSError, openConnection, type StreamReader, startServer } from '@tasktree/net'
import { expect, test } from 'vitest'
import { census, expectNothingLeft } from './support/census.ts'
import { closed, local, portOf, tls } from './support/network.ts'

// Tests peers that misbehave at each byte of a conversation: they end or reset the connection, or stall. In each case a read gives
// the bytes that came before and then the peer's end or error, as node:net does. A read never waits for a peer that has gone, and
// nothing is left.

const actions = ['end', 'reset', 'stall'] as const
type Action = (typeof actions)[number]

function act(socket: Socket, action: Action): void {
  if (action === 'end') socket.end()
  else if (action === 'reset') socket.resetAndDestroy()
}

/** Turns of the loop before the peer misbehaves, so that its bytes and its end arrive together or separately. */
const gaps = [0, 3]

async function misbehave(
  socket: Socket,
  script: Buffer,
  at: number,
  action: Action,
  gap: number,
): Promise<void> {
  const before = script.subarray(0, at)
  if (before.length > 0) await new Promise((resolve) => socket.write(before, resolve))
  if (gap > 0) await new Promise((resolve) => setTimeout(resolve, gap))
  act(socket, action)
}

interface Outcome {
  received: string
  end: string
}

/** Milliseconds after which a read counts as stalled. If the test expects no stall, a busy machine gets more time. */
function patienceFor(action: Action): number {
  return action === 'stall' ? 150 : 60_000
}

/** Reads until the stream ends. Returns all bytes, and how the stream ended, or 'stall' if it did not end. */
async function readOut(reader: StreamReader, action: Action): Promise<Outcome> {
  let received = ''
  try {
    for (;;) {
      const data = await timeout(patienceFor(action), () => reader.read(99))
      if (data.length === 0) return { received, end: 'end' }
      received += String(data)
    }
  } catch (error) {
    if (error instanceof TimeoutError) return { received, end: 'stall' }
    expect(error).toBeInstanceOf(OSError)
    return { received, end: (error as OSError).code }
  }
}

const script = Buffer.from('220 hi\r\n250 ok\r\n')

function expectOutcome(outcome: Outcome, at: number, action: Action): void {
  const sent = String(script.subarray(0, at))
  const end = { end: 'end', stall: 'stall', reset: 'ECONNRESET' }[action]
  if (action === 'reset') expect(sent.startsWith(outcome.received)).toBe(true)
  else expect(outcome.received).toBe(sent)
  expect(outcome.end).toBe(end)
}

test.each(actions)(
  'a client reads what came from a server that does "%s" after any byte, and then gets that end',
  { tags: ['slow'] },
  (action) =>
    run(async () => {
      const before = census()
      {
        for (let at = 0; at <= script.length; at += action === 'stall' ? 5 : 1) {
          for (const gap of gaps) {
            const peers: Socket[] = []
            const server = createRaw((socket) => {
              peers.push(socket.on('error', () => {}).resume())
              void misbehave(socket, script, at, action, gap)
            }).listen(0, '127.0.0.1')
            await once(server, 'listening')
            const { port } = server.address() as { port: number }
            try {
              const [reader, writer] = await timeout(6000, () => openConnection('127.0.0.1', port))
              expectOutcome(await readOut(reader, action), at, action)
              writer.abort()
            } catch (error) {
              // The system may see the reset before it has reported that the connection was made.
              expect(error).toMatchObject({ code: 'ECONNRESET' })
              expect([action, gap]).toEqual(['reset', 0])
            }
            for (const peer of peers) peer.destroy()
            server.close()
            await once(server, 'close')
          }
        }
      }
      await expectNothingLeft(before)
    }),
)

test.each(actions)(
  'a server reads what came from a client that does "%s" after any byte, and then gets that end',
  { tags: ['slow'] },
  (action) =>
    run(async () => {
      const before = census()
      {
        const outcomes: Outcome[] = []
        await using server = await startServer(async (reader) => {
          outcomes.push(await readOut(reader, action))
        }, local)
        for (let at = 0; at <= script.length; at += action === 'stall' ? 5 : 1) {
          for (const gap of gaps) {
            const socket = connect(portOf(server), '127.0.0.1').on('error', () => {})
            await once(socket, 'connect')
            await misbehave(socket, script, at, action, gap)
            while (outcomes.length === 0) await sleep(1)
            expectOutcome(outcomes.pop() as Outcome, at, action)
            socket.destroy()
          }
        }
      }
      await expectNothingLeft(before)
    }),
)

/** Returns the positions at which the records of a TLS stream begin, and the length of the stream. */
function recordsOf(stream: Buffer): number[] {
  const starts: number[] = []
  let at = 0
  while (at + 5 <= stream.length) {
    starts.push(at)
    at += 5 + stream.readUInt16BE(at + 3)
  }
  return [...starts, stream.length]
}

/** Returns points before, in and after the header of each record, in its body, and one byte before its end. */
function pointsOf(stream: Buffer): number[] {
  const points = recordsOf(stream).flatMap((start, i, all) => {
    const end = all[i + 1] ?? start
    return [start, start + 1, start + 4, start + 5, start + 6, end - 1]
  })
  return [...new Set(points)]
    .filter((at) => at >= 0 && at <= stream.length)
    .toSorted((a, b) => a - b)
}

/**
 * Passes on the first `at` bytes from the socket `from` to the socket `to`, and then misbehaves towards `to`. Returns a list to
 * which it adds all bytes that come from `from`.
 */
function passOn(from: Socket, to: Socket, at: number, action: Action): Buffer[] {
  const sent: Buffer[] = []
  let left = at
  from.on('data', (data: Buffer) => {
    sent.push(data)
    const part = data.subarray(0, left)
    if (left <= 0) return
    left -= part.length
    if (left > 0) to.write(part)
    else to.write(part, () => act(to, action))
  })
  return sent
}

interface TlsPeer {
  port: number
  /** Returns the bytes that the server has sent in the last connection. */
  sent(): Buffer
  close(): Promise<void>
}

/** A TLS server that sends the script, behind a proxy that misbehaves when `at` bytes have gone to the client. */
async function tlsServerBehindProxy(at: number, action: Action): Promise<TlsPeer> {
  const sockets: Socket[] = []
  const server = createRawTls({ ...tls }, (socket) => {
    socket.on('error', () => {}).resume()
    socket.end(script)
  })
  server.on('tlsClientError', () => {}).listen(0, '127.0.0.1')
  await once(server, 'listening')
  let sent: Buffer[] = []
  const proxy = createRaw({ allowHalfOpen: true }, (client) => {
    const { port } = server.address() as { port: number }
    const upstream = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    sockets.push(client, upstream)
    for (const socket of [client, upstream]) socket.on('error', () => {})
    client.pipe(upstream)
    sent = passOn(upstream, client, at, action)
    upstream.on('end', () => {
      if (Buffer.concat(sent).length < at) client.end()
    })
    if (at === 0) act(client, action)
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  return {
    port: (proxy.address() as { port: number }).port,
    sent: () => Buffer.concat(sent),
    async close() {
      for (const socket of sockets) socket.destroy()
      proxy.close()
      server.close()
      await Promise.all([once(proxy, 'close'), once(server, 'close')])
    },
  }
}

test.each(actions)(
  'a client gets the right end from a TLS server that does "%s" at any part of a record',
  { tags: ['slow'], timeout: 120_000 },
  (action) =>
    run(async () => {
      const before = census()
      {
        const whole = await tlsServerBehindProxy(Infinity, 'end')
        const options = {
          tls: { ca: tls.cert, servername: 'localhost', handshakeTimeout: patienceFor(action) },
        }
        // This peer does not stall, so its handshake gets a long time limit.
        const patient = { tls: { ...options.tls, handshakeTimeout: 60_000 } }
        const [reader, writer] = await openConnection('127.0.0.1', whole.port, patient)
        expect(await readOut(reader, action)).toEqual({ received: String(script), end: 'end' })
        writer.abort()
        const stream = whole.sent()
        await whole.close()
        const points = pointsOf(stream)
        expect(points.length).toBeGreaterThan(20)
        for (const at of points) {
          const peer = await tlsServerBehindProxy(at, action)
          let outcome: Outcome
          try {
            const [from, to] = await timeout(8000, () =>
              openConnection('127.0.0.1', peer.port, options),
            )
            outcome = await readOut(from, action)
            to.abort()
          } catch (error) {
            expect(isCancelled(error)).toBe(false)
            outcome = { received: '', end: (error as { code: string }).code }
          }
          // The client gets only bytes of the server, and does not wait for a peer that has gone.
          expect(String(script).startsWith(outcome.received)).toBe(true)
          if (action === 'reset') expect(outcome.end).toMatch(/^(ECONNRESET|end|EPIPE)$/)
          if (action === 'end') expect(outcome.end).toMatch(/^(ECONNRESET|end|ERR_SSL_.*)$/)
          if (action === 'stall') expect(outcome.end).toMatch(/^(stall|ERR_TIMEOUT|end)$/)
          await peer.close()
        }
      }
      await expectNothingLeft(before)
    }),
)

test.each(actions)(
  'a server gets the right end from a TLS client that does "%s" at any part of a record',
  { tags: ['slow'], timeout: 120_000 },
  (action) =>
    run(async () => {
      const before = census()
      {
        const outcomes: Outcome[] = []
        await using server = await startServer(
          async (reader) => {
            outcomes.push(await readOut(reader, action))
          },
          { host: '127.0.0.1', tls: { ...tls, handshakeTimeout: patienceFor(action) } },
        )
        /** Runs a client that sends the script through a proxy, which passes on `at` bytes. */
        const talk = async (at: number): Promise<Buffer> => {
          let sent: Buffer[] = []
          const upstream = connect(portOf(server), '127.0.0.1').on('error', () => {})
          await once(upstream, 'connect')
          const proxy = createRaw((client) => {
            client.on('error', () => {})
            upstream.pipe(client)
            sent = passOn(client, upstream, at, action)
          }).listen(0, '127.0.0.1')
          await once(proxy, 'listening')
          const { port } = proxy.address() as { port: number }
          const plain = connect(port, '127.0.0.1').on('error', () => {})
          const client = new TLSSocket(plain, { isServer: false, rejectUnauthorized: false })
          client.on('error', () => {}).resume()
          client.write(script)
          if (at === 0) act(upstream, action)
          await Promise.race([closed(upstream), new Promise((resolve) => setTimeout(resolve, 250))])
          for (const socket of [client, plain, upstream]) socket.destroy()
          proxy.close()
          await once(proxy, 'close')
          return Buffer.concat(sent)
        }
        const stream = await talk(Infinity)
        expect(outcomes.pop()).toMatchObject({ received: String(script) })
        const points = pointsOf(stream)
        expect(points.length).toBeGreaterThan(10)
        for (const at of points) {
          await talk(at)
          await sleep(5)
          // If the handshake has failed, the server has no outcome.
          const outcome = outcomes.pop()
          if (outcome === undefined) continue
          expect(String(script).startsWith(outcome.received)).toBe(true)
          expect(outcome.end).toMatch(/^(end|stall|ECONNRESET|EPIPE|ERR_SSL_.*)$/)
        }
      }
      await expectNothingLeft(before)
    }),
)
