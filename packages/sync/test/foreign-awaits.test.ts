import {
  cancelScope,
  createTask,
  currentTask,
  isCancelled,
  moveOnAfter,
  run,
  shielded,
  sleep,
  taskGroup,
  timeout,
} from '@tasktree/core'
import {
  Broadcast,
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

// These programs call operations that could all end at once, and otherwise wait only for native promises. If a cancel comes while a
// program waits for such a promise, the next operation must throw it before the operation takes anything.

/** Returns a native promise, whose wait no cancel can end. */
const foreign = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** For each operation, a function that calls it, and a function that says whether something was lost. */
const operations: Record<string, () => { take: () => PromiseLike<unknown>; lost: () => boolean }> =
  {
    'Queue.get': () => {
      const queue = new Queue<number>()
      for (let i = 0; i < 1_000; i++) queue.putNowait(i)
      let taken = 0
      return {
        take: () => queue.get().then(() => taken++),
        lost: () => taken + queue.qsize() !== 1_000,
      }
    },
    'Queue.put': () => {
      const queue = new Queue<number>()
      let put = 0
      return { take: () => queue.put(put).then(() => put++), lost: () => queue.qsize() !== put }
    },
    'Queue.join': () => ({ take: (queue = new Queue()) => queue.join(), lost: () => false }),
    'Lock.acquire': () => {
      const lock = new Lock()
      return {
        take: async () => {
          const hold = await lock.acquire()
          hold.release()
        },
        lost: () => lock.locked(),
      }
    },
    'Semaphore.acquire': () => {
      const semaphore = new Semaphore(1)
      return {
        take: async () => {
          const permit = await semaphore.acquire()
          permit.release()
        },
        lost: () => semaphore.locked(),
      }
    },
    'CapacityLimiter.acquire': () => {
      const limiter = new CapacityLimiter(1)
      return {
        take: async () => {
          const share = await limiter.acquire()
          share.release()
        },
        lost: () => limiter.available !== 1,
      }
    },
    'RWLock.read': () => {
      const lock = new RWLock()
      return {
        take: async () => {
          const share = await lock.read()
          share.release()
        },
        lost: () => false,
      }
    },
    'RateLimiter.acquire': () => {
      const limiter = new RateLimiter({ limit: 1_000_000, interval: 1 })
      return { take: () => limiter.acquire(), lost: () => false }
    },
    'Event.wait': () => {
      const event = new Event()
      event.set()
      return { take: () => event.wait(), lost: () => false }
    },
    'Channel.receive': () => {
      const channel = new Channel<number>({ capacity: 1_000 })
      for (let i = 0; i < 1_000; i++) channel.sendNowait(i)
      let taken = 0
      return {
        take: () => channel.receive().then(() => taken++),
        lost: () => {
          let left = 0
          for (;;) {
            try {
              channel.receiveNowait()
              left++
            } catch {
              return taken + left !== 1_000
            }
          }
        },
      }
    },
    'Broadcast.publish': () => {
      const broadcast = new Broadcast<number>({ lag: 'drop-oldest' })
      return { take: () => broadcast.publish(1), lost: () => false }
    },
  }

/** Ways to cancel `body`. Each of them ends it. */
const cancels: Record<string, (body: () => Promise<void>) => Promise<unknown>> = {
  'a cancel of the task': async (body) => {
    const task = createTask(body)
    await foreign(12)
    task.cancel()
    await task.catch((error: unknown) => {
      if (!isCancelled(error)) throw error
    })
  },
  moveOnAfter: (body) => moveOnAfter(12, body),
  timeout: (body) => timeout(12, body).catch(() => {}),
  'a sibling that fails': (body) =>
    taskGroup(async (group) => {
      group.createTask(body)
      group.createTask(async () => {
        await foreign(12)
        throw new Error('the sibling')
      })
    }).catch(() => {}),
}

describe.each(Object.keys(operations))('%s in a loop that also awaits foreign promises', (name) => {
  test.each(Object.keys(cancels))('is ended by %s, and loses nothing', (how) =>
    run(async () => {
      const { take, lost } = (operations[name] as (typeof operations)[string])()
      let rounds = 0
      const body = async (): Promise<void> => {
        for (; rounds < 200; rounds++) {
          await take()
          await foreign(2)
        }
      }
      await (cancels[how] as (typeof cancels)[string])(body)
      // Without the cancel, the body would go on for 200 rounds.
      expect(rounds).toBeLessThan(100)
      expect(lost()).toBe(false)
    }),
  )
})

test('a timeout ends a for await loop over a Queue in the middle, and the other items stay', () =>
  run(async () => {
    const queue = new Queue<number>()
    for (let i = 0; i < 100; i++) queue.putNowait(i)
    queue.shutdown()
    const seen: number[] = []
    const { cancelled } = await moveOnAfter(12, async () => {
      for await (const item of queue) {
        seen.push(item)
        await foreign(2)
      }
    })
    expect(cancelled).toBe(true)
    expect(seen.length + queue.qsize()).toBe(100)
    expect(queue.qsize()).toBeGreaterThan(0)
  }))

test('a task that cancels itself still gets the items that are there, and is cancelled at its next wait', () =>
  run(async () => {
    const queue = new Queue<number>()
    for (let i = 0; i < 3; i++) queue.putNowait(i)
    const seen: number[] = []
    const task = createTask(async () => {
      currentTask()?.cancel()
      while (queue.qsize() > 0) seen.push(await queue.get())
      await sleep(1)
    })
    await task.catch(() => {})
    expect(seen).toEqual([0, 1, 2])
    expect(task.cancelled()).toBe(true)
  }))

test('Lock.acquire inside shielded succeeds although the scope around it is cancelled', () =>
  run(async () => {
    const lock = new Lock()
    let held = false
    await cancelScope(async (scope) => {
      scope.cancel()
      await shielded(async () => {
        await foreign(1)
        const hold = await lock.acquire()
        held = lock.locked()
        hold.release()
      })
    })
    expect(held).toBe(true)
  }))

test('Queue.put that no code awaits puts its item although a cancel is due', () =>
  run(async () => {
    const queue = new Queue<number>()
    await cancelScope(async (scope) => {
      await foreign(1)
      scope.cancel()
      void queue.put(1)
      await foreign(1)
    })
    await sleep(0)
    expect(queue.qsize()).toBe(1)
  }))
