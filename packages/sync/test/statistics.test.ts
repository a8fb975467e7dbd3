import { createTask, sleep } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import {
  Barrier,
  BoundedSemaphore,
  Broadcast,
  CapacityLimiter,
  Channel,
  Condition,
  Event,
  LifoQueue,
  Lock,
  PriorityQueue,
  Queue,
  RateLimiter,
  RWLock,
  Semaphore,
} from '@tasktree/sync'
import { expect, test } from 'vitest'

/** Each primitive in use (a holder, if it can be held, and waiters), and the expected statistics. */
const used: Record<string, () => [of: { statistics: () => object }, expected: object]> = {
  Lock: () => {
    const lock = new Lock()
    void lock.acquire()
    void lock.acquire()
    return [lock, { locked: true, holders: 1, waiters: 1 }]
  },
  Event: () => {
    const event = new Event()
    void event.wait()
    return [event, { set: false, waiters: 1 }]
  },
  Condition: () => {
    const condition = new Condition()
    createTask(() => condition.runExclusive(() => condition.wait()))
    for (let i = 0; i < 2; i++) createTask(() => condition.runExclusive(() => sleep(10)))
    return [condition, { locked: true, holders: 1, waiters: 1, acquiring: 1 }]
  },
  Semaphore: () => {
    const semaphore = new Semaphore(2)
    for (let i = 0; i < 5; i++) void semaphore.acquire()
    return [semaphore, { value: 0, holders: 2, waiters: 3 }]
  },
  BoundedSemaphore: () => {
    const semaphore = new BoundedSemaphore(3)
    void semaphore.acquire()
    return [semaphore, { value: 2, holders: 1, waiters: 0 }]
  },
  Barrier: () => {
    const barrier = new Barrier(3)
    for (let i = 0; i < 2; i++) createTask(() => barrier.wait())
    return [
      barrier,
      { parties: 3, state: 'filling', broken: false, waiters: 2, leaving: 0, blocked: 0 },
    ]
  },
  Queue: () => {
    const queue = new Queue<number>({ maxsize: 2 })
    for (let i = 0; i < 3; i++) void queue.put(i)
    void queue.join()
    return [queue, { ...noItems, size: 2, maxsize: 2, putters: 1, joiners: 1, unfinished: 2 }]
  },
  LifoQueue: () => {
    const queue = new LifoQueue<number>()
    void queue.get()
    return [queue, { ...noItems, getters: 1 }]
  },
  PriorityQueue: () => {
    const queue = new PriorityQueue<number>({ maxsize: 4 })
    queue.putNowait(1)
    queue.shutdown()
    return [queue, { ...noItems, size: 1, maxsize: 4, unfinished: 1, isShutDown: true }]
  },
  RWLock: () => {
    const lock = new RWLock()
    void lock.read()
    void lock.read()
    void lock.write()
    void lock.read()
    return [lock, { readers: 2, writers: 0, waiters: 2 }]
  },
  CapacityLimiter: () => {
    const limiter = new CapacityLimiter(5)
    void limiter.acquire(4)
    void limiter.acquire(2)
    return [limiter, { total: 5, available: 1, used: 4, holders: 1, waiters: 1 }]
  },
  RateLimiter: () => {
    const limiter = new RateLimiter({ limit: 2, interval: 100, burst: 3 })
    for (let i = 0; i < 5; i++) void limiter.acquire()
    return [limiter, { available: 0, burst: 3, waiters: 2 }]
  },
  Channel: () => {
    const channel = new Channel<number>({ capacity: 1 })
    void channel.clone().send(1)
    void channel.send(2)
    return [channel, { size: 1, capacity: 1, senders: 1, receivers: 0, openHandles: 2 }]
  },
  Broadcast: () => {
    const news = new Broadcast<number>({ lag: 'block', capacity: 2, history: 1 })
    news.subscribe()
    for (let i = 0; i < 4; i++) void news.publish(i)
    return [news, { subscribers: 1, publishers: 2, history: 1, closed: false }]
  },
  Subscription: () => {
    const news = new Broadcast<number>({ lag: 'drop-oldest', capacity: 2 })
    const subscription = news.subscribe()
    for (let i = 0; i < 3; i++) void news.publish(i)
    return [subscription, { size: 2, capacity: 2, dropped: 1, getters: 0 }]
  },
}

const noItems = {
  size: 0,
  maxsize: 0,
  getters: 0,
  putters: 0,
  joiners: 0,
  unfinished: 0,
  isShutDown: false,
}

test.each(Object.entries(used))(
  'statistics() of %s shows its holders, its waiters and its items',
  (_name, make) =>
    runVirtual(async () => {
      const [of, expected] = make()
      await sleep(0)
      await sleep(0)
      const statistics = of.statistics()
      expect(statistics).toEqual(expected)
      expect(Object.isFrozen(statistics)).toBe(true)
    }),
)

test('a woken waiter that has not run yet still counts as a waiter of the Semaphore', () =>
  runVirtual(async () => {
    const semaphore = new Semaphore(0)
    const waiting = createTask(() => semaphore.acquire())
    await sleep(0)
    semaphore.release()
    expect(semaphore.statistics()).toEqual({ value: 0, holders: 0, waiters: 1 })
    await waiting
    expect(semaphore.statistics()).toEqual({ value: 0, holders: 1, waiters: 0 })
  }))
