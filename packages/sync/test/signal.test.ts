import { sleep } from '@tasktree/core'
import {
  Barrier,
  CapacityLimiter,
  Channel,
  Event,
  Lock,
  Queue,
  RateLimiter,
  RWLock,
  Semaphore,
} from '@tasktree/sync'
import { describe, expect, test } from 'vitest'

type Options = { signal?: AbortSignal }

/** Each waits, and has nothing else that waits; `waiters` says how many do. */
const waits: Record<
  string,
  () => [wait: (o: Options) => PromiseLike<unknown>, waiters: () => number]
> = {
  'Lock.acquire': () => {
    const lock = new Lock()
    void lock.acquire()
    return [(o) => lock.acquire(o), () => lock.statistics().waiters]
  },
  'Semaphore.acquire': () => {
    const semaphore = new Semaphore(0)
    return [(o) => semaphore.acquire(o), () => semaphore.statistics().waiters]
  },
  'Event.wait': () => {
    const event = new Event()
    return [(o) => event.wait(o), () => event.statistics().waiters]
  },
  'Barrier.wait': () => {
    const barrier = new Barrier(2)
    return [(o) => barrier.wait(o), () => barrier.statistics().waiters]
  },
  'Queue.get': () => {
    const queue = new Queue()
    return [(o) => queue.get(o), () => queue.statistics().getters]
  },
  'Queue.put': () => {
    const queue = new Queue<number>({ maxsize: 1 })
    queue.putNowait(1)
    return [(o) => queue.put(2, o), () => queue.statistics().putters]
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
