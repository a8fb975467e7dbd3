import { createTask, Future, isCancelled, sleep, timeout, TimeoutError } from '@tasktree/core'
import { mapStream } from '@tasktree/flow'
import { describe, expect, test } from 'vitest'
import { heapGrowth, million } from './support/heap.ts'
import { Gauge, now, reports, thrown, virtual } from './support/virtual.ts'

async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const value of stream) all.push(value)
  return all
}

describe('the order of mapStream', () => {
  const slowFirst = async (ms: number): Promise<string> => `${await sleep(ms, ms)} at ${now()}`

  virtual('is that of the items', async () => {
    const stream = mapStream([30, 10, 20], slowFirst, { concurrency: 3 })
    expect(await collect(stream)).toEqual(['30 at 30', '10 at 10', '20 at 20'])
  })

  virtual('is that in which the calls end, with ordered: false', async () => {
    const stream = mapStream([30, 10, 20], slowFirst, { concurrency: 3, ordered: false })
    expect(await collect(stream)).toEqual(['10 at 10', '20 at 20', '30 at 30'])
  })

  virtual('does not change the index that the function gets with each item', async () => {
    const stream = mapStream([30, 10, 20], async (ms, i) => sleep(ms, i), {
      concurrency: 3,
      ordered: false,
    })
    expect(await collect(stream)).toEqual([1, 2, 0])
  })
})

describe('mapStream', () => {
  virtual('begins no call before the loop begins', async () => {
    const gauge = new Gauge()
    const stream = mapStream([1, 2], () => gauge.work(1))
    await sleep(100)
    expect(gauge.begun).toBe(0)
    await collect(stream)
    expect(gauge.begun).toBe(2)
  })

  for (const [concurrency, buffer] of [
    [1, 0],
    [1, 4],
    [3, 0],
    [3, 2],
  ] as const) {
    virtual(
      `with concurrency ${concurrency} and buffer ${buffer} takes at most ${concurrency + buffer} items ahead of a slow loop`,
      async () => {
        const gauge = new Gauge()
        let taken = 0
        let mostAhead = 0
        const items = function* (): Generator<number> {
          for (let i = 0; i < 20; i++) {
            mostAhead = Math.max(mostAhead, i + 1 - taken)
            yield i
          }
        }
        for await (const _ of mapStream(items(), () => gauge.work(1), { concurrency, buffer })) {
          taken++
          await sleep(50)
        }
        expect(taken).toBe(20)
        expect(mostAhead).toBe(concurrency + buffer)
        expect(gauge.most).toBeLessThanOrEqual(concurrency)
      },
    )
  }

  virtual('runs its calls while the body of the loop runs', async () => {
    for await (const _ of mapStream([1, 2, 3], () => sleep(10))) await sleep(10)
    expect(now()).toBe(40)
  })

  virtual('begins anew for each loop over it', async () => {
    const stream = mapStream([1, 2], async (n) => n)
    expect(await collect(stream)).toEqual([1, 2])
    expect(await collect(stream)).toEqual([1, 2])
  })
})

describe('leaving a loop over mapStream', () => {
  const closings: string[] = []
  async function* endless(): AsyncGenerator<number> {
    try {
      for (let i = 0; ; i++) yield i
    } finally {
      await sleep(5)
      closings.push('closed')
    }
  }

  virtual('by break cancels the calls, closes the source, and waits for both', async () => {
    closings.length = 0
    const gauge = new Gauge()
    const fn = async (n: number): Promise<number> => {
      await gauge.work(n === 0 ? 1 : 1000, 30)
      return n
    }
    for await (const n of mapStream(endless(), fn, { concurrency: 4 })) {
      expect(n).toBe(0)
      break
    }
    expect(gauge.running).toBe(0)
    expect(gauge.cancelled).toBeGreaterThanOrEqual(3)
    expect(closings).toEqual(['closed'])
    expect(now()).toBe(36)
  })

  virtual('by an error of its body cancels the calls', async () => {
    const gauge = new Gauge()
    const looping = async (): Promise<void> => {
      for await (const _ of mapStream([1, 100, 100], (ms) => gauge.work(ms), { concurrency: 3 })) {
        throw new Error('body')
      }
    }
    expect(await thrown(looping())).toEqual(new Error('body'))
    expect(gauge).toMatchObject({ cancelled: 2, running: 0 })
  })

  virtual('by a cancel of its wait cancels the calls and waits for their clean-up', async () => {
    const gauge = new Gauge()
    const looping = createTask(() =>
      collect(mapStream([100, 100], (ms) => gauge.work(ms, 20), { concurrency: 2 })),
    )
    await sleep(10)
    looping.cancel()
    expect(isCancelled(await thrown(looping))).toBe(true)
    expect(gauge).toMatchObject({ cancelled: 2, running: 0 })
    expect(now()).toBe(30)
  })

  virtual('by a timeout of its body cancels the calls', async () => {
    const gauge = new Gauge()
    const looping = timeout(10, async () => {
      for await (const _ of mapStream([1, 1000], (ms) => gauge.work(ms), { concurrency: 2 })) {
        await sleep(1000)
      }
    })
    expect(await thrown(looping)).toBeInstanceOf(TimeoutError)
    expect(gauge).toMatchObject({ cancelled: 1, running: 0 })
  })
})

describe('a failure in mapStream', () => {
  const failing = async (n: number): Promise<number> => {
    await sleep(n)
    if (n === 2) throw new Error('two')
    return n
  }

  virtual('is thrown after the results of the items before it', async () => {
    const got: number[] = []
    const looping = async (): Promise<void> => {
      for await (const n of mapStream([5, 2, 9], failing, { concurrency: 3 })) got.push(n)
    }
    expect(await thrown(looping())).toEqual(new Error('two'))
    expect(got).toEqual([5])
    expect(now()).toBe(5)
  })

  virtual('is thrown at once with ordered: false', async () => {
    const stream = mapStream([5, 2, 9], failing, { concurrency: 3, ordered: false })
    expect(await thrown(collect(stream))).toEqual(new Error('two'))
    expect(now()).toBe(2)
  })

  virtual('keeps further items from being taken', async () => {
    let begun = 0
    const items = function* (): Generator<number> {
      for (const n of [2, 3, 4, 5, 6]) {
        begun++
        yield n
      }
    }
    await thrown(collect(mapStream(items(), failing, { concurrency: 2 })))
    expect(begun).toBe(2)
  })

  virtual('of the source is thrown after the results of the items before it', async () => {
    const got: number[] = []
    const items = function* (): Generator<number> {
      yield 1
      throw new Error('source')
    }
    const looping = async (): Promise<void> => {
      for await (const n of mapStream(items(), failing, { concurrency: 2 })) got.push(n)
    }
    expect(await thrown(looping())).toEqual(new Error('source'))
    expect(got).toEqual([1])
  })

  virtual('that the loop did not come to is reported', async () => {
    const heard = reports()
    for await (const _ of mapStream([1, 2], failing, { concurrency: 2 })) {
      await sleep(5)
      break
    }
    expect(heard).toEqual([new Error('two')])
  })
})

virtual(
  'a call of mapStream that is cancelled by itself ends the loop with its CancelledError',
  async () => {
    const future = new Future<number>()
    const stream = mapStream([1, 2], async (n) => (n === 2 ? future : n), { concurrency: 2 })
    const looping = createTask(() => collect(stream))
    await sleep(1)
    future.cancel()
    expect(isCancelled(await thrown(looping))).toBe(true)
  },
)

describe('mapStream in plain code', () => {
  test('gives the results in the order of the items', async () => {
    const stream = mapStream([3, 1, 2], async (ms) => sleep(ms, ms), { concurrency: 2 })
    expect(await collect(stream)).toEqual([3, 1, 2])
  })

  test('ends when its signal aborts, and cancels its calls', async () => {
    const gauge = new Gauge()
    const controller = new AbortController()
    const { signal } = controller
    const looping = collect(mapStream([1], () => gauge.work(10_000), { signal }))
    setTimeout(() => controller.abort('why'), 5)
    const error = await thrown(looping)
    expect(isCancelled(error)).toBe(true)
    expect((error as Error).cause).toBe('why')
    expect(gauge).toMatchObject({ cancelled: 1, running: 0 })
  })
})

test('mapStream throws at the call for wrong arguments', () => {
  const fn = async (): Promise<void> => {}
  expect(() => mapStream(5 as never, fn)).toThrow(TypeError)
  expect(() => mapStream([], 5 as never)).toThrow(TypeError)
  expect(() => mapStream([], fn, { concurrency: 0 })).toThrow(RangeError)
  expect(() => mapStream([], fn, { buffer: -1 })).toThrow(RangeError)
  expect(() => mapStream([], fn, { ordered: 1 as never })).toThrow(TypeError)
})

test('mapStream over a million items keeps the heap from growing', { tags: ['slow'] }, async () => {
  let count = 0
  const growth = await heapGrowth(async (look) => {
    for await (const _ of mapStream(million(), async (n) => n, { concurrency: 8 })) {
      if (++count % 200_000 === 0) look()
    }
  })
  expect(count).toBe(1_000_000)
  expect(growth).toBeLessThan(4 * 2 ** 20)
})
