import { createTask, DeadlockError, formatTaskTree, sleep } from '@tasktree/core'
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
import { inspect } from 'node:util'
import { expect, test } from 'vitest'

interface Named {
  readonly name: string
}

const makers: Record<string, (name?: string) => Named> = {
  Lock: (name) => new Lock({ name }),
  Event: (name) => new Event({ name }),
  Condition: (name) => new Condition(undefined, { name }),
  Semaphore: (name) => new Semaphore(1, { name }),
  BoundedSemaphore: (name) => new BoundedSemaphore(1, { name }),
  Barrier: (name) => new Barrier(1, { name }),
  RWLock: (name) => new RWLock({ name }),
  CapacityLimiter: (name) => new CapacityLimiter(1, { name }),
  RateLimiter: (name) => new RateLimiter({ limit: 1, interval: 1, name }),
  Queue: (name) => new Queue({ name }),
  LifoQueue: (name) => new LifoQueue({ name }),
  PriorityQueue: (name) => new PriorityQueue({ name }),
  Channel: (name) => new Channel({ capacity: 1, name }),
  Broadcast: (name) => new Broadcast({ lag: 'block', name }),
}

test.each(Object.entries(makers))(
  'a %s without a name is named by its kind and a number',
  (kind, make) => {
    const [first, second] = [make(), make()]
    const number = Number(first.name.split('#')[1])
    expect(first.name).toBe(`${kind} #${number}`)
    expect(second.name).toBe(`${kind} #${number + 1}`)
  },
)

test.each(Object.entries(makers))('a %s has the name of its name option', (kind, make) => {
  expect(make('mine').name).toBe('mine')
  expect(inspect(make('mine'))).toMatch(new RegExp(`^<${kind} "mine" .*=.*>$`))
})

test.each(Object.entries(makers))('a %s refuses a name that is not a string', (_kind, make) => {
  expect(() => make(5 as never)).toThrow('the option name must be a string, got number 5')
})

test.each([
  ['a Lock', () => new Lock('mine' as never)],
  ['an Event', () => new Event('mine' as never)],
  ['a Condition', () => new Condition(undefined, 'mine' as never)],
  ['a semaphore', () => new Semaphore(1, 'mine' as never)],
  ['a Barrier', () => new Barrier(1, 'mine' as never)],
  ['an RWLock', () => new RWLock('mine' as never)],
  ['a CapacityLimiter', () => new CapacityLimiter(1, 'mine' as never)],
])('%s refuses a string in place of its options', (what, make) => {
  expect(make).toThrow(TypeError)
  expect(make).toThrow(`${what} takes`)
  expect(make).toThrow('got string mine')
})

test('console.log shows the name and the statistics of a primitive', async () => {
  const lock = new Lock({ name: 'db' })
  expect(inspect(lock)).toBe('<Lock "db" locked=false holders=0 waiters=0>')
  using _ = await lock.acquire()
  const waiting = lock.acquire()
  expect(inspect({ lock })).toBe('{ lock: <Lock "db" locked=true holders=1 waiters=1> }')
  waiting.cancel()
  const queue = new Queue({ maxsize: 2, name: 'jobs' })
  queue.putNowait(1)
  expect(inspect(queue)).toBe(
    '<Queue "jobs" size=1 maxsize=2 getters=0 putters=0 joiners=0 unfinished=1 isShutDown=false>',
  )
  const channel = new Channel({ capacity: 1, name: 'results' })
  expect(inspect(channel.clone())).toBe(inspect(channel))
})

/** Runs `wait` in a task, and returns the words with which the task tree shows what the task waits on. */
async function shown(wait: () => PromiseLike<unknown>): Promise<string> {
  const task = createTask(async () => {
    await wait()
  })
  await sleep(1)
  const line = formatTaskTree()
    .split('\n')
    .find((each) => each.includes(task.name))
  task.cancel()
  return line?.split('waiting on ')[1] ?? `nothing: ${line}`
}

test('the task tree names the primitive that each task waits on, and the task that holds it', () =>
  runVirtual(async () => {
    const lock = new Lock({ name: 'db' })
    const holder = createTask(() => lock.runExclusive(() => sleep(1000)), { name: 'migration' })
    await sleep(1)
    expect(await shown(() => lock.acquire())).toBe('Lock "db", held by migration')

    const rw = new RWLock({ name: 'cache' })
    const held = await rw.read()
    expect(await shown(() => rw.write())).toMatch(/^RWLock "cache", to write, held by readers /)
    held.release()
    await rw.write()
    expect(await shown(() => rw.read())).toMatch(/^RWLock "cache", to read, held by writer /)

    expect(await shown(() => new Event({ name: 'ready' }).wait())).toBe(
      'Event "ready", which is not set',
    )
    const condition = new Condition(undefined, { name: 'state' })
    expect(await shown(() => condition.runExclusive(() => condition.wait()))).toBe(
      'Condition "state", to be notified',
    )
    const semaphore = new Semaphore(1, { name: 'pool' })
    semaphore.acquireNowait()
    expect(await shown(() => semaphore.acquire())).toBe(
      'Semaphore "pool", 1 of whose permits are held',
    )
    expect(await shown(() => new Barrier(3, { name: 'start' }).wait())).toBe(
      'Barrier "start", to which 1 of 3 have come',
    )
    const limiter = new CapacityLimiter(4, { name: 'memory' })
    limiter.acquireNowait(3)
    expect(await shown(() => limiter.acquire(2))).toBe(
      'CapacityLimiter "memory", for 2 of 4 (1 free)',
    )
    const rate = new RateLimiter({ limit: 1, interval: 1000, name: 'api' })
    rate.acquireNowait()
    expect(await shown(() => rate.acquire())).toBe('RateLimiter "api", for 1 of its tokens')

    const queue = new Queue({ maxsize: 1, name: 'jobs' })
    expect(await shown(() => queue.get())).toBe('Queue "jobs", to get an item')
    queue.putNowait(1)
    expect(await shown(() => queue.put(2))).toBe('Queue "jobs", to put an item (it holds 1)')
    expect(await shown(() => queue.join())).toBe(
      'Queue "jobs", until its 1 unfinished items are done',
    )
    const channel = new Channel({ capacity: 0, name: 'results' })
    expect(await shown(() => channel.receive())).toBe('Channel "results", to receive an item')
    expect(await shown(() => channel.clone().send(1))).toBe('Channel "results", to send an item')
    const news = new Broadcast({ lag: 'block', capacity: 1, name: 'news' })
    const subscription = news.subscribe()
    expect(await shown(() => subscription.get())).toBe('Queue "of news", to get an item')
    await news.publish(1)
    expect(await shown(() => news.publish(2))).toBe(
      'Broadcast "news", to publish while a subscriber lags',
    )
    holder.cancel()
  }))

test('a DeadlockError names the locks and the tasks that hold them', async () => {
  const [a, b] = [new Lock({ name: 'a' }), new Lock({ name: 'b' })]
  const both = async (first: Lock, second: Lock): Promise<void> => {
    using _first = await first.acquire()
    await sleep(1)
    using _second = await second.acquire()
  }
  const error = await runVirtual(async () => {
    const tasks = [
      createTask(() => both(a, b), { name: 'left' }),
      createTask(() => both(b, a), { name: 'right' }),
    ]
    for (const task of tasks) await task
  }).catch((error: unknown) => error)
  expect(error).toBeInstanceOf(DeadlockError)
  expect((error as Error).message).toContain('left  waiting on Lock "b", held by right')
  expect((error as Error).message).toContain('right  waiting on Lock "a", held by left')
})
