import { Writable } from 'node:stream'
import { createTask, run, sleep, type Task } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { StreamReader, StreamWriter } from '@tasktree/streams'
import { describe, expect, test } from 'vitest'
import { sweepLevelCancel } from '../../core/test/support/level-sweep.ts'

interface Fed {
  readonly reader: StreamReader
  readonly feeding: Task
}

const reads: Record<string, (reader: StreamReader) => Promise<unknown>> = {
  read: (reader) => reader.read(),
  'read of a number': async (reader) => {
    for (;;) await reader.read(1)
  },
  readExactly: (reader) => reader.readExactly(6),
  readLine: (reader) => reader.readLine(),
  readUntil: (reader) => reader.readUntil('end'),
  'a loop over the lines': async (reader) => {
    for await (const _ of reader.lines()) await sleep(0)
  },
}

test.each(Object.keys(reads))(
  '%s: a scope that is cancelled at any turn ends it, and the reader can be read afterwards',
  async (name) => {
    const cancels = await runVirtual(() =>
      sweepLevelCancel<Fed>({
        prepare: () => {
          const reader = new StreamReader()
          const feeding = createTask(async () => {
            for (let i = 0; i < 5; i++) {
              await sleep(0)
              reader.feedData('x')
            }
          })
          return { reader, feeding }
        },
        operate: ({ reader }) =>
          (reads[name] as (reader: StreamReader) => Promise<unknown>)(reader),
        after: async ({ reader, feeding }) => {
          await feeding
          reader.feedData('last')
          reader.feedEof()
          expect((await reader.read()).toString()).toMatch(/last$/)
        },
        moments: 12,
      }),
    )
    expect(cancels).toBeGreaterThan(0)
  },
)

/** A sink that takes its bytes slowly, and closes some time after it was ended or destroyed. */
class SlowSink extends Writable {
  constructor() {
    super({ highWaterMark: 1_000 })
  }

  override _write(_chunk: Buffer, _encoding: string, done: () => void): void {
    setTimeout(done, 8)
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    setTimeout(() => done(error), 5)
  }
}

const chunk = Buffer.alloc(100_000)
const writes: Record<string, (writer: StreamWriter) => Promise<unknown>> = {
  drain: async (writer) => {
    await using _ = writer
    for (let i = 0; i < 4; i++) {
      writer.write(chunk)
      await writer.drain()
    }
  },
  waitClosed: async (writer) => {
    await using _ = writer
    writer.write(chunk)
    writer.close()
    await writer.waitClosed()
  },
  disposal: async (writer) => {
    await using _ = writer
    writer.write(chunk)
  },
}
const moment = (i: number): Promise<void> => sleep(i < 4 ? 0 : 4).then(() => {})

describe('a scope that is cancelled at any turn ends when the sink has closed, when its body waits in', () => {
  test.each(Object.keys(writes))('%s', { tags: ['slow'], timeout: 60_000 }, (name) =>
    run(async () => {
      const cancels = await sweepLevelCancel<SlowSink>({
        prepare: () => new SlowSink(),
        operate: (sink) =>
          (writes[name] as (writer: StreamWriter) => Promise<unknown>)(StreamWriter.to(sink)),
        after: (sink) => expect(sink.closed).toBe(true),
        moment,
        moments: 20,
        grace: 4_000,
      })
      expect(cancels).toBeGreaterThan(0)
    }),
  )

  test('a disposal, and after five seconds even if the sink never closes', () =>
    runVirtual(async () => {
      class Stuck extends Writable {
        override _destroy(): void {}
      }
      const cancels = await sweepLevelCancel({
        operate: async () => {
          await using writer = StreamWriter.to(new Stuck({ emitClose: false }))
          await writer.waitClosed()
        },
        grace: 5_000,
        moments: 3,
      })
      expect(cancels).toBe(3)
    }))
})
