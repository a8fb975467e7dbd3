import { type CoroutineGenerator, createTask, ensureFuture, sleep } from '@tasktree/core'
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
  type Releaser,
  RWLock,
  Semaphore,
} from '@tasktree/sync'
import { expect, test } from 'vitest'

/** A generator coroutine that waits, a function that lets it go on, its expected value, and what must be left afterwards. */
interface Wait {
  wait: () => CoroutineGenerator<unknown>
  grant: () => unknown
  value: unknown
  left: () => object
  balance: object
}

/** A wait for a lock or a permit that is held. The coroutine then holds it in a `using` block. */
function guard(
  acquire: () => ReturnType<Lock['acquire']>,
  left: () => object,
  balance: object,
): Wait {
  const held: Releaser = acquire().result()
  return {
    *wait() {
      using hold = yield* acquire()
      yield* sleep(1)
      return typeof hold.release
    },
    grant: () => held.release(),
    value: 'function',
    left,
    balance,
  }
}

function queue(Kind: typeof Queue<number>): Wait {
  const items = new Kind({ maxsize: 1 })
  return {
    *wait() {
      const first = yield* items.get()
      yield* items.put(2)
      yield* items.put(3)
      items.taskDone()
      yield* items.join()
      return first
    },
    grant: async () => {
      items.putNowait(1)
      await sleep(1)
      expect(await items.get()).toBe(2)
      await sleep(1)
      expect(await items.get()).toBe(3)
      items.taskDone()
      items.taskDone()
    },
    value: 1,
    left: () => items.statistics(),
    balance: { size: 0, getters: 0, putters: 0, joiners: 0, unfinished: 0 },
  }
}

const kinds: Record<string, () => Wait> = {
  Lock: () => {
    const lock = new Lock()
    const balance = { locked: false, holders: 0, waiters: 0 }
    return guard(
      () => lock.acquire(),
      () => lock.statistics(),
      balance,
    )
  },
  Semaphore: () => {
    const semaphore = new Semaphore(1)
    const balance = { value: 1, holders: 0, waiters: 0 }
    return guard(
      () => semaphore.acquire(),
      () => semaphore.statistics(),
      balance,
    )
  },
  BoundedSemaphore: () => {
    const semaphore = new BoundedSemaphore(1)
    const balance = { value: 1, holders: 0, waiters: 0 }
    return guard(
      () => semaphore.acquire(),
      () => semaphore.statistics(),
      balance,
    )
  },
  'RWLock, reading': () => {
    const lock = new RWLock()
    const writing = lock.write().result()
    return {
      *wait() {
        using _ = yield* lock.read()
        return lock.statistics().readers
      },
      grant: () => writing.release(),
      value: 1,
      left: () => lock.statistics(),
      balance: { readers: 0, writers: 0, waiters: 0 },
    }
  },
  'RWLock, writing': () => {
    const lock = new RWLock()
    const balance = { readers: 0, writers: 0, waiters: 0 }
    return guard(
      () => lock.write(),
      () => lock.statistics(),
      balance,
    )
  },
  CapacityLimiter: () => {
    const limiter = new CapacityLimiter(4)
    const balance = { total: 4, available: 4, used: 0, holders: 0, waiters: 0 }
    return guard(
      () => limiter.acquire(3),
      () => limiter.statistics(),
      balance,
    )
  },
  RateLimiter: () => {
    const limiter = new RateLimiter({ limit: 1, interval: 100 })
    return {
      *wait() {
        yield* limiter.acquire()
        yield* limiter.acquire()
        return limiter.statistics().available
      },
      grant: () => {},
      value: 0,
      left: () => ({ waiters: limiter.statistics().waiters }),
      balance: { waiters: 0 },
    }
  },
  Event: () => {
    const event = new Event()
    return {
      wait: () => event.wait()[Symbol.iterator](),
      grant: () => event.set(),
      value: true,
      left: () => event.statistics(),
      balance: { set: true, waiters: 0 },
    }
  },
  Condition: () => {
    const condition = new Condition()
    return {
      *wait() {
        using _ = yield* condition.acquire()
        // A method that returns a promise runs in a child task. The Releaser of this task stays valid.
        yield* ensureFuture(() => condition.wait())
        return condition.locked()
      },
      grant: () => condition.runExclusive(() => condition.notify()),
      value: true,
      left: () => condition.statistics(),
      balance: { locked: false, holders: 0, waiters: 0, acquiring: 0 },
    }
  },
  Barrier: () => {
    const barrier = new Barrier(2)
    return {
      wait: () => ensureFuture(() => barrier.wait())[Symbol.iterator](),
      grant: () => barrier.wait(),
      value: 0,
      left: () => barrier.statistics(),
      balance: { state: 'filling', waiters: 0, leaving: 0, blocked: 0, broken: false },
    }
  },
  Queue: () => queue(Queue),
  LifoQueue: () => queue(LifoQueue),
  PriorityQueue: () => queue(PriorityQueue),
  Channel: () => {
    const channel = new Channel<number>({ capacity: 0 })
    return {
      *wait() {
        const received = yield* channel.receive()
        yield* channel.send(2)
        return received
      },
      grant: async () => {
        await channel.send(1)
        expect(await channel.receive()).toBe(2)
      },
      value: 1,
      left: () => channel.statistics(),
      balance: { size: 0, senders: 0, receivers: 0, openHandles: 1 },
    }
  },
  Broadcast: () => {
    const news = new Broadcast<number>({ lag: 'block', capacity: 1 })
    const reading = news.subscribe()
    void news.publish(1)
    return {
      *wait() {
        yield* news.publish(2)
        using own = news.subscribe()
        return yield* own.get()
      },
      grant: async () => {
        expect([await reading.get(), await reading.get()]).toEqual([1, 2])
        await sleep(1)
        await news.publish(3)
        reading[Symbol.dispose]()
      },
      value: 3,
      left: () => news.statistics(),
      balance: { subscribers: 0, publishers: 0, history: 0, closed: false },
    }
  },
}

test.each(Object.entries(kinds))('a generator coroutine waits for %s with yield*', (_name, make) =>
  runVirtual(async () => {
    const { wait, grant, value, left, balance } = make()
    const waiting = createTask(wait)
    await sleep(1)
    expect(waiting.done()).toBe(false)
    await grant()
    expect(await waiting).toBe(value)
    expect(left()).toMatchObject(balance)
  }),
)

test.each(Object.entries(kinds))(
  'a generator coroutine that is cancelled while it waits for %s takes nothing',
  (_name, make) =>
    runVirtual(async () => {
      const { wait, left } = make()
      const before = left()
      const waiting = createTask(wait)
      await sleep(1)
      expect(left()).not.toEqual(before)
      waiting.cancel()
      await sleep(1)
      expect(waiting.cancelled()).toBe(true)
      expect(left()).toEqual(before)
    }),
)
