import { PassThrough, Writable } from 'node:stream'
import { run, sleep, timeout } from '@tasktree/core'
import { copy, StreamReader, StreamWriter } from '@tasktree/streams'
import { expect, test } from 'vitest'

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

test('drain after writeEof ends when the sink has taken all bytes', () =>
  run(async () => {
    let taken = 0
    const sink = new Writable({
      write(chunk: Buffer, _, done) {
        taken += chunk.length
        setTimeout(done, 1)
      },
    })
    const writer = StreamWriter.to(sink)
    for (let i = 0; i < 5; i++) writer.write(Buffer.alloc(50_000))
    writer.writeEof()
    await timeout(1000, () => writer.drain())
    expect(taken).toBe(250_000)
    writer.close()
    await timeout(1000, () => writer.waitClosed())
  }))

test('drain ends even if the write buffer limits are lowered after writeEof', () =>
  run(async () => {
    const sink = new PassThrough()
    const writer = StreamWriter.to(sink)
    writer.write(Buffer.alloc(30_000))
    writer.writeEof()
    writer.transport.setWriteBufferLimits({ high: 10 })
    sink.resume()
    await timeout(1000, () => writer.drain())
    writer.abort()
  }))

test('writeEof followed by close sends all bytes to a web stream and closes it', () =>
  run(async () => {
    const written: string[] = []
    const writer = StreamWriter.to(
      new WritableStream({
        async write(chunk: Uint8Array) {
          await pause(2)
          written.push(String(Buffer.from(chunk)))
        },
      }),
    )
    writer.write('abc')
    writer.writeEof()
    writer.writeEof()
    writer.close()
    await timeout(1000, () => writer.waitClosed())
    expect(written).toEqual(['abc'])
  }))

test('waitClosed does not throw after abort() of a web stream, with or without a write before', () =>
  run(async () => {
    for (const isWritten of [true, false]) {
      let reason: unknown = 'none'
      const writer = StreamWriter.to(
        new WritableStream({
          write: () => pause(5),
          abort(given) {
            reason = given
          },
        }),
      )
      if (isWritten) for (let i = 0; i < 3; i++) writer.write('abc')
      await sleep(0)
      writer.abort()
      await timeout(1000, () => writer.waitClosed())
      expect(reason).toBe(undefined)
    }
  }))

test('waitClosed throws the error of a web stream that fails in a write or in its close', () =>
  run(async () => {
    const failure = new Error('disk full')
    const fail = (): Promise<never> => Promise.reject(failure)
    for (const sink of [{ write: fail }, { close: fail }]) {
      const writer = StreamWriter.to(new WritableStream(sink))
      writer.write('abc')
      writer.close()
      await expect(timeout(1000, () => writer.waitClosed())).rejects.toBe(failure)
    }
  }))

test('waitClosed throws the error of the last write to a Node stream, even after close()', () =>
  run(async () => {
    const failure = new Error('disk full')
    const writer = StreamWriter.to(
      new Writable({ write: (_chunk, _encoding, done) => void setTimeout(done, 1, failure) }),
    )
    writer.write('abc')
    writer.close()
    await expect(timeout(1000, () => writer.waitClosed())).rejects.toBe(failure)
  }))

test('copy accepts a reader with any limit', () =>
  run(async () => {
    for (const limit of [1, 65_536, Infinity]) {
      const source = new PassThrough().end('hello')
      const sink = new PassThrough().resume()
      expect(await copy(StreamReader.from(source, { limit }), StreamWriter.to(sink))).toBe(5)
    }
  }))
