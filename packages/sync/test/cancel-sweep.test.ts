import { createTask, getRunningLoop, isCancelled, sleep, type Task } from '@tasktree/core'
import { explore, runVirtual } from '@tasktree/core/testing'
import {
  Barrier,
  BoundedSemaphore,
  BrokenBarrierError,
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
import { describe, expect, test } from 'vitest'

/**
 * One task that will be cancelled, others that want the same thing, and what lets them go on. When all
 * is over everything must be back in its place.
 */
interface Scenario {
  victim: () => Promise<unknown>
  others: (() => Promise<unknown>)[]
  grant: () => unknown
  /** When it ends, with whether the victim got through. */
  balanced: (victimDone: boolean) => unknown
}

async function use(acquire: () => PromiseLike<Releaser>): Promise<void> {
  using _ = await acquire()
  await sleep(0)
}

function queueGet(queue: Queue<number>): Scenario {
  const got: number[] = []
  const get = async (): Promise<void> => {
    const item = await queue.get()
    got.push(item)
    queue.taskDone()
  }
  return {
    victim: get,
    others: [get, get],
    grant: async () => {
      for (const item of [1, 2, 3]) queue.putNowait(item)
    },
    balanced: (done) => {
      expect(queue.qsize()).toBe(done ? 0 : 1)
      const rest = done ? [] : [queue.getNowait()]
      expect([...got, ...rest].toSorted()).toEqual([1, 2, 3])
      expect(queue.statistics()).toMatchObject({ getters: 0, putters: 0, unfinished: rest.length })
    },
  }
}

function queuePut(queue: Queue<number>): Scenario {
  queue.putNowait(0)
  const got: number[] = []
  const put = (item: number) => async (): Promise<void> => queue.put(item)
  return {
    victim: put(1),
    others: [put(2), put(3)],
    grant: async () => {
      for (let i = 0; i < 3; i++) got.push(await queue.get())
    },
    balanced: (done) => {
      while (!queue.empty()) got.push(queue.getNowait())
      expect(got.toSorted()).toEqual(done ? [0, 1, 2, 3] : [0, 2, 3])
      expect(queue.statistics()).toMatchObject({ size: 0, getters: 0, putters: 0 })
    },
  }
}

/** Three want one permit, which is held until the grant. */
function contended(
  held: Releaser,
  enter: () => Promise<void>,
  statistics: () => object,
  free: object,
): Scenario {
  return {
    victim: enter,
    others: [enter, enter],
    grant: () => held.release(),
    balanced: () => expect(statistics()).toEqual(free),
  }
}

/** Those that wait in a barrier, and one that breaks it; when that one is cancelled another one fills it. */
function breaking(operation: 'reset' | 'abort'): Scenario {
  const barrier = new Barrier(3)
  let broken = 0
  const wait = async (): Promise<void> => {
    try {
      await barrier.wait()
    } catch (error) {
      if (!(error instanceof BrokenBarrierError)) throw error
      broken++
    }
  }
  return {
    victim: () => barrier[operation](),
    others: [wait, wait],
    grant: async () => {
      await turns(60)
      if (barrier.nWaiting === 2) await barrier.wait()
      else if (barrier.nWaiting === 1) await Promise.all([wait(), wait()])
    },
    balanced: (done) => {
      expect(done || broken === 0).toBe(true)
      expect(barrier.broken).toBe(done && operation === 'abort')
      expect(barrier.statistics()).toMatchObject({ waiters: 0, leaving: 0, blocked: 0 })
    },
  }
}

/** Three loops over one source of three items, which then ends. */
function iterate(
  source: AsyncIterable<number>,
  feed: (item: number) => PromiseLike<void>,
  end: () => void,
  statistics: () => object,
  empty: object,
): Scenario {
  const got: number[] = []
  const loop = async (): Promise<void> => {
    for await (const item of source) got.push(item)
  }
  return {
    victim: loop,
    others: [loop, loop],
    grant: async () => {
      for (const item of [1, 2, 3]) await feed(item)
      end()
    },
    balanced: () => {
      expect(got.toSorted()).toEqual([1, 2, 3])
      expect(statistics()).toMatchObject(empty)
    },
  }
}

const scenarios: Record<string, () => Promise<Scenario>> = {
  'Lock.runExclusive': async () => {
    const lock = new Lock()
    return contended(
      await lock.acquire(),
      () => lock.runExclusive(() => sleep(0)),
      () => lock.statistics(),
      { locked: false, holders: 0, waiters: 0 },
    )
  },
  'Semaphore.runExclusive': async () => {
    const semaphore = new Semaphore(1)
    return contended(
      await semaphore.acquire(),
      () => semaphore.runExclusive(() => sleep(0)),
      () => semaphore.statistics(),
      { value: 1, holders: 0, waiters: 0 },
    )
  },
  'BoundedSemaphore.acquire': async () => {
    const semaphore = new BoundedSemaphore(1)
    return contended(
      await semaphore.acquire(),
      () => use(() => semaphore.acquire()),
      () => semaphore.statistics(),
      { value: 1, holders: 0, waiters: 0 },
    )
  },
  'Condition.acquire': async () => {
    const condition = new Condition()
    return contended(
      await condition.acquire(),
      () => use(() => condition.acquire()),
      () => condition.statistics(),
      { locked: false, holders: 0, waiters: 0, acquiring: 0 },
    )
  },
  'Condition.runExclusive': async () => {
    const condition = new Condition()
    return contended(
      await condition.acquire(),
      () => condition.runExclusive(() => sleep(0)),
      () => condition.statistics(),
      { locked: false, holders: 0, waiters: 0, acquiring: 0 },
    )
  },
  'Condition.waitFor': async () => {
    const condition = new Condition()
    let items = 0
    const take = (): Promise<void> =>
      condition.runExclusive(async () => {
        await condition.waitFor(() => items > 0)
        items--
      })
    return {
      victim: take,
      others: [take, take],
      // One notice an item: the one that a cancelled waiter was given must reach another.
      grant: async () => {
        for (let i = 0; i < 3; i++) {
          await condition.runExclusive(() => {
            items++
            condition.notify()
          })
        }
      },
      balanced: (done) => {
        expect(items).toBe(done ? 0 : 1)
        expect(condition.statistics()).toEqual({
          locked: false,
          holders: 0,
          waiters: 0,
          acquiring: 0,
        })
      },
    }
  },
  'Barrier.reset': async () => breaking('reset'),
  'Barrier.abort': async () => breaking('abort'),
  'RateLimiter.acquire': async () => {
    const limiter = new RateLimiter({ limit: 2, interval: 10, burst: 2 })
    const start = getRunningLoop().time()
    await limiter.acquire(2)
    const acquire = (n: number) => async (): Promise<void> => limiter.acquire(n)
    return {
      victim: acquire(1),
      others: [acquire(1), acquire(2)],
      grant: () => sleep(5),
      balanced: async (done) => {
        const missing = start + (done ? 6 : 5) * 5 - getRunningLoop().time()
        const { available, waiters } = limiter.statistics()
        expect(waiters).toBe(0)
        expect(available).toBeCloseTo(2 - Math.max(0, missing) / 5)
        await sleep(10)
        expect(limiter.statistics().available).toBe(2)
      },
    }
  },
  'Broadcast.publish': async () => {
    const news = new Broadcast<number>({ lag: 'block', capacity: 1 })
    const got: number[][] = [[], []]
    const readers = got.map((messages) => {
      const subscription = news.subscribe()
      return async (): Promise<void> => {
        for await (const message of subscription) messages.push(message)
      }
    })
    await news.publish(0)
    const publish = (message: number) => async (): Promise<void> => news.publish(message)
    const reading: Task<void>[] = []
    return {
      victim: publish(1),
      others: [publish(2), publish(3)],
      grant: () => reading.push(...readers.map((reader) => createTask(reader))),
      balanced: async (done) => {
        news.close()
        for (const task of reading) await task
        expect(got[0]?.toSorted()).toEqual(done ? [0, 1, 2, 3] : [0, 2, 3])
        expect(got[1]).toEqual(got[0])
        expect(news.statistics()).toMatchObject({ publishers: 0, subscribers: 0 })
      },
    }
  },
  'Subscription.get': async () => {
    const news = new Broadcast<number>({ lag: 'block' })
    const subscription = news.subscribe()
    const got: number[] = []
    const get = async (): Promise<void> => {
      const message = await subscription.get()
      got.push(message)
    }
    return {
      victim: get,
      others: [get, get],
      grant: async () => {
        for (const message of [1, 2, 3]) await news.publish(message)
      },
      balanced: async (done) => {
        if (!done) got.push(await subscription.get())
        expect(got.toSorted()).toEqual([1, 2, 3])
        expect(subscription.statistics()).toMatchObject({ size: 0, getters: 0 })
      },
    }
  },
  'iterating a Queue': async () => {
    const queue = new Queue<number>({ maxsize: 1 })
    return iterate(
      queue,
      (item) => queue.put(item),
      () => queue.shutdown(),
      () => queue.statistics(),
      { size: 0, getters: 0, putters: 0 },
    )
  },
  'iterating a Channel': async () => {
    const channel = new Channel<number>({ capacity: 0 })
    return iterate(
      channel,
      (item) => channel.send(item),
      () => channel.close(),
      () => channel.statistics(),
      { size: 0, senders: 0, receivers: 0, openHandles: 0 },
    )
  },
  'Lock.acquire': async () => {
    const lock = new Lock()
    const held = await lock.acquire()
    const enter = (): Promise<void> => use(() => lock.acquire())
    return {
      victim: enter,
      others: [enter, enter],
      grant: () => held.release(),
      balanced: () => expect(lock.statistics()).toEqual({ locked: false, holders: 0, waiters: 0 }),
    }
  },
  'Semaphore.acquire': async () => {
    const semaphore = new Semaphore(2)
    const held = [await semaphore.acquire(), await semaphore.acquire()]
    const enter = (): Promise<void> => use(() => semaphore.acquire())
    return {
      victim: enter,
      others: [enter, enter],
      grant: () => held.forEach((hold) => hold.release()),
      balanced: () => expect(semaphore.statistics()).toEqual({ value: 2, holders: 0, waiters: 0 }),
    }
  },
  'Event.wait': async () => {
    const event = new Event()
    const wait = async (): Promise<true> => event.wait()
    return {
      victim: wait,
      others: [wait],
      grant: () => event.set(),
      balanced: () => expect(event.statistics()).toEqual({ set: true, waiters: 0 }),
    }
  },
  'Condition.wait': async () => {
    const condition = new Condition()
    const wait = (): Promise<void> =>
      condition.runExclusive(async () => {
        try {
          await condition.wait()
        } finally {
          expect(condition.locked()).toBe(true)
        }
      })
    return {
      victim: wait,
      others: [wait],
      // A notice before anyone waits is lost, so there are many: some schedules let the waiters begin late.
      grant: async () => {
        for (let i = 0; i < 60; i++) {
          await condition.runExclusive(() => condition.notify(1))
          await sleep(0)
        }
      },
      balanced: () =>
        expect(condition.statistics()).toEqual({
          locked: false,
          holders: 0,
          waiters: 0,
          acquiring: 0,
        }),
    }
  },
  'Barrier.wait': async () => {
    const barrier = new Barrier(3)
    const wait = async (): Promise<number> => barrier.wait()
    return {
      victim: wait,
      others: [wait, wait],
      // When the victim is gone another one must fill its place.
      grant: async () => {
        await turns(60)
        if (barrier.nWaiting > 0) await barrier.wait()
      },
      balanced: () => expect(barrier.statistics()).toMatchObject({ waiters: 0, broken: false }),
    }
  },
  'Queue.get': async () => queueGet(new Queue()),
  'Queue.put': async () => queuePut(new Queue({ maxsize: 1 })),
  'PriorityQueue.get': async () => queueGet(new PriorityQueue()),
  'PriorityQueue.put': async () => queuePut(new PriorityQueue({ maxsize: 1 })),
  'LifoQueue.get': async () => queueGet(new LifoQueue()),
  'LifoQueue.put': async () => queuePut(new LifoQueue({ maxsize: 1 })),
  'Queue.join': async () => {
    const queue = new Queue<number>()
    queue.putNowait(1)
    const join = async (): Promise<void> => queue.join()
    return {
      victim: join,
      others: [join],
      grant: () => {
        queue.getNowait()
        queue.taskDone()
      },
      balanced: () => expect(queue.statistics().unfinished).toBe(0),
    }
  },
  'RWLock.read': async () => {
    const lock = new RWLock()
    const held = await lock.write()
    return {
      victim: () => use(() => lock.read()),
      others: [() => use(() => lock.write()), () => use(() => lock.read())],
      grant: () => held.release(),
      balanced: () => expect(lock.statistics()).toEqual({ readers: 0, writers: 0, waiters: 0 }),
    }
  },
  'RWLock.write': async () => {
    const lock = new RWLock()
    const held = await lock.read()
    return {
      victim: () => use(() => lock.write()),
      others: [() => use(() => lock.write()), () => use(() => lock.read())],
      grant: () => held.release(),
      balanced: () => expect(lock.statistics()).toEqual({ readers: 0, writers: 0, waiters: 0 }),
    }
  },
  'CapacityLimiter.acquire': async () => {
    const limiter = new CapacityLimiter(4)
    const held = await limiter.acquire(3)
    return {
      victim: () => use(() => limiter.acquire(4)),
      others: [() => use(() => limiter.acquire(1)), () => use(() => limiter.acquire(4))],
      grant: () => held.release(),
      balanced: () =>
        expect(limiter.statistics()).toEqual({
          total: 4,
          available: 4,
          used: 0,
          holders: 0,
          waiters: 0,
        }),
    }
  },
  'Channel.receive': async () => {
    const channel = new Channel<number>({ capacity: 0 })
    const got: number[] = []
    const receive = async (): Promise<void> => {
      const item = await channel.receive()
      got.push(item)
    }
    return {
      victim: receive,
      others: [receive],
      grant: async () => {
        await channel.send(1)
        const last = channel.send(2)
        await turns(60)
        if (!last.done()) last.cancel()
      },
      balanced: (done) => {
        if (!done && channel.statistics().size === 1) got.push(2)
        expect(got.toSorted()).toEqual(done || got.length === 2 ? [1, 2] : [1])
        expect(channel.statistics()).toMatchObject({ senders: 0, receivers: 0 })
      },
    }
  },
  'Channel.send': async () => {
    const channel = new Channel<number>({ capacity: 0 })
    const got: number[] = []
    return {
      victim: async () => channel.send(1),
      others: [async () => channel.send(2)],
      grant: async () => {
        got.push(await channel.receive())
        await turns(60)
        if (channel.statistics().senders > 0) got.push(await channel.receive())
      },
      balanced: (done) => {
        expect(got.toSorted()).toEqual(done ? [1, 2] : [2])
        expect(channel.statistics()).toMatchObject({ size: 0, senders: 0, receivers: 0 })
      },
    }
  },
}

async function outcome(task: Task): Promise<boolean> {
  try {
    await task
    return true
  } catch (error) {
    if (!isCancelled(error)) throw error
    return false
  }
}

async function turns(n: number): Promise<void> {
  for (let i = 0; i < n; i++) await sleep(0)
}

describe.each(Object.entries(scenarios))('%s', (_name, make) => {
  test.each([...Array(13).keys()])('cancelled after %i turns leaves all in balance', async (n) => {
    await runVirtual(async () => {
      const { victim, others, grant, balanced } = await make()
      const doomed = createTask(victim)
      const rest = others.map((other) => createTask(other))
      const granting = createTask(async () => {
        await turns(3)
        await grant()
      })
      await turns(n)
      doomed.cancel()
      const done = await outcome(doomed)
      await granting
      for (const task of rest) await task
      await balanced(done)
    })
  })

  test.each(['before', 'after'])(
    'cancelled right %s the grant leaves all in balance',
    async (when) => {
      await runVirtual(async () => {
        const { victim, others, grant, balanced } = await make()
        const doomed = createTask(victim)
        const rest = others.map((other) => createTask(other))
        await turns(3)
        if (when === 'before') doomed.cancel()
        const granted = grant()
        if (when === 'after') doomed.cancel()
        await granted
        const done = await outcome(doomed)
        for (const task of rest) await task
        await balanced(done)
      })
    },
  )

  test(
    'cancelled at any time under any schedule leaves all in balance',
    { tags: ['slow'] },
    async () => {
      await explore(
        async () => {
          const { victim, others, grant, balanced } = await make()
          const doomed = createTask(victim)
          const rest = others.map((other) => createTask(other))
          const granting = createTask(async () => grant())
          await turns(2)
          doomed.cancel()
          const done = await outcome(doomed)
          await granting
          for (const task of rest) await task
          await balanced(done)
        },
        { seeds: 1000 },
      )
    },
  )
})
