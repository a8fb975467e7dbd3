import { createTask, gather, getEventLoop, sleep } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { RateLimiter } from '@tasktree/sync'
import { expect, test } from 'vitest'

test('a RateLimiter gives its burst of tokens at once, and further tokens evenly', () =>
  runVirtual(async () => {
    const limiter = new RateLimiter({ limit: 4, interval: 1000 })
    const start = getEventLoop().time()
    const times: number[] = []
    for (let i = 0; i < 8; i++) {
      await limiter.acquire()
      times.push(getEventLoop().time() - start)
    }
    expect(times).toEqual([0, 0, 0, 0, 250, 500, 750, 1000])
  }))

test('a RateLimiter keeps unused tokens, but no more than its burst', () =>
  runVirtual(async () => {
    const limiter = new RateLimiter({ limit: 10, interval: 1000, burst: 2 })
    const start = getEventLoop().time()
    await limiter.acquire(2)
    await sleep(60_000)
    expect(limiter.statistics().available).toBe(2)
    await limiter.acquire(2)
    expect(getEventLoop().time() - start).toBe(60_000)
    await limiter.acquire()
    expect(getEventLoop().time() - start).toBe(60_100)
  }))

test('a RateLimiter gives each token exactly on time, for every limit from 1 to 100', async () => {
  for (let limit = 1; limit <= 100; limit++) {
    await runVirtual(async () => {
      const limiter = new RateLimiter({ limit, interval: 1000 })
      const start = getEventLoop().time()
      for (let i = 0; i < limit; i++) await limiter.acquire()
      for (let i = 1; i <= limit; i++) {
        await limiter.acquire()
        expect(getEventLoop().time() - start).toBe((i * 1000) / limit)
      }
      await sleep(1000)
      expect(limiter.statistics().available).toBe(limit)
      expect(limiter.acquire(limit).done()).toBe(true)
    })
  }
})

test('a task that wants many tokens of a RateLimiter is not overtaken', () =>
  runVirtual(async () => {
    const limiter = new RateLimiter({ limit: 10, interval: 1000 })
    await limiter.acquire(10)
    const order: string[] = []
    await gather([
      async () => {
        await limiter.acquire(5)
        order.push('many')
      },
      async () => {
        await limiter.acquire()
        order.push('one')
      },
    ])
    expect(order).toEqual(['many', 'one'])
  }))

test('a cancelled RateLimiter.acquire takes no token, and the next acquire is on time', () =>
  runVirtual(async () => {
    const limiter = new RateLimiter({ limit: 1, interval: 1000 })
    const start = getEventLoop().time()
    await limiter.acquire()
    const cancelled = createTask(() => limiter.acquire())
    const next = createTask(() => limiter.acquire())
    await sleep(500)
    cancelled.cancel()
    await next
    expect(getEventLoop().time() - start).toBe(1000)
    expect(limiter.statistics().waiters).toBe(0)
  }))

test('a RateLimiter.acquire that is cancelled when it gets its token gives the token to the next', () =>
  runVirtual(async () => {
    const limiter = new RateLimiter({ limit: 1, interval: 1000 })
    const start = getEventLoop().time()
    await limiter.acquire()
    const granted = createTask(() => limiter.acquire())
    const next = createTask(() => limiter.acquire())
    // This timer is set after the timer of the limiter. So it fires after the grant, and before the granted task runs.
    await sleep(0)
    getEventLoop().callLater(1000, () => granted.cancel())
    await next
    expect(granted.cancelled()).toBe(true)
    expect(getEventLoop().time() - start).toBe(1000)
  }))

const huge = Number.MAX_VALUE
test.each([
  { limit: huge, interval: 1000 },
  { limit: 1e308, interval: 1000 },
  { limit: 2 ** 1000, interval: 1e-300 },
])('a RateLimiter of $limit in $interval ms gives all tokens again after the interval', (options) =>
  runVirtual(async () => {
    const { limit, interval } = options
    await sleep(1_000_000)
    const limiter = new RateLimiter(options)
    const start = getEventLoop().time()
    await limiter.acquire(limit)
    await limiter.acquire(limit)
    const waited = getEventLoop().time() - start
    expect(waited).toBeCloseTo(interval)
    await sleep(interval * 2 + 1)
    expect(limiter.statistics()).toMatchObject({ available: limit, waiters: 0 })
  }),
)

test.each([
  { limit: 1, interval: huge, burst: 10 },
  { limit: 1, interval: 1e308, burst: huge },
  { limit: 5e-324, interval: 1, burst: 10 },
])('a RateLimiter of $limit in $interval ms gives no tokens after the burst of $burst', (options) =>
  runVirtual(async () => {
    const { burst } = options
    const limiter = new RateLimiter(options)
    await limiter.acquire(burst / 2)
    await limiter.acquire(burst / 2)
    const [first, second] = [1, 2].map(() => createTask(() => limiter.acquire(burst)))
    const check = (waiters: number): void => {
      expect(limiter.statistics().waiters).toBe(waiters)
      expect(limiter.statistics().available / burst).toBeCloseTo(0)
    }
    await sleep(1e9)
    check(2)
    first?.cancel()
    await sleep(1e9)
    check(1)
    second?.cancel()
  }),
)

test('RateLimiter refuses wrong arguments at the call', () => {
  expect(() => new RateLimiter({ limit: 0, interval: 1 })).toThrow(RangeError)
  expect(() => new RateLimiter({ limit: 1, interval: NaN })).toThrow(RangeError)
  expect(() => new RateLimiter(undefined as never)).toThrow(TypeError)
  const limiter = new RateLimiter({ limit: 2, interval: 1000 })
  expect(() => limiter.acquire(3)).toThrow('n must be at most the burst of 2, got 3')
})

test('an aborted signal ends RateLimiter.acquire, which leaves no waiter behind', async () => {
  const limiter = new RateLimiter({ limit: 1, interval: 3_600_000 })
  await limiter.acquire()
  const controller = new AbortController()
  const waiting = limiter.acquire(1, { signal: controller.signal })
  controller.abort()
  await expect(waiting).rejects.toMatchObject({ name: 'CancelledError' })
  expect(limiter.statistics().waiters).toBe(0)
})
