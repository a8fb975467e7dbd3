import {
  allTasks,
  CancelledError,
  ContextVar,
  createTask,
  currentTask,
  ExceptionGroup,
  Future,
  isCancelled,
  sleep,
  timeout,
  TimeoutError,
} from '@tasktree/core'
import { forEach, map } from '@tasktree/flow'
import { Lock } from '@tasktree/sync'
import { describe, expect, test } from 'vitest'
import { heapGrowth, million } from './support/heap.ts'
import { Gauge, now, reports, thrown, virtual } from './support/virtual.ts'

describe('the results of map', () => {
  virtual('are in the order of the items, in whatever order the calls end', async () => {
    const results = await map([300, 100, 200], async (ms, i) => {
      await sleep(ms)
      return `${i}:${ms}`
    })
    expect(results).toEqual(['0:300', '1:100', '2:200'])
    expect(now()).toBe(300)
  })

  virtual('are an empty list for an array, set or async source without items', async () => {
    const fn = async (): Promise<never> => expect.unreachable()
    expect(await map([], fn)).toEqual([])
    expect(await map(new Set(), fn)).toEqual([])
    expect(await map((async function* () {})(), fn)).toEqual([])
  })

  virtual('are an array without holes if the last call ends first', async () => {
    const results = await map([3, 2, 1], async (ms) => {
      await sleep(ms)
      return undefined
    })
    expect(Object.keys(results)).toEqual(['0', '1', '2'])
  })

  virtual('are those of the resolved values if the items are promises', async () => {
    const items = [Promise.resolve(1), 2, sleep(5, 3)]
    expect(await map(items, async (n) => n * 2)).toEqual([2, 4, 6])
  })

  virtual('are replaced by the failure of an item that is a promise that rejects', async () => {
    const broken = Promise.reject(new Error('broken'))
    broken.catch(() => {})
    expect(await thrown(map([1, broken], async (n) => n))).toEqual(new Error('broken'))
  })

  virtual('can come from a function that returns no promise', async () => {
    expect(await map([1, 2], ((n: number) => n + 1) as never)).toEqual([2, 3])
  })
})

describe('the concurrency of map', () => {
  for (const concurrency of [1, 2, 7, Infinity]) {
    virtual(`of ${concurrency} is reached and never exceeded`, async () => {
      const gauge = new Gauge()
      const items = Array.from({ length: 30 }, (_, i) => (i * 7) % 11)
      await map(items, (ms) => gauge.work(ms), { concurrency })
      expect(gauge).toMatchObject({ most: Math.min(30, concurrency), begun: 30, running: 0 })
    })
  }

  virtual('lets the next call begin as soon as a call ends', async () => {
    await map([100, 200, 300, 100], (ms) => sleep(ms), { concurrency: 2 })
    expect(now()).toBe(400)
  })

  virtual(
    'keeps forEach from taking an item from the source before there is room for it',
    async () => {
      let taken = 0
      const items = function* (): Generator<number> {
        for (;;) yield taken++
      }
      const mapping = createTask(() => forEach(items(), () => sleep(10), { concurrency: 3 }))
      await sleep(5)
      expect(taken).toBe(3)
      await sleep(10)
      expect(taken).toBe(6)
      await mapping[Symbol.asyncDispose]()
    },
  )

  test.each([0, -1, 1.5, NaN])('of %s is refused at the call', (concurrency) => {
    expect(() => map([], async () => {}, { concurrency })).toThrow(RangeError)
    expect(() => forEach([], async () => {}, { concurrency })).toThrow(RangeError)
  })
})

describe('async sources of map', () => {
  async function* counting(n: number, ms: number, closed: () => void = () => {}) {
    try {
      for (let i = 0; i < n; i++) {
        await sleep(ms)
        yield i
      }
    } finally {
      closed()
    }
  }

  virtual('are asked for the next item while calls run', async () => {
    const results = await map(counting(3, 10), async (n) => {
      await sleep(100)
      return n * 2
    })
    expect(results).toEqual([0, 2, 4])
    expect(now()).toBe(130)
  })

  virtual('are not asked for an item before there is room for it', async () => {
    const gauge = new Gauge()
    await map(counting(9, 1), () => gauge.work(20), { concurrency: 2 })
    expect(gauge).toMatchObject({ most: 2, begun: 9 })
  })

  virtual('are closed when a call fails, and map waits for their clean-up', async () => {
    const events: string[] = []
    const source = async function* (): AsyncGenerator<number> {
      try {
        yield 1
        await sleep(1000)
        events.push('never')
      } finally {
        await sleep(20)
        events.push('closed')
      }
    }
    const failing = async (): Promise<void> => {
      await sleep(10)
      throw new Error('call failed')
    }
    expect(await thrown(map(source(), failing))).toEqual(new Error('call failed'))
    expect(events).toEqual(['closed'])
    expect(now()).toBe(30)
  })

  virtual('are closed when map is cancelled', async () => {
    let closed = 0
    const mapping = createTask(() =>
      map(
        counting(9, 10, () => closed++),
        () => sleep(1000),
      ),
    )
    await sleep(35)
    mapping.cancel()
    expect(await thrown(mapping)).toBeInstanceOf(CancelledError)
    expect(closed).toBe(1)
  })

  virtual('that fail cancel the calls, and map throws their error', async () => {
    const gauge = new Gauge()
    const source = async function* (): AsyncGenerator<number> {
      yield 1
      yield 2
      await sleep(5)
      throw new Error('source failed')
    }
    expect(await thrown(map(source(), () => gauge.work(1000)))).toEqual(new Error('source failed'))
    expect(gauge).toMatchObject({ begun: 2, cancelled: 2, running: 0 })
    expect(now()).toBe(5)
  })
})

test('map closes a generator of items when a call fails', async () => {
  let closed = 0
  const source = function* (): Generator<number> {
    try {
      for (let i = 0; ; i++) yield i
    } finally {
      closed++
    }
  }
  const failing = async (n: number): Promise<void> => {
    if (n === 3) throw new Error('third')
  }
  await expect(map(source(), failing, { concurrency: 2 })).rejects.toThrow('third')
  expect(closed).toBe(1)
})

describe('the first failure in map', () => {
  virtual('cancels the other calls and is thrown when they have ended', async () => {
    const gauge = new Gauge()
    const mapping = map([1, 2, 3], async (n) => {
      if (n < 3) return gauge.work(1000, 50)
      await sleep(10)
      throw new Error('third')
    })
    expect(await thrown(mapping)).toEqual(new Error('third'))
    expect(gauge).toMatchObject({ cancelled: 2, running: 0 })
    expect(now()).toBe(60)
  })

  virtual('keeps further calls from beginning', async () => {
    const begun: number[] = []
    const failing = async (n: number): Promise<void> => {
      begun.push(n)
      await sleep(1)
      throw new Error(`${n}`)
    }
    expect(await thrown(map([1, 2, 3], failing, { concurrency: 1 }))).toEqual(new Error('1'))
    expect(begun).toEqual([1])
  })

  virtual('may be thrown before the function returns a promise', async () => {
    const mapping = map([1, 2], () => {
      throw new Error('at once')
    })
    expect(await thrown(mapping)).toEqual(new Error('at once'))
  })

  virtual('is thrown as it is, even if it is a string', async () => {
    // oxlint-disable-next-line prefer-promise-reject-errors, typescript/prefer-promise-reject-errors
    expect(await thrown(map([1], () => Promise.reject('a string')))).toBe('a string')
  })

  virtual('is thrown, and an error of a cancelled call in its clean-up is reported', async () => {
    const heard = reports()
    const mapping = map([1, 2], async (n) => {
      if (n === 1) {
        await sleep(5)
        throw new Error('first')
      }
      try {
        await sleep(100)
      } finally {
        // oxlint-disable-next-line no-unsafe-finally -- the test needs a clean-up that fails
        throw new Error('clean-up')
      }
    })
    expect(await thrown(mapping)).toEqual(new Error('first'))
    expect(heard).toEqual([new Error('clean-up')])
  })
})

describe('map with stopOnError: false', () => {
  const options = { stopOnError: false, concurrency: 2 }

  virtual('makes all calls and throws all failures in the order of the items', async () => {
    const done: number[] = []
    const mapping = map(
      [40, 30, 20, 10],
      async (ms) => {
        await sleep(ms)
        if (ms !== 20) throw new Error(`${ms}`)
        done.push(ms)
      },
      options,
    )
    const group = await thrown(mapping)
    expect(group).toBeInstanceOf(ExceptionGroup)
    expect((group as ExceptionGroup).errors).toEqual([
      new Error('40'),
      new Error('30'),
      new Error('10'),
    ])
    expect(done).toEqual([20])
  })

  virtual('gives the results when no call fails', async () => {
    expect(await map([1, 2], async (n) => n, options)).toEqual([1, 2])
  })

  virtual(
    'waits for the running calls when the source fails, and lists the error of the source last',
    async () => {
      const source = function* (): Generator<number> {
        yield 1
        throw new Error('source')
      }
      const group = await thrown(
        map(
          source(),
          async () => {
            await sleep(5)
            throw new Error('call')
          },
          options,
        ),
      )
      expect((group as ExceptionGroup).errors).toEqual([new Error('call'), new Error('source')])
    },
  )

  virtual('reports the failures when it is cancelled', async () => {
    const heard = reports()
    const mapping = createTask(() =>
      map(
        [1, 1000],
        async (ms) => {
          await sleep(ms)
          throw new Error(`${ms}`)
        },
        options,
      ),
    )
    await sleep(10)
    mapping.cancel()
    expect(isCancelled(await thrown(mapping))).toBe(true)
    expect(heard).toEqual([new Error('1')])
  })
})

describe('a cancel of map', () => {
  virtual('reaches every call, and is thrown when all calls have ended', async () => {
    const gauge = new Gauge()
    const mapping = createTask(() => map([1, 2, 3], () => gauge.work(1000, 30), { concurrency: 2 }))
    await sleep(10)
    mapping.cancel('enough')
    expect(await thrown(mapping)).toEqual(new CancelledError('enough'))
    expect(gauge).toMatchObject({ begun: 2, cancelled: 2, running: 0 })
    expect(now()).toBe(40)
  })

  virtual('cancels each call once, and does not end its clean-up', async () => {
    const mapping = createTask(() =>
      map([1, 2], async () => {
        try {
          await sleep(1000)
        } finally {
          await sleep(10)
          await sleep(10)
        }
      }),
    )
    await sleep(5)
    mapping.cancel()
    await thrown(mapping)
    expect(now()).toBe(25)
  })

  virtual(
    'by a timeout around it cancels the calls, and the timeout throws TimeoutError',
    async () => {
      const gauge = new Gauge()
      const error = await thrown(timeout(20, () => map([1, 2], () => gauge.work(1000))))
      expect(error).toBeInstanceOf(TimeoutError)
      expect(gauge).toMatchObject({ cancelled: 2, running: 0 })
    },
  )

  virtual('comes from a call that is cancelled by itself, and ends the other calls', async () => {
    for (const stopOnError of [true, false]) {
      const gauge = new Gauge()
      const future = new Future<void>()
      const mapping = map([1, 2], async (n) => (n === 1 ? future : gauge.work(1000)), {
        stopOnError,
      })
      await sleep(1)
      future.cancel('of its own')
      expect(await thrown(mapping)).toEqual(new CancelledError('of its own'))
      expect(gauge).toMatchObject({ cancelled: 1, running: 0 })
    }
  })

  virtual('comes from a call that cancels its own task', async () => {
    const mapping = map([1, 2], async (n) => {
      if (n === 1) currentTask()?.cancel()
      await sleep(10)
      return n
    })
    expect(isCancelled(await thrown(mapping))).toBe(true)
  })

  virtual(
    'is not needed for a failing call to take waiting calls out of the line of a Lock',
    async () => {
      const lock = new Lock()
      const hold = await lock.acquire()
      const failing = map([1, 2, 3], async (n) => {
        if (n < 3) return lock.runExclusive(async () => n)
        await sleep(5)
        throw new Error('third')
      })
      await sleep(1)
      expect(lock.statistics().waiters).toBe(2)
      expect(await thrown(failing)).toEqual(new Error('third'))
      expect(lock.statistics().waiters).toBe(0)
      hold.release()
    },
  )

  virtual(
    'comes from tasks of calls that are cancelled before they begin, and nothing hangs',
    async () => {
      for (const items of [[1, 2, 3, 4], new Set([1, 2, 3, 4])]) {
        const known = allTasks()
        const mapping = createTask(() => map(items, async (n) => sleep(5, n), { concurrency: 2 }))
        await Promise.resolve()
        for (let turn = 0; turn < 3; turn++) {
          await sleep(0)
          for (const task of allTasks()) if (task !== mapping && !known.has(task)) task.cancel()
        }
        expect(isCancelled(await thrown(mapping))).toBe(true)
      }
      for (const items of [[1, 2, 3, 4], new Set([1, 2, 3, 4])]) {
        const known = allTasks()
        const mapping = map(items, async (n) => sleep(5, n), { concurrency: 2 })
        for (const task of allTasks()) if (!known.has(task)) task.cancel()
        expect(isCancelled(await thrown(mapping))).toBe(true)
      }
    },
  )

  virtual('that comes a second time still waits for the clean-up of the calls', async () => {
    const gauge = new Gauge()
    const mapping = createTask(() => map([1], () => gauge.work(1000, 50)))
    await sleep(10)
    mapping.cancel()
    await sleep(10)
    mapping.cancel()
    await thrown(mapping)
    expect(gauge.running).toBe(0)
  })
})

describe('map in plain code', () => {
  test('gives the results in the order of the items', async () => {
    expect(await map([3, 1, 2], async (ms) => sleep(ms, ms * 2), { concurrency: 2 })).toEqual([
      6, 2, 4,
    ])
  })

  test('cancels its calls when its signal aborts, with the reason as the cause', async () => {
    const gauge = new Gauge()
    const controller = new AbortController()
    const mapping = map([1, 2], () => gauge.work(10_000), { signal: controller.signal })
    await sleep(1)
    controller.abort('why')
    const error = await thrown(mapping)
    expect(isCancelled(error)).toBe(true)
    expect((error as Error).cause).toBe('why')
    expect(gauge).toMatchObject({ cancelled: 2, running: 0 })
  })

  test('makes no call when its signal has aborted before', async () => {
    const fn = async (): Promise<never> => expect.unreachable()
    const error = await thrown(map([1], fn, { signal: AbortSignal.abort() }))
    expect(isCancelled(error)).toBe(true)
  })
})

virtual('each call of map has its own context variables', async () => {
  const variable = new ContextVar('variable', { default: 0 })
  variable.set(7)
  const seen = await map(
    [1, 2, 3],
    async (n) => {
      const before = variable.get()
      variable.set(n)
      await sleep(1)
      return [before, variable.get()]
    },
    { concurrency: 1 },
  )
  expect(seen).toEqual([
    [7, 1],
    [7, 2],
    [7, 3],
  ])
  expect(variable.get()).toBe(7)
})

virtual('forEach makes its calls and returns undefined', async () => {
  const gauge = new Gauge()
  expect(await forEach(new Set([1, 2]), () => gauge.work(5))).toBeUndefined()
  expect(gauge).toMatchObject({ begun: 2, running: 0 })
})

describe('map and forEach throw at the call for', () => {
  test.each([[123], [null], ['a string'], [{}], [Promise.resolve([])]])(
    'items that are not iterable: %s',
    (items) => {
      expect(() => map(items as never, async () => {})).toThrow(
        /takes an iterable or async iterable/,
      )
      expect(() => forEach(items as never, async () => {})).toThrow(TypeError)
    },
  )

  test('a value that is not a function, and wrong options', () => {
    expect(() => map([], undefined as never)).toThrow(/takes a function as its body/)
    expect(() => map([], async () => {}, 5 as never)).toThrow(/options must be an object/)
    expect(() => map([], async () => {}, { stopOnError: 1 as never })).toThrow(/stopOnError/)
    expect(() => map([], async () => {}, { signal: 1 as never })).toThrow(/AbortSignal/)
  })
})

test('forEach over a million items keeps the heap from growing', { tags: ['slow'] }, async () => {
  let count = 0
  const growth = await heapGrowth((look) =>
    forEach(
      million(),
      async () => {
        if (++count % 200_000 === 0) look()
      },
      { concurrency: 16 },
    ),
  )
  expect(count).toBe(1_000_000)
  expect(growth).toBeLessThan(4 * 2 ** 20)
})

describe('map over a long array with a function that never waits', () => {
  test('lets timers fire', async () => {
    let ticks = 0
    const timer = setInterval(() => ticks++, 1)
    await map(
      Array.from({ length: 200_000 }, (_, i) => i),
      async (n) => n,
      { concurrency: 8 },
    )
    clearInterval(timer)
    expect(ticks).toBeGreaterThan(2)
  })

  test('can be ended by a timeout', async () => {
    const mapping = timeout(5, () =>
      map(
        Array.from({ length: 5_000_000 }, (_, i) => i),
        async (n) => n,
        { concurrency: 8 },
      ),
    )
    expect(await thrown(mapping)).toBeInstanceOf(TimeoutError)
  })
})
