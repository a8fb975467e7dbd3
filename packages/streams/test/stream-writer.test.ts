import { createWriteStream, existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import {
  CancelledError,
  createTask,
  Future,
  getRunningLoop,
  isCancelled,
  run,
  RuntimeError,
  sleep,
  wait,
} from '@tasktree/core'
import {
  ConnectionResetError,
  copy,
  FlowControl,
  OSError,
  StreamReader,
  StreamWriter,
} from '@tasktree/streams'
import { describe, expect, test, vi } from 'vitest'
import { thrown } from '../../../vitest.thrown.ts'

test('drain waits for a slow sink, and a cancelled drain leaves no listener behind', () =>
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

test('a waiting drain throws the error of the sink, and so does waitClosed', () =>
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
    await expect(writer.drain()).rejects.toThrow('disk full')
  }))

test('drain throws the error of a failed sink even before Node emits the error', () =>
  run(async () => {
    const closed = new Future<void>()
    const sink = new Writable({
      write: (_chunk, _encoding, callback) => callback(),
      // This sink acts like a file, which is closed before its error is emitted.
      destroy: (error, callback) => closed.addDoneCallback(() => callback(error)),
    })
    const writer = StreamWriter.to(sink)
    const failure = new Error('disk full')
    sink.destroy(failure)
    writer.write('lost')
    await expect(writer.drain()).rejects.toBe(failure)
    closed.setResult()
    await expect(writer.drain()).rejects.toBe(failure)
    await expect(writer.waitClosed()).rejects.toBe(failure)
  }))

test('each drain throws the same OSError after a system error of the sink, before and after Node emits the error', () =>
  run(async () => {
    const closed = new Future<void>()
    const sink = new Writable({
      write: (_chunk, _encoding, callback) => callback(),
      destroy: (error, callback) => closed.addDoneCallback(() => callback(error)),
    })
    const writer = StreamWriter.to(sink)
    const system = { code: 'ENOSPC', errno: -28, syscall: 'write' }
    sink.destroy(Object.assign(new Error('no space left on device'), system))
    writer.write('lost')
    const error = await thrown(writer.drain())
    expect(error).toMatchObject({ name: 'OSError', ...system })
    await expect(writer.drain()).rejects.toBe(error)
    closed.setResult()
    await expect(writer.waitClosed()).rejects.toBe(error)
    await expect(writer.drain()).rejects.toBe(error)
  }))

describe('an error of the sink that is not about a connection', () => {
  const full = '/dev/full'

  /** Writes and drains until the drain throws. Returns the error. */
  async function fill(writer: StreamWriter): Promise<unknown> {
    for (;;) {
      writer.write('x\n')
      try {
        await writer.drain()
      } catch (error) {
        return error
      }
      await sleep(1)
    }
  }

  test.skipIf(!existsSync(full))('is thrown by drain, as it is by pipeline of Node', () =>
    run(async () => {
      const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
      const control: unknown = await pipeline(['x\n'], createWriteStream(full)).catch(
        (error: unknown) => error,
      )
      const { code, errno, syscall } = control as NodeJS.ErrnoException
      expect(code).toBe('ENOSPC')
      const writer = StreamWriter.to(createWriteStream(full))
      const error = await fill(writer)
      expect(error).toBeInstanceOf(OSError)
      expect(error).toMatchObject({ name: 'OSError', code, errno, syscall })
      await expect(writer.drain()).rejects.toBe(error)
      await expect(writer.waitClosed()).rejects.toBe(error)
      await expect(copy(StreamReader.from(Readable.from(['x'])), writer)).rejects.toBe(error)
      expect(warn).not.toHaveBeenCalled()
    }),
  )

  test('has the path of the file that could not be opened', () =>
    run(async () => {
      const path = join(tmpdir(), 'no such folder', 'file')
      const error = await fill(StreamWriter.to(createWriteStream(path)))
      expect(error).toMatchObject({ name: 'OSError', code: 'ENOENT', syscall: 'open', path })
    }))

  test('of a web stream is thrown by drain as it is', () =>
    run(async () => {
      const failure = new RangeError('quota')
      const sink = new WritableStream({ write: () => Promise.reject(failure) })
      expect(await fill(StreamWriter.to(sink))).toBe(failure)
    }))

  test.each([
    ['EPIPE', Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })],
    ['ECONNRESET', Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })],
    ['ETIMEDOUT', Object.assign(new Error('read ETIMEDOUT'), { code: 'ETIMEDOUT' })],
    ['EHOSTUNREACH', Object.assign(new Error('read EHOSTUNREACH'), { code: 'EHOSTUNREACH' })],
    ['the end of the stream', undefined],
    ['a cancel of other code', new CancelledError('enough')],
  ])(
    'control: a sink that fails with %s makes drain throw a ConnectionResetError',
    (_name, failure) =>
      run(async () => {
        const sink = new PassThrough()
        const writer = StreamWriter.to(sink)
        sink.destroy(failure)
        await writer.waitClosed().catch(() => {})
        const error: unknown = await writer.drain().catch((reason: unknown) => reason)
        expect(error).toBeInstanceOf(ConnectionResetError)
        expect(isCancelled(error)).toBe(false)
        const { cause } = error as Error
        if (failure !== undefined) expect([cause, (cause as Error).cause]).toContain(failure)
      }),
  )
})

describe('writes after the close of a StreamWriter', () => {
  function closed(): StreamWriter {
    const writer = StreamWriter.to(new PassThrough())
    writer.abort()
    return writer
  }

  test('by code that drains after each batch cause no warning', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const writer = closed()
    for (let batch = 0; batch < 20; batch++) {
      for (let i = 0; i < 100; i++) writer.write('x')
      await expect(writer.drain()).rejects.toBeInstanceOf(ConnectionResetError)
    }
    expect(warn).not.toHaveBeenCalled()
  })

  test('by code that never drains cause one warning', () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const writer = closed()
    for (let i = 0; i < 1_000; i++) writer.write('x')
    expect(warn).toHaveBeenCalledTimes(1)
    expect(String(warn.mock.calls[0]?.[0])).toMatch(/closed stream.*await drain\(\)/)
  })
})

test('code that writes without a drain gets one warning about the buffered bytes', () => {
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const writer = StreamWriter.to(new PassThrough())
  for (let i = 0; i < 100; i++) writer.write(Buffer.alloc(65_536))
  expect(warn).toHaveBeenCalledTimes(1)
  expect(String(warn.mock.calls[0]?.[0])).toMatch(/bytes are buffered .*: await drain\(\)/)
  writer.abort()
})

test('write after writeEof throws, and so does a write of a number', () => {
  const writer = StreamWriter.to(new PassThrough())
  expect(() => writer.write(3 as never)).toThrow(TypeError)
  expect(() => StreamWriter.to(3 as never)).toThrow(TypeError)
  writer.writeEof()
  expect(() => writer.write('x')).toThrow(RuntimeError)
  writer.abort()
})

test('StreamWriter and FlowControl refuse wrong options at the call', () => {
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

test('StreamWriter writes to a web stream with backpressure', () =>
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

test('startTls rejects if the sink is not a socket', () =>
  expect(StreamWriter.to(new PassThrough()).startTls({})).rejects.toBeInstanceOf(RuntimeError))

test('a loop of drains on a fast sink lets a timer fire', () =>
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
