import { PassThrough, Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import {
  cancelScope,
  createTask,
  Future,
  getRunningLoop,
  run,
  RuntimeError,
  sleep,
  timeout,
} from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { StreamReader } from '@tasktree/streams'
import { expect, test } from 'vitest'

const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** A source that closes some time after it was destroyed, with `failure` if there is one. */
class SlowSource extends Readable {
  readonly #failure: Error | null

  constructor(failure: Error | null = null) {
    super({ read() {} })
    this.#failure = failure
  }

  override _destroy(_error: Error | null, done: (error: Error | null) => void): void {
    setTimeout(done, 5, this.#failure)
  }
}

test('StreamReader.from reads a source that the program has paused', () =>
  run(async () => {
    const paused = (): PassThrough => new PassThrough().end('a\nb\n').pause()
    let control = ''
    for await (const chunk of paused()) control += String(chunk)
    expect(control).toBe('a\nb\n')
    const reader = StreamReader.from(paused())
    expect(String(await timeout(1000, () => reader.read()))).toBe(control)
  }))

test('the cancel of one of two callers of StreamReader.close ends only the wait of this caller', () =>
  run(async () => {
    const gate = Promise.withResolvers<null>()
    const source = new Readable({
      read() {},
      destroy: (_error, done) => void gate.promise.then(done),
    })
    const reader = StreamReader.from(source)
    const first = createTask(() => reader.close())
    const second = createTask(() => reader.close())
    await sleep(0)
    first.cancel()
    await sleep(0)
    expect(first.cancelled()).toBe(true)
    gate.resolve(null)
    await timeout(1000, () => second)
    expect(source.closed).toBe(true)
    await timeout(1000, () => reader.close())
  }))

test('StreamReader.close closes an iterable fully even if its task is cancelled', () =>
  run(async () => {
    const steps: string[] = []
    const never = new Future<void>()
    const reader = StreamReader.from(
      (async function* () {
        try {
          yield Buffer.from('x')
          await never
        } finally {
          await sleep(2)
          steps.push('cleaned up')
        }
      })(),
    )
    await sleep(1)
    const closing = createTask(() => reader.close())
    await sleep(0)
    closing.cancel()
    await timeout(1000, () => reader.close())
    expect(steps).toEqual(['cleaned up'])
  }))

test('the disposal of a StreamReader in a cancelled scope waits until the source has closed', () =>
  run(async () => {
    const source = new SlowSource()
    await cancelScope(async (scope) => {
      await using _ = StreamReader.from(source)
      scope.cancel()
    })
    expect(source.closed).toBe(true)
  }))

test('the disposal of a StreamReader in a cancelled scope waits at most 5 seconds for the source', () =>
  runVirtual(async () => {
    const start = getRunningLoop().time()
    const stuck = new Readable({ read() {}, destroy() {} })
    await cancelScope(async (scope) => {
      await using _ = StreamReader.from(stuck)
      scope.cancel()
    })
    expect([stuck.destroyed, stuck.closed]).toEqual([true, false])
    expect(getRunningLoop().time() - start).toBe(5000)
  }))

test('StreamReader.close throws an error of the closing, but not an error that a read has thrown before', () =>
  run(async () => {
    const failure = new Error('the descriptor is bad')
    await expect(StreamReader.from(new SlowSource(failure)).close()).rejects.toBe(failure)
    const web = new ReadableStream({ cancel: () => Promise.reject(failure) })
    await expect(StreamReader.from(web).close()).rejects.toBe(failure)
    const broken = new Readable({ read() {} })
    const reader = StreamReader.from(broken)
    broken.destroy(failure)
    await expect(reader.read()).rejects.toBe(failure)
    await timeout(1000, () => reader.close())
  }))

test('StreamReader.close ends for a source that emits no close event or has closed before', () =>
  run(async () => {
    const mute = new Readable({ read() {}, emitClose: false })
    await timeout(1000, () => StreamReader.from(mute).close())
    expect(mute.destroyed).toBe(true)
    const ended = Readable.from(['x'])
    const reader = StreamReader.from(ended)
    expect(String(await reader.read())).toBe('x')
    await finished(ended).catch(() => {})
    await later(1)
    await timeout(1000, () => reader.close())
    const kept = new Readable({ read() {}, autoDestroy: false })
    kept.push('x')
    kept.push(null)
    const keeper = StreamReader.from(kept)
    expect(String(await keeper.read())).toBe('x')
    await timeout(1000, () => keeper.close())
    expect(kept.destroyed).toBe(true)
  }))

test.each([true, false])(
  'StreamReader.close waits for a source with emitClose: %s that closes slowly, even if other code destroyed it',
  (emitClose) =>
    run(async () => {
      for (const isDestroyed of [false, true]) {
        for (const failure of [null, new Error('the descriptor is bad')]) {
          const source = new Readable({
            read() {},
            emitClose,
            destroy: (_error, done) => void later(2).then(() => done(failure)),
          })
          const reader = StreamReader.from(source)
          if (isDestroyed) source.destroy()
          const closed = timeout(1000, () => reader.close())
          if (failure === null) await closed
          else await expect(closed).rejects.toBe(failure)
          expect(source.closed).toBe(true)
        }
      }
    }),
)

test.each([true, false])(
  'a read ends with an error when other code destroys its source with emitClose: %s',
  (emitClose) =>
    run(async () => {
      for (const error of [undefined, new Error('the disk is gone')]) {
        const source = new Readable({ read() {}, emitClose })
        const reader = StreamReader.from(source)
        const read = reader.read()
        await later(1)
        source.destroy(error)
        const failure = error ?? { code: 'ERR_STREAM_PREMATURE_CLOSE' }
        await expect(timeout(1000, () => read)).rejects.toMatchObject(failure)
        await timeout(1000, () => reader.close())
      }
    }),
)

test.each(['read', 'readLine', 'readInto'] as const)(
  'a %s that was woken when its reader is closed throws, and does not take the close for the end',
  (what) =>
    run(async () => {
      const reader = new StreamReader()
      const reading = createTask<unknown>(() =>
        what === 'readLine'
          ? reader.readLine()
          : what === 'read'
            ? reader.read(9)
            : reader.readInto(Buffer.alloc(9)),
      )
      await sleep(0)
      reader.feedData('abc')
      reader.feedEof()
      const closing = reader.close()
      await expect(reading).rejects.toBeInstanceOf(RuntimeError)
      expect(reader.atEof()).toBe(false)
      await closing
    }),
)

test('close() of a StreamReader that was read to its end leaves atEof() true', () =>
  run(async () => {
    const reader = new StreamReader()
    reader.feedEof()
    const reading = createTask(() => reader.read(9))
    await reading
    await reader.close()
    expect(reader.atEof()).toBe(true)
  }))
