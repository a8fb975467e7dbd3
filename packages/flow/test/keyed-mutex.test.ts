import {
  CancelledError,
  createTask,
  Future,
  isCancelled,
  run,
  sleep,
  type Task,
  timeout,
} from '@tasktree/core'
import { BusyError, exhaust, latest, queued } from '@tasktree/flow'
import { describe, expect, test, vi } from 'vitest'
import { Gauge, now, thrown, virtual } from './support/virtual.ts'
import { cost } from '../../../vitest.cost.ts'

describe('queued', () => {
  virtual('runs its calls one after the other, and each gets its own result', async () => {
    const gauge = new Gauge()
    const fn = queued(async (name: string, ms: number) => {
      await gauge.work(ms)
      return `${name} at ${now()}`
    })
    const results = await Promise.all([fn('a', 30), fn('b', 10), fn('c', 20)])
    expect(results).toEqual(['a at 30', 'b at 40', 'c at 60'])
    expect(gauge.most).toBe(1)
  })

  virtual('with a key does not make calls with different keys wait for each other', async () => {
    const fn = queued(async (_key: string) => sleep(10), { key: (key) => key })
    await Promise.all([fn('a'), fn('b'), fn('a')])
    expect(now()).toBe(20)
  })

  virtual('lets the next call run after a failure', async () => {
    const fn = queued(async (n: number) => {
      await sleep(1)
      if (n === 1) throw new Error('one')
      return n
    })
    const [one, two] = await Promise.allSettled([fn(1), fn(2)])
    expect(one).toEqual({ status: 'rejected', reason: new Error('one') })
    expect(two).toEqual({ status: 'fulfilled', value: 2 })
  })

  virtual(
    'drops a waiting call that is cancelled at once, and the others keep their order',
    async () => {
      const order: number[] = []
      const fn = queued(async (n: number) => {
        order.push(n)
        await sleep(10)
      })
      const calls = [1, 2, 3, 4].map((n) => createTask(() => fn(n)))
      await sleep(5)
      calls[1]?.cancel()
      expect(isCancelled(await thrown(calls[1] as Task))).toBe(true)
      expect(now()).toBe(5)
      await Promise.all([calls[0], calls[2], calls[3]])
      expect(order).toEqual([1, 3, 4])
      expect(now()).toBe(30)
    },
  )

  test.each(Array.from({ length: 12 }, (_, i) => i))(
    'lets the next call run if a waiting call is cancelled %i turns after the call before ends',
    async (turns) => {
      const { runVirtual } = await import('@tasktree/core/testing')
      await runVirtual(async () => {
        const fn = queued(async (n: number) => sleep(n === 1 ? 5 : 1, n))
        const calls = [1, 2, 3].map((n) => createTask(() => fn(n)))
        await sleep(4)
        const waker = sleep(1)
        await waker
        for (let i = 0; i < turns; i++) await Promise.resolve()
        calls[1]?.cancel()
        await Promise.allSettled([calls[1]])
        expect(await timeout(100, async () => calls[2])).toBe(3)
      })
    },
  )

  test(
    'takes at most twelve times as long for ten times as many calls',
    { tags: ['slow'] },
    async () => {
      const fn = queued(async (n: number) => n)
      const calls = (n: number): Promise<number> =>
        cost(async () => {
          const results = await Promise.all(Array.from({ length: n }, (_, i) => fn(i)))
          expect(results).toHaveLength(n)
          expect(results.at(-1)).toBe(n - 1)
        })
      const few = await calls(5_000)
      expect(few).toBeGreaterThan(4_000)
      expect((await calls(50_000)) / few).toBeLessThan(12)
    },
  )
})

describe('exhaust', () => {
  virtual('refuses a call while another runs, and accepts the next after it', async () => {
    const fn = exhaust(async (n: number) => sleep(10, n))
    const first = fn(1)
    const refused = await thrown(fn(2))
    expect(refused).toBeInstanceOf(BusyError)
    expect(refused).toMatchObject({ code: 'ERR_FLOW_BUSY' })
    expect(await first).toBe(1)
    expect(await fn(3)).toBe(3)
  })

  virtual('with a key refuses only calls with the same key', async () => {
    const fn = exhaust(async (key: string) => sleep(10, key), { key: (key) => key })
    const calls = await Promise.allSettled([fn('a'), fn('b'), fn('a')])
    expect(calls.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected'])
  })

  virtual('accepts calls again after a failure and after a cancel', async () => {
    const fn = exhaust(async (ms: number) => {
      if (ms === 0) throw new Error('zero')
      await sleep(ms)
    })
    expect(await thrown(fn(0))).toEqual(new Error('zero'))
    const call = createTask(() => fn(1000))
    await sleep(1)
    call.cancel()
    await thrown(call)
    await fn(1)
  })
})

describe('latest', () => {
  virtual('cancels a running call when a new call comes', async () => {
    const gauge = new Gauge()
    const fn = latest(async (name: string) => {
      await gauge.work(100)
      return name
    })
    const first = createTask(() => fn('first'))
    await sleep(10)
    const second = fn('second')
    expect(await thrown(first)).toEqual(
      new CancelledError('a newer call has taken the place of this one'),
    )
    expect(await second).toBe('second')
    expect(now()).toBe(110)
    expect(gauge).toMatchObject({ most: 1, cancelled: 1 })
  })

  virtual(
    'waits for the clean-up of the running call, and then begins only the newest waiting call',
    async () => {
      const gauge = new Gauge()
      const begun: number[] = []
      const fn = latest(async (n: number) => {
        begun.push(n)
        await gauge.work(100, 50)
        return n
      })
      const calls = [1, 2, 3, 4].map((n) =>
        createTask(async () => {
          await sleep(n * 10)
          return fn(n)
        }),
      )
      const ended = await Promise.allSettled(calls)
      expect(ended.map(({ status }) => status)).toEqual([
        'rejected',
        'rejected',
        'rejected',
        'fulfilled',
      ])
      expect(begun).toEqual([1, 4])
      expect(gauge.most).toBe(1)
      // The first call begins at 10, is cancelled at 20, and has cleaned up at 70. The last call then takes 100 ms.
      expect(now()).toBe(170)
    },
  )

  test.each(['a task', 'plain code'])(
    'cancels the first of two calls in the same turn, in %s',
    async (where) => {
      const body = async (): Promise<void> => {
        const gauge = new Gauge()
        const fn = latest((ms: number) => gauge.work(ms))
        const first = fn(1)
        const second = fn(2)
        expect(isCancelled(await thrown(first))).toBe(true)
        await second
        expect(gauge).toMatchObject({ most: 1, running: 0 })
      }
      await (where === 'a task' ? run(body) : body())
    },
  )

  virtual('with a key does not let calls with different keys cancel each other', async () => {
    const fn = latest(async (key: string) => sleep(10, key), { key: (key) => key })
    expect(await Promise.all([fn('a'), fn('b')])).toEqual(['a', 'b'])
  })

  virtual('lets the caller cancel its call, with its own message', async () => {
    const gauge = new Gauge()
    const fn = latest(() => gauge.work(100))
    const call = createTask(() => fn())
    await sleep(1)
    call.cancel('enough')
    expect(await thrown(call)).toEqual(new CancelledError('enough'))
    await fn()
    expect(gauge).toMatchObject({ cancelled: 1, begun: 2, running: 0 })
  })

  virtual(
    'rejects a replaced call even if the call catches its cancel and returns a value',
    async () => {
      const fn = latest(async (name: string) => {
        await sleep(100).catch(() => {})
        return name
      })
      const first = createTask(() => fn('first'))
      await sleep(1)
      const second = fn('second')
      expect(await thrown(first)).toEqual(
        new CancelledError('a newer call has taken the place of this one'),
      )
      expect(await second).toBe('second')
    },
  )

  virtual('cancels each of 999 replaced calls only once', async () => {
    const fn = latest(async (n: number) => n)
    const cancel = vi.spyOn(Future.prototype, 'cancel')
    const calls = Array.from({ length: 1_000 }, (_, n) => fn(n))
    for (const call of calls) call.catch(() => {})
    expect(cancel.mock.calls.length).toBeLessThan(2_000)
    cancel.mockRestore()
    expect(await calls.at(-1)).toBe(999)
  })

  virtual(
    'throws an error that a replaced call throws in its clean-up to the caller of this call',
    async () => {
      const fn = latest(async (n: number) => {
        try {
          await sleep(100)
        } finally {
          // oxlint-disable-next-line no-unsafe-finally -- the test needs a clean-up that fails
          if (n === 1) throw new Error('clean-up')
        }
      })
      const first = createTask(() => fn(1))
      await sleep(1)
      const second = fn(2)
      expect(await thrown(first)).toEqual(new Error('clean-up'))
      await second
    },
  )
})

describe.each([
  ['queued', queued],
  ['exhaust', exhaust],
  ['latest', latest],
] as const)('%s', (_name, make) => {
  test('works in plain code, and an aborted signal ends its calls', async () => {
    const gauge = new Gauge()
    const controller = new AbortController()
    const fn = make(() => gauge.work(10_000), { signal: controller.signal })
    const call = fn()
    setTimeout(() => controller.abort('why'), 5)
    const error = await thrown(call)
    expect(isCancelled(error)).toBe(true)
    expect((error as Error).cause).toBe('why')
    expect(gauge).toMatchObject({ begun: 1, cancelled: 1, running: 0 })
    expect(await make(async (n: number) => n)(5)).toBe(5)
  })

  test('throws at the call for wrong arguments', () => {
    expect(() => make(1 as never)).toThrow(TypeError)
    expect(() => make(async () => {}, { key: 1 as never })).toThrow(TypeError)
  })

  virtual('rejects when its function throws before it returns a promise', async () => {
    const fn = make(() => {
      throw new Error('at once')
    })
    expect(await thrown(fn())).toEqual(new Error('at once'))
    expect(await thrown(fn())).toEqual(new Error('at once'))
  })
})
