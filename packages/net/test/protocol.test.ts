import {
  createTask,
  currentTask,
  Future,
  getRunningLoop,
  run,
  sleep,
  type Task,
  timeout,
} from '@tasktree/core'
import {
  type BufferedProtocol,
  createConnection,
  createDatagramEndpoint,
  createServer,
  type Protocol,
  type Transport,
} from '@tasktree/net'
import { expect, test } from 'vitest'
import { tls, until } from './support/network.ts'

class Echo implements Protocol {
  #transport: Transport | null = null
  connectionMade(transport: Transport): void {
    this.#transport = transport
  }
  dataReceived(data: Buffer): void {
    this.#transport?.write(data)
  }
}

class Recorder implements Protocol {
  readonly calls: string[] = []
  readonly lost = new Future<Error | null>()
  readonly task: unknown[] = []
  connectionMade(): void {
    this.calls.push('made')
  }
  dataReceived(data: Buffer): void {
    this.task.push(currentTask())
    this.calls.push(`data ${String(data)}`)
  }
  eofReceived(): void {
    this.calls.push('eof')
  }
  connectionLost(error: Error | null): void {
    this.calls.push('lost')
    this.lost.setResult(error)
  }
}

function portOf(server: { sockets: { port: number }[] }): number {
  return server.sockets[0]?.port ?? 0
}

test('the callbacks of a protocol are called in their order, outside of every task', () =>
  run(async () => {
    await using server = await createServer(() => new Echo(), '127.0.0.1', 0)
    const [transport, protocol] = await createConnection(
      () => new Recorder(),
      '127.0.0.1',
      portOf(server),
    )
    transport.write('hello')
    transport.writeEof()
    expect(await protocol.lost).toBeNull()
    expect(protocol.calls).toEqual(['made', 'data hello', 'eof', 'lost'])
    expect(protocol.task).toEqual([null])
    expect(transport.getExtraInfo('peername')).toEqual(['127.0.0.1', expect.any(Number)])
    expect(transport.isClosing()).toBe(true)
  }))

test('a buffered protocol receives into its own buffers', () =>
  run(async () => {
    await using server = await createServer(() => new Echo(), '127.0.0.1', 0)
    const buffer = Buffer.alloc(3)
    let received = ''
    const done = new Future<void>()
    const protocol: BufferedProtocol = {
      getBuffer: () => buffer,
      bufferUpdated(n) {
        received += buffer.toString('utf8', 0, n)
        if (received.length === 10) done.setResult()
      },
    }
    const [transport] = await createConnection(() => protocol, '127.0.0.1', portOf(server))
    transport.write('0123456789')
    await done
    expect(received).toBe('0123456789')
    transport.close()
  }))

test('a protocol that throws is reported, and its connection ends with that error', () =>
  run(async () => {
    const reports: unknown[] = []
    getRunningLoop().setExceptionHandler((_, context) => reports.push(context.exception))
    const lost = new Future<Error | null>()
    const failure = new Error('in dataReceived')
    await using server = await createServer(
      () => ({
        dataReceived() {
          throw failure
        },
        connectionLost: (error) => lost.setResult(error),
      }),
      '127.0.0.1',
      0,
    )
    const [transport, protocol] = await createConnection(
      () => new Recorder(),
      '127.0.0.1',
      portOf(server),
    )
    transport.write('x')
    expect(await lost).toBe(failure)
    await protocol.lost
    expect(reports).toEqual([failure])
  }))

test('a transport pauses writing above the high-water mark and resumes below the low-water mark', () =>
  run(async () => {
    const peers: Transport[] = []
    await using server = await createServer(
      () => ({
        connectionMade(transport) {
          transport.pauseReading()
          peers.push(transport)
        },
      }),
      '127.0.0.1',
      0,
    )
    const paused = new Future<void>()
    const resumed = new Future<void>()
    const [transport] = await createConnection(
      () => ({ pauseWriting: () => paused.setResult(), resumeWriting: () => resumed.setResult() }),
      '127.0.0.1',
      portOf(server),
    )
    transport.setWriteBufferLimits({ high: 1000, low: 100 })
    while (!paused.done()) transport.write(Buffer.alloc(1_000_000))
    expect(transport.getWriteBufferSize()).toBeGreaterThan(1000)
    while (peers.length === 0) await sleep(1)
    peers[0]?.resumeReading()
    await resumed
    expect(transport.getWriteBufferSize()).toBeLessThanOrEqual(100)
    transport.abort()
    expect(() => transport.setWriteBufferLimits({ high: 1, low: 2 })).toThrow(RangeError)
  }))

test.each([
  ['TCP', {}, {}],
  ['TLS', { tls }, { tls: { ca: tls.cert, servername: 'localhost' } }],
])(
  'each callback of a protocol is called outside of every task, even if a task acts on the connection: %s',
  (_, on, by) =>
    run(async () => {
      const tasks = new Map<string, Task | null>()
      const note = (what: string): void => void tasks.set(what, currentTask())
      await using server = await createServer(
        () => ({
          eofReceived: () => note('eofReceived'),
          connectionLost: () => note('connectionLost of the server'),
        }),
        { host: '127.0.0.1', ...on },
      )
      for (const end of ['close', 'abort', 'startTls']) {
        const resumed = new Future<void>()
        const lost = new Future<void>()
        const using = async (): Promise<void> => {
          const [transport] = await createConnection(
            () => ({
              connectionMade: () => note('connectionMade'),
              pauseWriting: () => note('pauseWriting'),
              resumeWriting: () => {
                note('resumeWriting')
                if (!resumed.done()) resumed.setResult()
              },
              connectionLost: () => {
                note(`lost by ${end}`)
                lost.setResult()
              },
            }),
            { port: portOf(server), host: '127.0.0.1' },
            by,
          )
          transport.write(Buffer.alloc(16_000_000))
          await timeout(5000, () => resumed)
          if (end === 'close') transport.close()
          else if (end === 'startTls') {
            await timeout(1, () => transport.startTls({ rejectUnauthorized: false })).catch(
              () => {},
            )
            transport.abort()
          } else transport.abort()
          await timeout(5000, () => lost)
        }
        await createTask(using)
      }
      expect(Object.fromEntries(tasks)).toMatchObject({ pauseWriting: null, resumeWriting: null })
      expect([...tasks].filter(([, task]) => task !== null)).toEqual([])
    }),
)

test('each callback of a UDP socket is called outside of every task', () =>
  run(async () => {
    const tasks = new Map<string, Task | null>()
    const lost = new Future<void>()
    const note = (what: string): void => void tasks.set(what, currentTask())
    const using = async (): Promise<void> => {
      const [transport] = await createDatagramEndpoint(
        () => ({
          connectionMade: () => note('connectionMade'),
          datagramReceived: () => note('datagramReceived'),
          errorReceived: () => note('errorReceived'),
          pauseWriting: () => note('pauseWriting'),
          resumeWriting: () => note('resumeWriting'),
          connectionLost: () => {
            note('connectionLost')
            lost.setResult()
          },
        }),
        { localAddr: { host: '127.0.0.1' } },
      )
      const [host, port] = transport.getExtraInfo('sockname') as [string, number]
      for (let i = 0; i < 100; i++) transport.sendTo(Buffer.alloc(1000), { host, port })
      transport.sendTo(Buffer.alloc(70_000), { host, port })
      await until(() => tasks.has('datagramReceived') && tasks.has('errorReceived'))
      await until(() => tasks.has('resumeWriting'))
      transport.close()
      await timeout(1000, () => lost)
    }
    await createTask(using)
    expect(tasks.size).toBe(6)
    expect([...tasks].filter(([, task]) => task !== null)).toEqual([])
  }))
