import { currentTask } from '@tasktree/core'
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

/** One call holds a primitive, and two more calls want it. Returns the order in which they get it. */
async function inTurn(acquire: () => PromiseLike<Releaser>): Promise<string[]> {
  const log: string[] = []
  const enter = async (name: string): Promise<void> => {
    using _ = await acquire()
    log.push(`${name} in`)
    await Promise.resolve()
    log.push(`${name} out`)
  }
  await Promise.all(['a', 'b', 'c'].map(enter))
  return log
}

const oneByOne = ['a in', 'a out', 'b in', 'b out', 'c in', 'c out']

async function passOn(queue: Queue<number>): Promise<number[]> {
  const produce = async (): Promise<void> => {
    for (const item of [1, 2, 3]) await queue.put(item)
    await queue.join()
    queue.shutdown()
  }
  const got: number[] = []
  const consume = async (): Promise<void> => {
    for await (const item of queue) {
      got.push(item)
      queue.taskDone()
    }
  }
  await Promise.all([consume(), produce()])
  return got
}

const uses: Record<string, [use: () => Promise<unknown>, result: unknown]> = {
  Lock: [
    () => {
      const lock = new Lock()
      return inTurn(() => lock.acquire())
    },
    oneByOne,
  ],
  Semaphore: [
    () => {
      const semaphore = new Semaphore(1)
      return inTurn(() => semaphore.acquire())
    },
    oneByOne,
  ],
  BoundedSemaphore: [
    () => {
      const semaphore = new BoundedSemaphore(1)
      return inTurn(() => semaphore.acquire())
    },
    oneByOne,
  ],
  RWLock: [
    () => {
      const lock = new RWLock()
      return inTurn(() => lock.write())
    },
    oneByOne,
  ],
  CapacityLimiter: [
    () => {
      const limiter = new CapacityLimiter(3)
      return inTurn(() => limiter.acquire(2))
    },
    oneByOne,
  ],
  Event: [
    () => {
      const event = new Event()
      const waiting = Promise.all([event.wait(), event.wait()])
      event.set()
      return waiting
    },
    [true, true],
  ],
  Condition: [
    async () => {
      const condition = new Condition()
      let ready = false
      const waiting = condition.runExclusive(() => condition.waitFor(() => ready))
      const telling = condition.runExclusive(() => {
        ready = true
        condition.notifyAll()
      })
      return Promise.all([waiting, telling])
    },
    [true, undefined],
  ],
  Barrier: [
    async () => {
      const barrier = new Barrier(3)
      const numbers = await Promise.all([barrier.wait(), barrier.wait(), barrier.wait()])
      return numbers.toSorted((a, b) => a - b)
    },
    [0, 1, 2],
  ],
  Queue: [() => passOn(new Queue({ maxsize: 1 })), [1, 2, 3]],
  LifoQueue: [() => passOn(new LifoQueue({ maxsize: 1 })), [1, 2, 3]],
  PriorityQueue: [() => passOn(new PriorityQueue({ maxsize: 1 })), [1, 2, 3]],
  RateLimiter: [
    async () => {
      const limiter = new RateLimiter({ limit: 1, interval: 5 })
      const start = performance.now()
      await Promise.all([limiter.acquire(), limiter.acquire(), limiter.acquire()])
      // A timer of Node may fire a millisecond early.
      return performance.now() - start > 8
    },
    true,
  ],
  Channel: [
    async () => {
      const channel = new Channel<number>({ capacity: 0 })
      const sending = (async (): Promise<void> => {
        for (const item of [1, 2, 3]) await channel.send(item)
        channel.close()
      })()
      const got: number[] = []
      for await (const item of channel) got.push(item)
      await sending
      return got
    },
    [1, 2, 3],
  ],
  Broadcast: [
    async () => {
      const news = new Broadcast<number>({ lag: 'block', capacity: 1 })
      const readers = [news.subscribe(), news.subscribe()].map(async (subscription) => {
        const got: number[] = []
        for await (const message of subscription) got.push(message)
        return got
      })
      for (const message of [1, 2, 3]) await news.publish(message)
      news.close()
      return Promise.all(readers)
    },
    [
      [1, 2, 3],
      [1, 2, 3],
    ],
  ],
}

test.each(Object.entries(uses))(
  '%s works in plain code, without run()',
  async (_name, [use, result]) => {
    expect(currentTask()).toBeNull()
    expect(await use()).toEqual(result)
  },
)
