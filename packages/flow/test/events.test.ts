import { EventEmitter } from 'node:events'
import { createTask, Future, isCancelled, sleep, timeout, TimeoutError } from '@tasktree/core'
import { EventOverflowError, on, once } from '@tasktree/flow'
import { describe, expect, test, vi } from 'vitest'
import { reports, thrown, virtual } from './support/virtual.ts'
import { cost } from '../../../vitest.cost.ts'

function listeners(source: EventEmitter): number {
  return source.eventNames().reduce((sum, name) => sum + source.listenerCount(name), 0)
}

async function take<T>(events: AsyncIterable<T>, n: number): Promise<T[]> {
  const got: T[] = []
  for await (const event of events) {
    got.push(event)
    if (got.length === n) break
  }
  return got
}

describe('on', () => {
  virtual(
    'gives the events of the source, and removes its listeners when the loop is left',
    async () => {
      const source = new EventEmitter()
      const taking = createTask(() => take(on<number>(source, 'data'), 3))
      await sleep(1)
      for (const n of [1, 2, 3, 4]) source.emit('data', n)
      expect(await taking).toEqual([1, 2, 3])
      expect(listeners(source)).toBe(0)
    },
  )

  virtual(
    'gives also the events that come before the loop begins and while its body runs',
    async () => {
      const source = new EventEmitter()
      const events = on<number>(source, 'data')
      for (const n of [1, 2, 3]) source.emit('data', n)
      const got: number[] = []
      for await (const n of events) {
        got.push(n)
        if (n === 1) source.emit('data', 4)
        await sleep(5)
        if (n === 4) break
      }
      expect(got).toEqual([1, 2, 3, 4])
    },
  )

  virtual(
    'gives several arguments of an event as an array, and no arguments as undefined',
    async () => {
      const source = new EventEmitter()
      const events = on(source, 'exit')
      source.emit('exit', 1, 'SIGTERM')
      source.emit('exit')
      expect(await take(events, 2)).toEqual([[1, 'SIGTERM'], undefined])
    },
  )

  virtual('gives the Event of an EventTarget', async () => {
    const target = new EventTarget()
    const events = on<Event>(target, 'ping')
    const event = new Event('ping')
    target.dispatchEvent(event)
    expect((await take(events, 1))[0]).toBe(event)
  })

  virtual("ends with an 'error' event of the source, after the events before it", async () => {
    const source = new EventEmitter()
    const events = on<number>(source, 'data')
    source.emit('data', 1)
    source.emit('error', new Error('broken'))
    const got: number[] = []
    const looping = async (): Promise<void> => {
      for await (const n of events) got.push(n)
    }
    expect(await thrown(looping())).toEqual(new Error('broken'))
    expect(got).toEqual([1])
    expect(listeners(source)).toBe(0)
  })

  virtual("reports an 'error' event that the loop did not come to", async () => {
    const heard = reports()
    const source = new EventEmitter()
    const events = on<number>(source, 'data')
    source.emit('data', 1)
    source.emit('error', new Error('broken'))
    await take(events, 1)
    expect(heard).toEqual([new Error('broken')])
  })

  virtual("gives the errors when it listens to 'error' itself", async () => {
    const source = new EventEmitter()
    const events = on(source, 'error')
    source.emit('error', new Error('one'))
    expect(await take(events, 1)).toEqual([new Error('one')])
  })

  virtual('removes its listeners when a cancel ends the wait for an event', async () => {
    const source = new EventEmitter()
    const taking = createTask(() => take(on(source, 'data'), 1))
    await sleep(1)
    taking.cancel()
    expect(isCancelled(await thrown(taking))).toBe(true)
    expect(listeners(source)).toBe(0)
  })

  virtual('removes its listeners and ends when it is disposed without a loop', async () => {
    const source = new EventEmitter()
    const events = on(source, 'data')
    const waiting = events.next()
    await events[Symbol.asyncDispose]()
    expect(listeners(source)).toBe(0)
    expect(await waiting).toEqual({ done: true, value: undefined })
    expect(await events.next()).toEqual({ done: true, value: undefined })
  })

  virtual('gives two waiting calls of next one event each, in order', async () => {
    const source = new EventEmitter()
    const events = on<number>(source, 'data')
    const both = Promise.all([events.next(), events.next()])
    await sleep(1)
    source.emit('data', 1)
    await sleep(1)
    source.emit('data', 2)
    expect((await both).map(({ value }) => value)).toEqual([1, 2])
    await events[Symbol.asyncDispose]()
  })

  virtual(
    'gives the events to calls of next in the order of the calls, and undefined after return',
    async () => {
      const source = new EventEmitter()
      const events = on<number>(source, 'data')
      const first = events.next()
      source.emit('data', 1)
      const second = events.next()
      source.emit('data', 2)
      expect([await first, await second].map(({ value }) => value)).toEqual([1, 2])

      const many = Array.from({ length: 4 }, () => events.next())
      for (const n of [1, 2]) source.emit('data', n)
      await sleep(1)
      source.emit('data', 3)
      await events.return()
      const got = (await Promise.all(many)).map(({ value }) => value)
      expect(got).toEqual([1, 2, undefined, undefined])
    },
  )

  virtual('wakes only one of 300 waiting calls of next for an event', async () => {
    const source = new EventEmitter()
    const events = on<number>(source, 'data')
    const n = 300
    const calls = Array.from({ length: n }, () => createTask(() => events.next()))
    const setResult = vi.spyOn(Future.prototype, 'setResult')
    try {
      await sleep(1)
      for (let i = 0; i < n; i++) {
        source.emit('data', i)
        await sleep(1)
      }
      await Promise.all(calls)
    } finally {
      // There is one call for each event and one for each sleep. If each event woke all waiting calls of `next`, there would be
      // 45,000 calls.
      expect(setResult.mock.calls.length).toBeLessThan(3 * n)
      setResult.mockRestore()
    }
  })

  describe('a full buffer', () => {
    const overflowing = async (overflow?: 'error' | 'drop-oldest' | 'drop-newest') => {
      const source = new EventEmitter()
      const events = on<number>(source, 'data', { buffer: 2, overflow })
      for (const n of [1, 2, 3, 4]) source.emit('data', n)
      return events
    }

    virtual('with overflow drop-oldest drops the oldest event', async () => {
      expect(await take(await overflowing('drop-oldest'), 2)).toEqual([3, 4])
    })

    virtual('with overflow drop-newest drops the newest event', async () => {
      expect(await take(await overflowing('drop-newest'), 2)).toEqual([1, 2])
    })

    virtual(
      'makes the loop throw an EventOverflowError by default, after the events before it',
      async () => {
        const events = await overflowing()
        expect((await events.next()).value).toBe(1)
        expect((await events.next()).value).toBe(2)
        expect(await thrown(events.next())).toBeInstanceOf(EventOverflowError)
      },
    )
  })

  test(
    'takes at most twelve times as long for ten times as many buffered events',
    { tags: ['slow'] },
    async () => {
      const events = (n: number): Promise<number> =>
        cost(async () => {
          const source = new EventEmitter()
          const stream = on<number>(source, 'data')
          for (let i = 0; i < n; i++) source.emit('data', i)
          expect((await take(stream, n)).at(-1)).toBe(n - 1)
        })
      const few = await events(10_000)
      expect(few).toBeGreaterThan(5_000)
      expect((await events(100_000)) / few).toBeLessThan(12)
    },
  )

  test('is ended by an aborted signal in plain code, and removes its listeners', async () => {
    const source = new EventEmitter()
    const controller = new AbortController()
    const taking = take(on(source, 'data', { signal: controller.signal }), 1)
    setTimeout(() => controller.abort('why'), 2)
    const error = await thrown(taking)
    expect(isCancelled(error)).toBe(true)
    expect((error as Error).cause).toBe('why')
    expect(listeners(source)).toBe(0)
    const aborted = on(source, 'data', { signal: AbortSignal.abort() })
    expect(isCancelled(await thrown(aborted.next()))).toBe(true)
    expect(listeners(source)).toBe(0)
  })

  test('throws at the call for wrong arguments', () => {
    expect(() => on({} as never, 'data')).toThrow(/an EventEmitter or an EventTarget/)
    expect(() => on(null as never, 'data')).toThrow(TypeError)
    expect(() => on(new EventEmitter(), 5 as never)).toThrow(/name of an event/)
    expect(() => on(new EventEmitter(), 'data', { buffer: 0 })).toThrow(RangeError)
    expect(() => on(new EventEmitter(), 'data', { overflow: 'x' as never })).toThrow(RangeError)
  })
})

describe('once', () => {
  virtual('gives the next event, and has removed its listeners by then', async () => {
    const source = new EventEmitter()
    const event = once<number>(source, 'data')
    source.emit('data', 1)
    source.emit('data', 2)
    expect(await event).toBe(1)
    expect(listeners(source)).toBe(0)
  })

  virtual('gives the Event of an EventTarget', async () => {
    const target = new EventTarget()
    const waiting = once<Event>(target, 'ping')
    const event = new Event('ping')
    target.dispatchEvent(event)
    expect(await waiting).toBe(event)
  })

  virtual("rejects with an 'error' event of the source", async () => {
    const source = new EventEmitter()
    const event = once(source, 'data')
    source.emit('error', new Error('broken'))
    expect(await thrown(event)).toEqual(new Error('broken'))
    expect(listeners(source)).toBe(0)
  })

  virtual('removes its listeners after a cancel or a timeout', async () => {
    const source = new EventEmitter()
    const waiting = createTask(() => once(source, 'data'))
    await sleep(1)
    waiting.cancel()
    expect(isCancelled(await thrown(waiting))).toBe(true)
    expect(await thrown(timeout(5, () => once(source, 'data')))).toBeInstanceOf(TimeoutError)
    expect(listeners(source)).toBe(0)
  })

  test('is ended by an aborted signal in plain code', async () => {
    const source = new EventEmitter()
    const error = await thrown(once(source, 'data', { signal: AbortSignal.timeout(2) }))
    expect(isCancelled(error)).toBe(true)
    expect(isCancelled(await thrown(once(source, 'x', { signal: AbortSignal.abort() })))).toBe(true)
    expect(listeners(source)).toBe(0)
  })

  test('throws at the call for wrong arguments', () => {
    expect(() => once(5 as never, 'data')).toThrow(TypeError)
    expect(() => once(new EventEmitter(), undefined as never)).toThrow(TypeError)
  })
})
