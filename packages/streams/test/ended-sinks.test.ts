/** Tests sinks that other code has ended, closed or destroyed without the StreamWriter. */
import { once } from 'node:events'
import { Duplex, PassThrough, Writable } from 'node:stream'
import { run, sleep, timeout } from '@tasktree/core'
import { ConnectionResetError, StreamWriter } from '@tasktree/streams'
import { describe, expect, test } from 'vitest'
import { thrown } from '../../../vitest.thrown.ts'

/** Makes a sink that takes a while for each chunk, and a function that returns the text that it has taken. */
function slowSink(options: object = {}): { sink: Writable; taken: () => string } {
  let taken = ''
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      taken += String(chunk)
      setTimeout(done, 1)
    },
    ...options,
  })
  return { sink, taken: () => taken }
}

const ends: Record<string, (sink: Writable) => unknown> = {
  'was ended': (sink) => sink.end(),
  'was ended and has finished': async (sink) => {
    sink.end()
    await once(sink, 'finish')
  },
  'was ended and has closed': async (sink) => {
    sink.end()
    await once(sink, 'close')
  },
  'was ended with bytes that it has not sent': (sink) => sink.end('last'),
  'was destroyed': (sink) => sink.destroy(),
  'was destroyed and has closed': async (sink) => {
    sink.destroy()
    await once(sink, 'close')
  },
}
const sinks: Record<string, () => Writable> = {
  'a Writable': () => slowSink().sink,
  'a Writable in object mode': () => slowSink({ objectMode: true }).sink,
  'a Duplex': () =>
    new Duplex({
      read() {
        this.push(null)
      },
      write: (_chunk, _encoding, done) => done(),
    }).resume(),
  'a PassThrough': () => new PassThrough().resume(),
}

/** Writes, and expects that `drain` and `waitClosed` throw because of the lost bytes, and do not wait for ever. */
async function checkLoss(writer: StreamWriter): Promise<void> {
  writer.write('lost')
  expect(await thrown(writer.drain())).toBeInstanceOf(ConnectionResetError)
  writer.close()
  expect(await thrown(timeout(10_000, () => writer.waitClosed()))).toBeInstanceOf(
    ConnectionResetError,
  )
}

describe.each(Object.entries(sinks))('%s', (_name, make) => {
  test.each(Object.entries(ends))(
    'that %s before it got a writer makes drain and waitClosed throw after a write',
    (_end, end) =>
      run(async () => {
        const sink = make()
        await end(sink)
        await checkLoss(StreamWriter.to(sink))
      }),
  )

  test.each(Object.entries(ends))(
    'that %s after it got a writer makes drain and waitClosed throw after a write',
    (_end, end) =>
      run(async () => {
        const sink = make()
        const writer = StreamWriter.to(sink)
        await end(sink)
        await checkLoss(writer)
      }),
  )

  test.each(Object.entries(ends))(
    'that %s makes the disposal of the writer throw after a write',
    (_end, end) =>
      run(async () => {
        const sink = make()
        await end(sink)
        const writer = StreamWriter.to(sink)
        writer.write('lost')
        expect(await thrown(timeout(10_000, () => writer[Symbol.asyncDispose]()))).toBeInstanceOf(
          ConnectionResetError,
        )
      }),
  )

  test('that has ended lets the writer close without an error if nothing was written', () =>
    run(async () => {
      const sink = make()
      sink.end()
      const writer = StreamWriter.to(sink)
      await writer.drain()
      writer.close()
      await timeout(10_000, () => writer.waitClosed())
    }))
})

test('bytes that were written before other code ended the sink arrive', () =>
  run(async () => {
    const { sink, taken } = slowSink()
    const writer = StreamWriter.to(sink)
    for (let i = 0; i < 5; i++) writer.write(`${i}`)
    sink.end('end')
    writer.write('lost')
    expect(await thrown(writer.drain())).toBeInstanceOf(ConnectionResetError)
    expect(await thrown(writer.waitClosed())).toBeInstanceOf(ConnectionResetError)
    expect(taken()).toBe('01234end')
  }))

test('waitClosed throws if other code has destroyed the sink before it took all bytes', () =>
  run(async () => {
    const { sink } = slowSink()
    const writer = StreamWriter.to(sink)
    writer.write('lost')
    writer.write('lost too')
    sink.destroy()
    writer.close()
    expect(await thrown(writer.waitClosed())).toBeInstanceOf(ConnectionResetError)
  }))

describe.each([true, false])(
  'a Writable with emitClose: %s that other code destroys',
  (emitClose) => {
    const until: Record<string, (sink: Writable, writer: StreamWriter) => Promise<unknown>> = {
      'before the wait': async (sink, writer) => {
        sink.destroy()
        await sleep(1)
        return writer.waitClosed()
      },
      'in the turn of the wait': async (sink, writer) => {
        sink.destroy()
        return writer.waitClosed()
      },
      'in the wait': async (sink, writer) => {
        const closed = writer.waitClosed()
        await sleep(1)
        sink.destroy()
        return closed
      },
      'after the close of the writer': async (sink, writer) => {
        writer.close()
        sink.destroy()
        return writer.waitClosed()
      },
    }

    test.each(Object.entries(until))(
      '%s lets waitClosed end without an error if the sink has taken all bytes',
      (_when, wait) =>
        run(async () => {
          const sink = new Writable({ emitClose, write: (_chunk, _encoding, done) => done() })
          const writer = StreamWriter.to(sink)
          writer.write('taken')
          await timeout(10_000, () => wait(sink, writer))
          expect(await thrown(writer.drain())).toBeInstanceOf(ConnectionResetError)
        }),
    )

    test.each(Object.entries(until))(
      '%s makes waitClosed throw if the sink has not taken all bytes',
      (_when, wait) =>
        run(async () => {
          const busy = (): Writable => new Writable({ emitClose, write: () => {} })
          // The first write to this sink waits until the sink is open.
          const unopened = (): Writable =>
            new Writable({
              emitClose,
              construct: (done) => setTimeout(done, 5),
              write: (_chunk, _encoding, done) => done(),
            })
          const objects = (): Writable =>
            new Writable({ emitClose, objectMode: true, write: () => {} })
          for (const make of [busy, unopened, objects]) {
            const sink = make()
            const writer = StreamWriter.to(sink)
            writer.write('lost')
            const closed = timeout(10_000, () => wait(sink, writer))
            expect(await thrown(closed)).toBeInstanceOf(ConnectionResetError)
          }
        }),
    )

    test('with an error makes waitClosed throw this error', () =>
      run(async () => {
        const sink = new Writable({ emitClose, write: (_chunk, _encoding, done) => done() })
        const closed = StreamWriter.to(sink).waitClosed()
        const failure = new Error('the disk is gone')
        sink.destroy(failure)
        expect(await thrown(timeout(10_000, () => closed))).toBe(failure)
      }))

    test('makes a waiting drain throw', () =>
      run(async () => {
        const sink = new Writable({ emitClose, write: () => {} })
        const writer = StreamWriter.to(sink)
        writer.write(Buffer.alloc(100_000))
        const drained = writer.drain()
        await sleep(1)
        sink.destroy()
        expect(await thrown(timeout(10_000, () => drained))).toBeInstanceOf(ConnectionResetError)
      }))

    test('after the abort of its writer lets waitClosed end', () =>
      run(async () => {
        const writer = StreamWriter.to(new Writable({ emitClose, write: () => {} }))
        writer.write('given up')
        writer.abort()
        await timeout(10_000, () => writer.waitClosed())
      }))
  },
)

test('the stack on which a sink with emitClose: false is destroyed does not grow with its writers', () =>
  run(async () => {
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = Infinity
    const depth = (): number => String(new Error('here').stack).split('\n').length
    const grown: number[] = []
    try {
      for (const length of [1, 50]) {
        let before = 0
        const sink = new Writable({
          emitClose: false,
          write: (_chunk, _encoding, done) => done(),
          destroy(error, done) {
            grown.push(depth() - before)
            done(error)
          },
        }).setMaxListeners(Infinity)
        const writers = Array.from({ length }, () => StreamWriter.to(sink))
        before = depth()
        sink.destroy()
        for (const writer of writers) await writer.waitClosed()
      }
    } finally {
      Error.stackTraceLimit = stackTraceLimit
    }
    expect(grown[1]).toBe(grown[0])
  }))

describe('a WritableStream', () => {
  const webEnds: Record<string, (sink: WritableStream) => unknown> = {
    'was closed': (sink) => sink.close(),
    'is being closed': (sink) => void sink.close(),
    'was aborted': (sink) => sink.abort(),
  }

  test.each(Object.entries(webEnds))(
    'that %s makes drain and waitClosed throw after a write',
    (_end, end) =>
      run(async () => {
        const sink = new WritableStream<Uint8Array>({ close: () => sleep(2) })
        await end(sink)
        const writer = StreamWriter.to(sink)
        writer.write('lost')
        expect(await thrown(writer.drain())).toBeInstanceOf(Error)
        writer.close()
        expect(await thrown(timeout(10_000, () => writer.waitClosed()))).toBeInstanceOf(Error)
      }),
  )

  test.each(Object.entries(webEnds))(
    'that %s makes the disposal of the writer throw after a write',
    (_end, end) =>
      run(async () => {
        const sink = new WritableStream<Uint8Array>({ close: () => sleep(2) })
        await end(sink)
        const writer = StreamWriter.to(sink)
        writer.write('lost')
        expect(await thrown(timeout(10_000, () => writer[Symbol.asyncDispose]()))).toBeInstanceOf(
          Error,
        )
      }),
  )

  test('that is being closed lets the writer close without an error if nothing was written', () =>
    run(async () => {
      const sink = new WritableStream<Uint8Array>({ close: () => sleep(2) })
      void sink.close()
      const writer = StreamWriter.to(sink)
      writer.close()
      await timeout(10_000, () => writer.waitClosed())
    }))
})
