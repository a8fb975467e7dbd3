import { Transform, Writable } from 'node:stream'
import {
  CancelledError,
  createTask,
  Future,
  isCancelled,
  moveOnAfter,
  run,
  sleep,
  type Task,
  timeout,
} from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { ConnectionResetError, FlowControl, StreamWriter } from '@tasktree/streams'
import { afterEach, describe, expect, test, vi } from 'vitest'

afterEach(() => {
  vi.restoreAllMocks()
})

const large = Buffer.alloc(100_000)

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await foreign(1)
}

const foreign = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

test.each([false, true])(
  'StreamWriter.drain after several writes throws the error of the sink; object mode: %s',
  (objectMode) =>
    run(async () => {
      for (const writes of [1, 2, 3]) {
        const failure = new Error('disk full')
        const failed = new Future<void>()
        const writer = StreamWriter.to(
          new Writable({
            objectMode,
            write: (_chunk, _encoding, done) => failed.addDoneCallback(() => done(failure)),
          }),
        )
        for (let i = 0; i < writes; i++) writer.write(large)
        const draining = createTask(() => writer.drain())
        await sleep(0)
        failed.setResult()
        await expect(timeout(1000, () => draining)).rejects.toBe(failure)
      }
    }),
)

describe.each([
  ['real', run],
  ['virtual', runVirtual],
] as const)('in %s time', (_name, runIn) => {
  test.each([false, true])(
    'StreamWriter.drain right after a write that fails at once throws the error, even before the sink has closed; object mode: %s',
    (objectMode) =>
      runIn(async () => {
        for (const size of [1, 100_000]) {
          for (const close of [undefined, () => {}]) {
            const failure = new Error('disk full')
            const sink = new Writable({
              objectMode,
              write: (_chunk, _encoding, done) => done(failure),
              ...(close === undefined ? {} : { destroy: close }),
            })
            const writer = StreamWriter.to(sink)
            writer.write(Buffer.alloc(size))
            await expect(timeout(1000, () => writer.drain())).rejects.toBe(failure)
          }
        }
      }),
  )

  test('StreamWriter.drain right after a write to a web stream that has failed throws the error', () =>
    runIn(async () => {
      const failure = new Error('disk full')
      let fail = (): void => {}
      const writer = StreamWriter.to(
        new WritableStream({
          start: (controller) => void (fail = () => controller.error(failure)),
        }),
      )
      writer.write('taken')
      await writer.drain()
      await foreign(1)
      fail()
      writer.write('lost')
      await expect(writer.drain()).rejects.toBe(failure)
    }))
})

test('StreamWriter.drain right after an abort throws, even if the sink has not closed yet', () =>
  run(async () => {
    for (const size of [0, 1, 100_000]) {
      const sinks = [
        new Writable({ write: () => {}, destroy: () => {} }),
        new WritableStream({ write: () => new Promise(() => {}) }),
      ]
      for (const sink of sinks) {
        const writer = StreamWriter.to(sink)
        writer.write(Buffer.alloc(size))
        writer.abort()
        const drained = timeout(1000, () => writer.drain())
        await expect(drained).rejects.toBeInstanceOf(ConnectionResetError)
      }
    }
  }))

test('StreamWriter.drain after a write to a destroyed sink throws even if the sink has no property errored', () =>
  run(async () => {
    const sink = new Writable({ write: (_chunk, _encoding, done) => done() })
    // The Writable of the package readable-stream has no such property.
    Object.defineProperty(sink, 'errored', { value: undefined })
    const writer = StreamWriter.to(sink)
    sink.destroy()
    writer.write('lost')
    await expect(writer.drain()).rejects.toBeInstanceOf(ConnectionResetError)
  }))

test('StreamWriter writes to a sink in object mode with backpressure', () =>
  run(async () => {
    let taken = 0
    let take: (() => void) | null = null
    const sink = new Transform({
      writableObjectMode: true,
      transform(chunk: Buffer, _encoding, done) {
        taken += chunk.length
        take = done
      },
    })
    const writer = StreamWriter.to(sink)
    let written = 0
    const writing = createTask(async () => {
      for (; written < 100; written++) {
        writer.write(Buffer.alloc(10_000))
        await writer.drain()
      }
    })
    await foreign(5)
    expect(writing.done()).toBe(false)
    expect(writer.transport.getWriteBufferSize()).toBe(10_000 * (written + 1))
    expect(written).toBeLessThan(10)
    const takeUntil = async (task: Task): Promise<void> => {
      while (!task.done()) {
        take?.()
        await foreign(0)
      }
    }
    await takeUntil(writing)
    writer.writeEof()
    await takeUntil(createTask(() => writer.drain()))
    await takeUntil(createTask(() => until(() => taken === 1_000_000)))
    expect(taken).toBe(1_000_000)
    writer.abort()
  }))

test('drain and waitClosed throw a ConnectionResetError if the sink fails with a CancelledError', () =>
  run(async () => {
    const sinks = [
      (work: Future<void>) => new WritableStream({ write: async () => work }),
      (work: Future<void>) =>
        new Writable({
          write: (_chunk, _encoding, done) =>
            void work.then(
              () => done(),
              (error: unknown) => done(error as Error),
            ),
        }),
    ]
    for (const make of sinks) {
      const work = new Future<void>()
      const writer = StreamWriter.to(make(work))
      writer.write(large)
      const waits = [() => writer.drain(), () => writer.waitClosed()].map((wait) =>
        createTask(async () => wait().catch((error: unknown) => error)),
      )
      await sleep(1)
      work.cancel()
      for (const wait of waits) {
        const error = await timeout(1000, () => wait)
        expect(error).toBeInstanceOf(ConnectionResetError)
        expect(isCancelled((error as Error).cause)).toBe(true)
      }
      const later = await writer.waitClosed().catch((error: unknown) => error)
      expect(later).toBeInstanceOf(ConnectionResetError)
    }
    const flow = new FlowControl()
    flow.pauseWriting()
    const draining = createTask(() => flow.drain())
    await sleep(0)
    flow.connectionLost(new CancelledError('enough'))
    await expect(draining).rejects.toBeInstanceOf(ConnectionResetError)
  }))

test('an empty write after the close of a StreamWriter is no loss, but a write of bytes is', () =>
  run(async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const writer = StreamWriter.to(new Writable({ write() {} }))
    writer.write('x')
    writer.close()
    for (let i = 0; i < 1000; i++) writer.write('')
    await writer.drain()
    expect(warn).not.toHaveBeenCalled()
    writer.write('y')
    await expect(writer.drain()).rejects.toBeInstanceOf(ConnectionResetError)
    writer.abort()
  }))

test('setWriteBufferLimits refuses limits that are not numbers', () => {
  const { transport } = StreamWriter.to(new Writable())
  for (const limits of [{ high: '5' }, { low: '1' }, { high: 10n }, { high: 5, low: null }]) {
    expect(() => transport.setWriteBufferLimits(limits as never)).toThrow(TypeError)
  }
  expect(() => transport.setWriteBufferLimits(null as never)).toThrow(TypeError)
  expect(() => transport.setWriteBufferLimits({ high: 1, low: 2 })).toThrow(RangeError)
  expect(() => transport.setWriteBufferLimits({ high: Number.NaN })).toThrow(RangeError)
  transport.setWriteBufferLimits({ high: Infinity })
  expect(transport.getWriteBufferLimits()).toEqual({ high: Infinity, low: Infinity })
  transport.abort()
})

test('40 tasks that each drain after one write get no warning about buffered bytes', () =>
  run(async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const writer = StreamWriter.to(new Writable({ write() {} }))
    const flows = Array.from({ length: 40 }, () =>
      createTask(async () => {
        writer.write(large)
        await writer.drain()
      }),
    )
    await sleep(0)
    expect(warn).not.toHaveBeenCalled()
    for (let i = 0; i < 40; i++) writer.write(large)
    expect(warn).toHaveBeenCalledTimes(1)
    for (const flow of flows) flow.cancel()
    writer.abort()
  }))

test('moveOnAfter ends a loop of drains that otherwise awaits only native promises', () =>
  run(async () => {
    const writer = StreamWriter.to(new Writable({ write: (_chunk, _encoding, done) => done() }))
    let written = 0
    const { cancelled } = await moveOnAfter(20, async () => {
      for (; written < 100; written++) {
        writer.write('x')
        await writer.drain()
        await foreign(2)
      }
    })
    expect(cancelled).toBe(true)
    await writer[Symbol.asyncDispose]()
  }))
