import { createTask, type EventLoop, getEventLoop, newEventLoop, run, sleep } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import {
  Barrier,
  Broadcast,
  CapacityLimiter,
  Channel,
  Condition,
  Event,
  Lock,
  Queue,
  RateLimiter,
  RWLock,
  Semaphore,
  WouldBlock,
} from '@tasktree/sync'
import { expect, test } from 'vitest'

/** A wait that a test starts in a separate run, and a function that lets it go on. Plain code calls it, so from another loop. */
const waits: Record<string, () => { wait: () => PromiseLike<unknown>; letGo: () => unknown }> = {
  'Lock.acquire': () => {
    const lock = new Lock()
    lock.acquireNowait()
    return { wait: () => lock.acquire(), letGo: () => lock.release() }
  },
  'Event.wait': () => {
    const event = new Event()
    return { wait: () => event.wait(), letGo: () => event.set() }
  },
  'Condition.wait': () => {
    const condition = new Condition()
    return {
      wait: () => condition.runExclusive(() => condition.wait()),
      letGo: () => condition.runExclusive(() => condition.notify()),
    }
  },
  'Semaphore.acquire': () => {
    const semaphore = new Semaphore(0)
    return { wait: () => semaphore.acquire(), letGo: () => semaphore.release() }
  },
  'Barrier.wait': () => {
    const barrier = new Barrier(2)
    return { wait: () => barrier.wait(), letGo: () => barrier.wait() }
  },
  'Queue.get': () => {
    const queue = new Queue<number>()
    return { wait: () => queue.get(), letGo: () => queue.putNowait(1) }
  },
  'Queue.put': () => {
    const queue = new Queue<number>({ maxsize: 1 })
    queue.putNowait(1)
    return { wait: () => queue.put(2), letGo: () => queue.getNowait() }
  },
  'Queue.join': () => {
    const queue = new Queue<number>()
    queue.putNowait(1)
    return { wait: () => queue.join(), letGo: () => queue.taskDone() }
  },
  'RWLock.read': () => {
    const lock = new RWLock()
    const held = lock.write()
    return { wait: () => lock.read(), letGo: () => held.result().release() }
  },
  'RWLock.write': () => {
    const lock = new RWLock()
    const held = lock.read()
    return { wait: () => lock.write(), letGo: () => held.result().release() }
  },
  'CapacityLimiter.acquire': () => {
    const limiter = new CapacityLimiter(2)
    const held = limiter.acquireNowait(1)
    return { wait: () => limiter.acquire(2), letGo: () => held.release() }
  },
  'Channel.receive': () => {
    const channel = new Channel<number>({ capacity: 0 })
    return { wait: () => channel.receive(), letGo: () => channel.send(1) }
  },
  'Channel.send': () => {
    const channel = new Channel<number>({ capacity: 0 })
    return { wait: () => channel.send(1), letGo: () => channel.receive() }
  },
  'Broadcast.publish': () => {
    const news = new Broadcast<number>({ lag: 'block', capacity: 1 })
    const subscription = news.subscribe()
    void news.publish(1)
    return { wait: () => news.publish(2), letGo: () => subscription.get() }
  },
  'Subscription.get': () => {
    const news = new Broadcast<number>({ lag: 'block' })
    const subscription = news.subscribe()
    return { wait: () => subscription.get(), letGo: () => news.publish(1) }
  },
}

test.each(Object.keys(waits))(
  '%s: a task that waits in one run goes on when code of another loop lets it',
  async (name) => {
    const { wait, letGo } = waits[name]!()
    const waiting = run(async () => {
      await wait()
      return 'went on'
    })
    await sleep(1)
    await letGo()
    expect(await waiting).toBe('went on')
  },
)

// Barrier is left out: it still counts a task that has come and whose loop was closed, just as such a task would hold a lock for
// ever.
test.each(Object.keys(waits).filter((name) => name !== 'Barrier.wait'))(
  '%s: a waiter of a closed loop does not take the turn of a waiter that can go on',
  async (name) => {
    const { wait, letGo } = waits[name]!()
    const loop: EventLoop = newEventLoop()
    const left = loop.createTask(async () => wait())
    await sleep(1)
    loop.close()
    expect(left.done()).toBe(false)
    const waiting = createTask(async () => {
      await wait()
      return 'went on'
    })
    await sleep(1)
    await letGo()
    expect(await waiting).toBe('went on')
  },
)

test.each(Object.keys(waits).filter((name) => !/^(Condition|Barrier|Queue.join)/.test(name)))(
  '%s: a waiter whose loop is closed right after it was woken lets the next waiter go on',
  async (name) => {
    const { wait, letGo } = waits[name]!()
    const loop: EventLoop = newEventLoop()
    loop.createTask(async () => wait())
    await sleep(1)
    const next = createTask(async () => {
      await wait()
      return 'went on'
    })
    await sleep(1)
    void letGo()
    loop.close()
    await sleep(1)
    if (!next.done()) void letGo()
    expect(await next).toBe('went on')
  },
)

test.each(Object.keys(waits).filter((name) => !/^(Condition|Barrier|RateLimiter)/.test(name)))(
  '%s: a waiter that was cancelled right before its loop was closed holds up no other waiter',
  async (name) => {
    const { wait, letGo } = waits[name]!()
    const loop: EventLoop = newEventLoop()
    const left = loop.createTask(async () => wait())
    await sleep(1)
    const next = createTask(async () => {
      await wait()
      return 'went on'
    })
    await sleep(1)
    left.cancel()
    void letGo()
    loop.close()
    expect(await next).toBe('went on')
  },
)

test('waiters of a Lock that were cancelled before their loop was closed are not counted', async () => {
  const lock = new Lock()
  lock.acquireNowait()
  const loop: EventLoop = newEventLoop()
  const left = [1, 2, 3].map(() => loop.createTask(async () => lock.acquire()))
  await sleep(1)
  for (const task of left) task.cancel()
  lock.release()
  loop.close()
  expect(lock.statistics()).toEqual({ locked: false, holders: 0, waiters: 0 })
  expect(lock.acquireNowait().isReleased).toBe(false)
})

test('runs at the same time share the tokens of a RateLimiter', async () => {
  const limiter = new RateLimiter({ limit: 3, interval: 3_600_000, burst: 3 })
  const attempt = async (): Promise<boolean> => {
    await sleep(0)
    try {
      limiter.acquireNowait()
      return true
    } catch (error) {
      expect(error).toBeInstanceOf(WouldBlock)
      return false
    }
  }
  const got = await Promise.all(Array.from({ length: 5 }, () => run(attempt)))
  expect(got.filter(Boolean)).toHaveLength(3)
})

test('a run that ends leaves the RateLimiter timer of a task in another run alone', async () => {
  const limiter = new RateLimiter({ limit: 1, interval: 30, burst: 1 })
  limiter.acquireNowait()
  const cancelled = run(async () => {
    createTask(() => limiter.acquire())
    await sleep(1)
  })
  const waiting = run(async () => {
    await sleep(0)
    await limiter.acquire()
    return 'acquired'
  })
  await cancelled
  expect(await waiting).toBe('acquired')
})

test('tokens of a RateLimiter that one run took are missing in the next run', async () => {
  const limiter = new RateLimiter({ limit: 2, interval: 3_600_000, burst: 2 })
  for (let i = 0; i < 2; i++) await run(() => limiter.acquire())
  await run(async () => expect(() => limiter.acquireNowait()).toThrow(WouldBlock))
})

test('runVirtual waits in virtual time for RateLimiter tokens that an earlier run took', async () => {
  const limiter = new RateLimiter({ limit: 1, interval: 1000, burst: 1 })
  const acquire = async (): Promise<number> => {
    const start = getEventLoop().time()
    await limiter.acquire()
    return getEventLoop().time() - start
  }
  expect(await runVirtual(acquire)).toBe(0)
  expect(await runVirtual(acquire)).toBe(1000)
  expect(await runVirtual(acquire)).toBe(1000)
})
