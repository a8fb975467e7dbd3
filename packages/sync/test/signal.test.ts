import { sleep } from '@tasktree/core'
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
import { describe, expect, test } from 'vitest'

type Options = { signal?: AbortSignal }

/** A wait of something that has nothing else that waits; `waiters` says how many do. */
type Waiting = [wait: (o: Options) => PromiseLike<unknown>, waiters: () => number]

function queueWaits(Kind: typeof Queue<number>): Record<string, () => Waiting> {
  const full = (): Queue<number> => {
    const queue = new Kind({ maxsize: 1 })
    queue.putNowait(1)
    return queue
  }
  return {
    [`${Kind.name}.get`]: () => {
      const queue = new Kind()
      return [(o) => queue.get(o), () => queue.statistics().getters]
    },
    [`${Kind.name}.put`]: () => {
      const queue = full()
      return [(o) => queue.put(2, o), () => queue.statistics().putters]
    },
    [`${Kind.name}.join`]: () => {
      const queue = full()
      return [(o) => queue.join(o), () => queue.statistics().joiners]
    },
  }
}

const waits: Record<string, () => Waiting> = {
  'Lock.acquire': () => {
    const lock = new Lock()
    void lock.acquire()
    return [(o) => lock.acquire(o), () => lock.statistics().waiters]
  },
  'Lock.runExclusive': () => {
    const lock = new Lock()
    void lock.acquire()
    return [(o) => lock.runExclusive(() => {}, o), () => lock.statistics().waiters]
  },
  'Semaphore.acquire': () => {
    const semaphore = new Semaphore(0)
    return [(o) => semaphore.acquire(o), () => semaphore.statistics().waiters]
  },
  'Semaphore.runExclusive': () => {
    const semaphore = new Semaphore(0)
    return [(o) => semaphore.runExclusive(() => {}, o), () => semaphore.statistics().waiters]
  },
  'BoundedSemaphore.acquire': () => {
    const semaphore = new BoundedSemaphore(0)
    return [(o) => semaphore.acquire(o), () => semaphore.statistics().waiters]
  },
  'Event.wait': () => {
    const event = new Event()
    return [(o) => event.wait(o), () => event.statistics().waiters]
  },
  'Condition.acquire': () => {
    const condition = new Condition()
    void condition.acquire()
    return [(o) => condition.acquire(o), () => condition.statistics().acquiring]
  },
  'Condition.runExclusive': () => {
    const condition = new Condition()
    void condition.acquire()
    return [(o) => condition.runExclusive(() => {}, o), () => condition.statistics().acquiring]
  },
  'Condition.wait': () => {
    const condition = new Condition()
    void condition.acquire()
    return [(o) => condition.wait(o), () => condition.statistics().waiters]
  },
  'Condition.waitFor': () => {
    const condition = new Condition()
    void condition.acquire()
    return [(o) => condition.waitFor(() => false, o), () => condition.statistics().waiters]
  },
  'Barrier.wait': () => {
    const barrier = new Barrier(2)
    return [(o) => barrier.wait(o), () => barrier.statistics().waiters]
  },
  ...queueWaits(Queue),
  ...queueWaits(LifoQueue),
  ...queueWaits(PriorityQueue),
  'RWLock.read': () => {
    const lock = new RWLock()
    void lock.write()
    return [(o) => lock.read(o), () => lock.statistics().waiters]
  },
  'RWLock.write': () => {
    const lock = new RWLock()
    void lock.read()
    return [(o) => lock.write(o), () => lock.statistics().waiters]
  },
  'CapacityLimiter.acquire': () => {
    const limiter = new CapacityLimiter(1)
    void limiter.acquire()
    return [(o) => limiter.acquire(1, o), () => limiter.statistics().waiters]
  },
  'RateLimiter.acquire': () => {
    const limiter = new RateLimiter({ limit: 1, interval: 3_600_000 })
    void limiter.acquire()
    return [(o) => limiter.acquire(1, o), () => limiter.statistics().waiters]
  },
  'Channel.receive': () => {
    const channel = new Channel({ capacity: 0 })
    return [(o) => channel.receive(o), () => channel.statistics().receivers]
  },
  'Channel.send': () => {
    const channel = new Channel<number>({ capacity: 0 })
    return [(o) => channel.send(1, o), () => channel.statistics().senders]
  },
  'Broadcast.publish': () => {
    const news = new Broadcast<number>({ lag: 'block', capacity: 1 })
    news.subscribe()
    void news.publish(1)
    return [(o) => news.publish(2, o), () => news.statistics().publishers]
  },
  'Subscription.get': () => {
    const subscription = new Broadcast<number>({ lag: 'block' }).subscribe()
    return [(o) => subscription.get(o), () => subscription.statistics().getters]
  },
}

describe.each(Object.entries(waits))('%s in plain code', (_name, make) => {
  test('ends as cancelled when its signal aborts, and leaves nothing behind', async () => {
    const [wait, waiters] = make()
    const controller = new AbortController()
    const waiting = wait({ signal: controller.signal })
    await sleep(0)
    expect(waiters()).toBe(1)
    controller.abort('enough')
    await expect(waiting).rejects.toMatchObject({ name: 'CancelledError', cause: 'enough' })
    expect(waiters()).toBe(0)
  })

  test('does not begin when its signal has aborted', async () => {
    const [wait, waiters] = make()
    await expect(wait({ signal: AbortSignal.abort('no') })).rejects.toMatchObject({
      name: 'CancelledError',
      cause: 'no',
    })
    expect(waiters()).toBe(0)
  })

  test('refuses what is no signal, and leaves no waiter behind', async () => {
    const [wait, waiters] = make()
    await expect((async () => wait({ signal: 5 as never }))()).rejects.toBeInstanceOf(TypeError)
    expect(waiters()).toBe(0)
  })
})

test.each(['reset', 'abort'] as const)(
  'a %s of a barrier does not begin when its signal has aborted',
  async (operation) => {
    const barrier = new Barrier(2)
    const options = { signal: AbortSignal.abort('no') }
    await expect(barrier[operation](options)).rejects.toMatchObject({ name: 'CancelledError' })
    expect(barrier.statistics()).toMatchObject({ state: 'filling', broken: false })
  },
)
