import {
  createTask,
  gather,
  getEventLoop,
  moveOnAfter,
  sleep,
  type Task,
  wait,
  why,
} from '@tasktree/core'
import {
  CapacityLimiter,
  Channel,
  Lock,
  PriorityQueue,
  Queue,
  RateLimiter,
  RWLock,
  Semaphore,
} from '@tasktree/sync'
import { describe, expect } from 'vitest'
import { virtual } from './support/virtual.ts'

// When a cancel of the task is due, an operation that could end at once waits all the same, so that the cancel ends it before the
// operation takes anything.

/** Returns a native promise that resolves after `ms` milliseconds of virtual time. */
const foreign = (ms: number): Promise<void> =>
  new Promise((resolve) => void getEventLoop().callLater(ms, resolve))

function throws(fn: () => unknown): boolean {
  try {
    fn()
    return false
  } catch {
    return true
  }
}

/** Two operations that could end at once, and whether one of them has taken something. */
interface Pair {
  begin(): PromiseLike<unknown>[]
  hasTaken(): boolean
}

const pairs: Record<string, () => Pair> = {
  'Lock.acquire': () => {
    const locks = [new Lock(), new Lock()]
    return {
      begin: () => locks.map((lock) => lock.acquire()),
      hasTaken: () => locks.some((lock) => lock.locked()),
    }
  },
  'Semaphore.acquire': () => {
    const semaphore = new Semaphore(2)
    return {
      begin: () => [semaphore.acquire(), semaphore.acquire()],
      hasTaken: () => semaphore.statistics().holders > 0,
    }
  },
  'CapacityLimiter.acquire': () => {
    const limiter = new CapacityLimiter(2)
    return {
      begin: () => [limiter.acquire(), limiter.acquire()],
      hasTaken: () => limiter.available < 2,
    }
  },
  'RWLock.write': () => {
    const locks = [new RWLock(), new RWLock()]
    return {
      begin: () => locks.map((lock) => lock.write()),
      hasTaken: () => locks.some((lock) => lock.statistics().writers > 0),
    }
  },
  'RateLimiter.acquire': () => {
    const limiter = new RateLimiter({ limit: 1, interval: 1_000_000, burst: 2 })
    return {
      begin: () => [limiter.acquire(), limiter.acquire()],
      hasTaken: () => throws(() => limiter.acquireNowait(2)),
    }
  },
  'Queue.get': () => {
    const queue = new Queue<number>()
    for (const item of [1, 2]) queue.putNowait(item)
    return { begin: () => [queue.get(), queue.get()], hasTaken: () => queue.qsize() < 2 }
  },
  'Queue.put': () => {
    const queue = new Queue<number>()
    return { begin: () => [queue.put(1), queue.put(2)], hasTaken: () => queue.qsize() > 0 }
  },
  'Channel.receive': () => {
    const channel = new Channel<number>({ capacity: 2 })
    for (const item of [1, 2]) channel.sendNowait(item)
    return {
      begin: () => [channel.receive(), channel.receive()],
      hasTaken: () => throws(() => [channel.receiveNowait(), channel.receiveNowait()]),
    }
  },
}

const together: Record<string, (operations: PromiseLike<unknown>[]) => PromiseLike<unknown>> = {
  'Promise.all': (operations) => Promise.all(operations),
  'Promise.allSettled': (operations) => Promise.allSettled(operations),
  'Promise.race': (operations) => Promise.race(operations),
  gather: (operations) => gather(operations as Promise<unknown>[]),
}

const cancels: Record<string, (body: () => Promise<void>) => PromiseLike<unknown>> = {
  'a cancel of the task': async (body) => {
    const task = createTask(body)
    await sleep(10)
    task.cancel()
    await task.catch(() => {})
  },
  moveOnAfter: (body) => moveOnAfter(10, body),
}

describe.each(Object.keys(pairs))(
  'two calls of %s, made while a cancel of the task is due',
  (name) => {
    for (const [how, join] of Object.entries(together)) {
      for (const [what, cancel] of Object.entries(cancels)) {
        virtual(`take nothing in ${how}, after ${what}`, async () => {
          const pair = (pairs[name] as () => Pair)()
          await cancel(async () => {
            await foreign(20)
            await join(pair.begin())
          })
          await sleep(30)
          expect(pair.hasTaken()).toBe(false)
        })
      }
    }
  },
)

/**
 * Returns a task that calls `body` 20 ms from now, when a cancel of the task is due. `body` gets a function that takes
 * this cancel.
 */
function withDueCancel(body: (takeCancel: () => Promise<void>) => Promise<void>): Task<void> {
  const task = createTask(
    async () => {
      await foreign(20)
      await body(() => sleep(1).catch(() => {}))
    },
    { name: 'T' },
  )
  getEventLoop().callLater(5, () => task.cancel())
  return task
}

describe('Lock.acquire that was called while a cancel was due, and is awaited after the cancel was caught', () => {
  virtual('takes the lock for the task that has called it', async () => {
    const lock = new Lock({ name: 'L' })
    const task = withDueCancel(async (takeCancel) => {
      const acquired = lock.acquire()
      await takeCancel()
      await acquired
      await sleep(1_000)
    })
    await sleep(30)
    const waiter = createTask(() => lock.acquire(), { name: 'W' })
    await sleep(1)
    expect(why(waiter)).toMatch(/^W waits for lock 'L' \(held by task 'T'\), which sleeps for/)
    for (const each of [waiter, task]) each.cancel()
  })

  virtual('is shown by why() with the lock that it waits for', async () => {
    const lock = new Lock({ name: 'L' })
    const task = withDueCancel(async (takeCancel) => {
      const acquired = lock.acquire()
      lock.acquireNowait()
      await takeCancel()
      await acquired
    })
    await sleep(30)
    expect(why(task)).toBe("T waits for lock 'L' (held by task 'T'): a circle")
    task.cancel()
  })

  virtual(
    'does not keep the lock if another cancel comes while the lock is handed over',
    async () => {
      for (const delay of [0, 1, 2, 3, 4]) {
        const lock = new Lock()
        const task = withDueCancel(async (takeCancel) => {
          const acquired = lock.acquire()
          lock.acquireNowait()
          await takeCancel()
          const releaser = await acquired
          releaser.release()
        })
        await sleep(30)
        lock.release()
        for (let i = 0; i < delay; i++) await sleep(0)
        task.cancel()
        await wait([task])
        expect(lock.locked(), `a cancel ${delay} turns after the release`).toBe(false)
      }
    },
  )
})

virtual(
  'Queue.put that is called while a cancel is due rejects with the error of its comparison',
  async () => {
    const queue = new PriorityQueue<number>({
      compare: () => {
        throw new Error('no order')
      },
    })
    queue.putNowait(1)
    const outcomes: Promise<unknown>[] = []
    const task = createTask(async () => {
      await foreign(1)
      outcomes.push(queue.put(2).catch((error: Error) => error.message))
    })
    await sleep(0)
    task.cancel()
    await wait([task])
    expect(await Promise.all(outcomes)).toEqual(['no order'])
  },
)
