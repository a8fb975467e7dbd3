import { PassThrough, Writable } from 'node:stream'
import { createTask, Future, getRunningLoop, run, RuntimeError, sleep, wait } from '@tasktree/core'
import { ConnectionResetError, FlowControl, StreamWriter } from '@tasktree/streams'
import { expect, test, vi } from 'vitest'

test('drain waits for a slow sink, and a cancelled one leaves nothing behind', () =>
  run(async () => {
    const sink = new PassThrough()
    const writer = StreamWriter.to(sink)
    writer.write(Buffer.alloc(200_000))
    const listeners = sink.listenerCount('drain')
    for (let i = 0; i < 20; i++) {
      const draining = createTask(() => writer.drain())
      await sleep(0)
      draining.cancel()
      await wait([draining])
      expect(draining.cancelled()).toBe(true)
    }
    expect(sink.listenerCount('drain')).toBe(listeners)
    const draining = createTask(() => writer.drain())
    await sleep(0)
    expect(draining.done()).toBe(false)
    sink.resume()
    await draining
    await writer[Symbol.asyncDispose]()
  }))

test('a drain that waits ends with the error of the sink', () =>
  run(async () => {
    const failed = new Future<void>()
    const sink = new Writable({
      write(_chunk, _encoding, callback) {
        failed.addDoneCallback(() => callback(new Error('disk full')))
      },
    })
    const writer = StreamWriter.to(sink)
    writer.write(Buffer.alloc(100_000))
    const draining = createTask(() => writer.drain())
    await sleep(0)
    failed.setResult()
    await expect(draining).rejects.toThrow('disk full')
    await expect(writer.waitClosed()).rejects.toThrow('disk full')
    await expect(writer.drain()).rejects.toBeInstanceOf(ConnectionResetError)
  }))

test('a producer that never drains is warned once', () => {
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const writer = StreamWriter.to(new PassThrough())
  for (let i = 0; i < 100; i++) writer.write(Buffer.alloc(65_536))
  expect(warn).toHaveBeenCalledTimes(1)
  expect(String(warn.mock.calls[0]?.[0])).toMatch(/bytes are buffered .*: await drain\(\)/)
  writer.abort()
})

test('writing after writeEof is an error, and no bytes are', () => {
  const writer = StreamWriter.to(new PassThrough())
  expect(() => writer.write(3 as never)).toThrow(TypeError)
  expect(() => StreamWriter.to(3 as never)).toThrow(TypeError)
  writer.writeEof()
  expect(() => writer.write('x')).toThrow(RuntimeError)
  writer.abort()
})

test('options that are none are refused at once', () => {
  const writer = StreamWriter.to(new PassThrough())
  const flow = new FlowControl()
  const waits = [
    (options: never) => writer.drain(options),
    (options: never) => writer.waitClosed(options),
    (options: never) => writer.startTls({}, options),
    (options: never) => flow.drain(options),
    (options: never) => flow.waitClosed(options),
  ]
  for (const wait of waits) {
    expect(() => wait(null as never)).toThrow(
      new TypeError('the options must be an object, got null'),
    )
    expect(() => wait({ signal: 'x' } as never)).toThrow(
      new TypeError('the option signal must be an AbortSignal, got string x'),
    )
  }
  writer.abort()
})

test('a web stream is written with backpressure', () =>
  run(async () => {
    const go = new Future<void>()
    let taken = 0
    const sink = new WritableStream<Uint8Array>({
      async write(chunk) {
        await go
        taken += chunk.length
      },
    })
    const writer = StreamWriter.to(sink)
    writer.writeLines(['text ', Buffer.alloc(100_000)])
    const draining = createTask(() => writer.drain())
    await sleep(0)
    expect(draining.done()).toBe(false)
    go.setResult()
    await draining
    await writer[Symbol.asyncDispose]()
    expect(taken).toBe(100_005)
  }))

test('a sink that is not a socket cannot start TLS', () =>
  expect(StreamWriter.to(new PassThrough()).startTls({})).rejects.toBeInstanceOf(RuntimeError))

test('a writer whose sink keeps up lets timers and I/O in', () =>
  run(async () => {
    const writer = StreamWriter.to(new Writable({ write: (_chunk, _encoding, done) => done() }))
    const struck = new Future<void>()
    getRunningLoop().callLater(1, () => struck.setResult())
    let drains = 0
    for (; !struck.done() && drains < 300_000; drains++) {
      writer.write('x')
      await writer.drain()
    }
    expect(struck.done()).toBe(true)
    await writer[Symbol.asyncDispose]()
  }))
