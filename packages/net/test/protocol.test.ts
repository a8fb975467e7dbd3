import { Future, getRunningLoop, currentTask, run, sleep } from '@tasktree/core'
import {
  type BufferedProtocol,
  createConnection,
  createServer,
  type Protocol,
  type Transport,
} from '@tasktree/net'
import { expect, test } from 'vitest'

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

test('the callbacks come in their order, in no task', () =>
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

test('writing is paused above the high-water mark and resumed below the low one', () =>
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
