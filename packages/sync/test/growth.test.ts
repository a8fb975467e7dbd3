import { cancelTasks, createTask, type Future, gather, run, sleep, type Task } from '@tasktree/core'
import {
  Barrier,
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
import { test } from 'vitest'
import { expectLinear, type Measure, timed } from './support/growth.ts'

const list = <T>(n: number, make: (i: number) => T): T[] =>
  Array.from({ length: n }, (_, i) => make(i))

/** `n` waits that all end when the first is let go, since each lets the next one go. */
async function chain(
  n: number,
  wait: () => Future<{ release(): void }>,
  letGo: () => void,
): Promise<number> {
  const tasks = list(n, () =>
    createTask(async () => {
      const hold = await wait()
      hold.release()
    }),
  )
  await sleep(1)
  return timed(async () => {
    letGo()
    await gather(tasks)
  })
}

/** `n` waits that are cancelled, the last ones first. */
async function cancelled(n: number, wait: () => PromiseLike<unknown>): Promise<number> {
  const tasks: Task[] = list(n, () => createTask(async () => wait()))
  await sleep(1)
  return timed(() => cancelTasks(tasks.toReversed()))
}

const operations: Record<string, Measure> = {
  'a Lock that goes from one to the next': (n) => {
    const lock = new Lock()
    const held = lock.acquireNowait()
    return chain(
      n,
      () => lock.acquire(),
      () => held.release(),
    )
  },
  'cancelled waiters of a Lock': (n) => {
    const lock = new Lock()
    lock.acquireNowait()
    return cancelled(n, () => lock.acquire())
  },
  'a Semaphore that goes from one to the next': (n) => {
    const semaphore = new Semaphore(0)
    return chain(
      n,
      () => semaphore.acquire(),
      () => semaphore.release(),
    )
  },
  'an RWLock with readers behind a writer': (n) => {
    const lock = new RWLock()
    const held = lock.write()
    return chain(
      n,
      () => lock.read(),
      () => held.result().release(),
    )
  },
  'a CapacityLimiter that goes from one to the next': (n) => {
    const limiter = new CapacityLimiter(1)
    const held = limiter.acquireNowait()
    return chain(
      n,
      () => limiter.acquire(),
      () => held.release(),
    )
  },
  'a total that is lowered and raised': async (n) => {
    const limiter = new CapacityLimiter(2)
    limiter.acquireNowait(2)
    const waiting = list(n, (i) => limiter.acquire(1 + (i % 2)))
    const time = await timed(() => {
      limiter.total = 1
      limiter.total = 2
    })
    for (const wait of waiting) wait.cancel()
    return time
  },
  'an Event that is set': async (n) => {
    const event = new Event()
    const waiting = list(n, () => createTask(() => event.wait()))
    await sleep(1)
    return timed(async () => {
      event.set()
      await gather(waiting)
    })
  },
  'Condition.notifyAll': async (n) => {
    const condition = new Condition()
    const waiting = list(n, () => createTask(() => condition.runExclusive(() => condition.wait())))
    await sleep(1)
    return timed(async () => {
      await condition.runExclusive(() => condition.notifyAll())
      await gather(waiting)
    })
  },
  'a Barrier for all': (n) => {
    const barrier = new Barrier(n)
    return timed(() => gather(list(n, () => () => barrier.wait())))
  },
  'items through a Queue': async (n) => {
    const queue = new Queue<number>()
    return timed(() => {
      for (let i = 0; i < n; i++) queue.putNowait(i)
      for (let i = 0; i < n; i++) queue.getNowait()
    })
  },
  'items through a LifoQueue': async (n) => {
    const queue = new LifoQueue<number>()
    return timed(() => {
      for (let i = 0; i < n; i++) queue.putNowait(i)
      for (let i = 0; i < n; i++) queue.getNowait()
    })
  },
  'equal items through a PriorityQueue': async (n) => {
    const queue = new PriorityQueue<number>()
    return timed(() => {
      for (let i = 0; i < n; i++) queue.putNowait(1)
      for (let i = 0; i < n; i++) queue.getNowait()
    })
  },
  'waiting getters of a Queue': async (n) => {
    const queue = new Queue<number>()
    const waiting = list(n, () => createTask(() => queue.get()))
    await sleep(1)
    return timed(async () => {
      for (let i = 0; i < n; i++) queue.putNowait(i)
      await gather(waiting)
    })
  },
  'a shutdown that drops all items': async (n) => {
    const queue = new Queue<number>()
    for (let i = 0; i < n; i++) queue.putNowait(i)
    return timed(() => queue.shutdown(true))
  },
  'waiting receivers of a Channel': async (n) => {
    const channel = new Channel<number>({ capacity: 0 })
    const waiting = list(n, () => createTask(() => channel.receive()))
    await sleep(1)
    return timed(async () => {
      for (let i = 0; i < n; i++) channel.sendNowait(i)
      await gather(waiting)
    })
  },
  'waiting publishers of a Broadcast': async (n) => {
    const news = new Broadcast<number>({ lag: 'block', capacity: 1 })
    const subscription = news.subscribe()
    const waiting = list(n, (i) => createTask(() => news.publish(i)))
    await sleep(1)
    return timed(async () => {
      for (let i = 0; i < n; i++) await subscription.get()
      await gather(waiting)
    })
  },
  'waiting acquires of a RateLimiter': async (n) => {
    const limiter = new RateLimiter({ limit: 1e9, interval: 1, burst: 1 })
    const waiting = list(n, () => createTask(() => limiter.acquire()))
    return timed(() => gather(waiting))
  },
}

test.each(Object.keys(operations))(
  'ten times as many take about ten times as long: %s',
  { tags: ['slow'] },
  (name) =>
    expectLinear((n) => run(() => (operations[name] as Measure)(n), { handleSignals: false })),
)
