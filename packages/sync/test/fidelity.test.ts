import { createTask, newEventLoop, run, sleep, type Task, wait } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import {
  Barrier,
  BoundedSemaphore,
  BrokenBarrierError,
  Condition,
  Event,
  LifoQueue,
  Lock,
  PriorityQueue,
  Queue,
  QueueEmpty,
  QueueFull,
  QueueShutDown,
  Semaphore,
} from '@tasktree/sync'
import { describe, expect, test } from 'vitest'

const virtual = (name: string, body: () => PromiseLike<void>): void => {
  // oxlint-disable-next-line vitest/valid-title -- the caller passes the title
  test(name, () => runVirtual(body))
}

/** Makes tasks that log their name when `enter` has let them through. */
function contenders(names: string[], enter: () => PromiseLike<unknown>, log: string[]): Task[] {
  return names.map((name) =>
    createTask(
      async () => {
        await enter()
        log.push(name)
      },
      { name },
    ),
  )
}

describe('Lock', () => {
  virtual('is handed from waiter to waiter in the order in which they came', async () => {
    const lock = new Lock()
    const log: string[] = []
    await lock.acquire()
    const tasks = contenders(['a', 'b', 'c'], () => lock.acquire(), log)
    await sleep(0)
    lock.release()
    expect(lock.locked()).toBe(false)
    await sleep(0)
    expect(log).toEqual(['a'])
    lock.release()
    await tasks[1]
    lock.release()
    await tasks[2]
    expect(log).toEqual(['a', 'b', 'c'])
    lock.release()
    expect(() => lock.release()).toThrow('not locked')
  })

  virtual(
    'goes to the waiter that a release has woken, and not to a task that comes later',
    async () => {
      const lock = new Lock()
      const log: string[] = []
      await lock.acquire()
      const [waiter] = contenders(['waiter'], () => lock.acquire(), log)
      await sleep(0)
      lock.release()
      const overtaking = lock.acquire()
      expect(overtaking.done()).toBe(false)
      await waiter
      lock.release()
      await overtaking
    },
  )

  virtual('goes to the next waiter if the woken waiter is cancelled in the same turn', async () => {
    const lock = new Lock()
    const log: string[] = []
    await lock.acquire()
    const [a, b] = contenders(['a', 'b'], () => lock.acquire(), log) as [Task, Task]
    await sleep(0)
    lock.release()
    a.cancel()
    await wait([a, b])
    expect(log).toEqual(['b'])
    expect(lock.locked()).toBe(true)
    expect(lock.statistics()).toEqual({ locked: true, holders: 1, waiters: 0 })
  })

  virtual(
    'release wakes the second waiter only when the cancelled first waiter has had its turn',
    async () => {
      const lock = new Lock()
      const log: string[] = []
      await lock.acquire()
      const [a, b] = contenders(['a', 'b'], () => lock.acquire(), log) as [Task, Task]
      await sleep(0)
      a.cancel()
      lock.release()
      expect(lock.statistics()).toEqual({ locked: false, holders: 0, waiters: 1 })
      await sleep(0)
      // As in asyncio, `b` is woken only when `a` has run.
      expect([a.cancelled(), b.done()]).toEqual([true, false])
      await sleep(0)
      expect(log).toEqual(['b'])
    },
  )

  virtual('is taken at once by a task that comes when all waiters are cancelled', async () => {
    const lock = new Lock()
    const held = await lock.acquire()
    const waiting = createTask(() => lock.acquire())
    await sleep(0)
    waiting.cancel()
    held.release()
    expect(lock.acquire().done()).toBe(true)
    await sleep(0)
    expect(lock.statistics()).toEqual({ locked: true, holders: 1, waiters: 0 })
  })

  test('goes to the next waiter although a waiter of a closed loop is cancelled', async () => {
    const lock = new Lock()
    await lock.acquire()
    const loop = newEventLoop()
    const stale = await loop.runUntilComplete(async () => [lock.acquire()])
    loop.close()
    const next = lock.acquire()
    stale[0]?.cancel()
    lock.release()
    await next
    expect(lock.statistics()).toEqual({ locked: true, holders: 1, waiters: 0 })
  })

  virtual('a Releaser releases only its own hold, and only once', async () => {
    const lock = new Lock()
    const first = await lock.acquire()
    first.release()
    const second = await lock.acquire()
    first.release()
    expect(lock.locked()).toBe(true)
    lock.release()
    await lock.acquire()
    second.release()
    expect(lock.locked()).toBe(true)
  })

  test('works in plain code, with using and with a signal', async () => {
    const lock = new Lock()
    {
      using _ = await lock.acquire()
      const controller = new AbortController()
      const waiting = lock.acquire({ signal: controller.signal })
      controller.abort()
      await expect(Promise.resolve(waiting)).rejects.toMatchObject({ name: 'CancelledError' })
    }
    expect(lock.locked()).toBe(false)
    expect(await lock.runExclusive(async () => lock.locked())).toBe(true)
    expect(lock.locked()).toBe(false)
    expect(lock.acquire({ signal: AbortSignal.abort() }).cancelled()).toBe(true)
    expect(lock.locked()).toBe(false)
  })
})

virtual('a Semaphore permit for a waiter that is cancelled passes to the next waiter', async () => {
  const semaphore = new Semaphore(1)
  const log: string[] = []
  await semaphore.acquire()
  const [a, b] = contenders(['a', 'b'], () => semaphore.acquire(), log) as [Task, Task]
  await sleep(0)
  semaphore.release()
  a.cancel()
  await wait([a, b])
  expect(log).toEqual(['b'])
  semaphore.release()
  expect(semaphore.statistics()).toEqual({ value: 1, holders: 0, waiters: 0 })
  expect(() => new Semaphore(-1)).toThrow(RangeError)
})

virtual('BoundedSemaphore.release throws RangeError when no permit is held', async () => {
  const semaphore = new BoundedSemaphore(1)
  const held = await semaphore.acquire()
  held.release()
  held.release()
  expect(() => semaphore.release()).toThrow(RangeError)
})

virtual('Event.set wakes all waiters, even if the event is cleared at once', async () => {
  const event = new Event()
  const log: string[] = []
  const tasks = contenders(['a', 'b'], () => event.wait(), log)
  await sleep(0)
  event.set()
  event.clear()
  await wait(tasks)
  expect(log).toEqual(['a', 'b'])
  expect(event.isSet()).toBe(false)
})

describe('BoundedSemaphore', () => {
  virtual('of Infinity permits accepts one release for each acquire', async () => {
    const semaphore = new BoundedSemaphore(Infinity)
    {
      using _ = await semaphore.acquire()
    }
    await semaphore.acquire()
    semaphore.release()
    expect(() => semaphore.release()).toThrow(RangeError)
  })

  virtual('lets a cancelled waiter pass on the permits that were released meanwhile', async () => {
    const semaphore = new BoundedSemaphore(1)
    await semaphore.acquire()
    const first = createTask(() => semaphore.acquire())
    const second = createTask(async () => {
      try {
        await semaphore.acquire()
      } finally {
        // As in CPython, this release does not throw: the semaphore is not full, because the third task has the permit by now.
        semaphore.release()
      }
    })
    await sleep(0)
    second.cancel()
    semaphore.release()
    semaphore.release()
    const third = semaphore.acquire()
    await wait([first, second])
    expect([second.cancelled(), third.done()]).toEqual([true, true])
  })
})

describe('Condition', () => {
  virtual(
    'wait holds the lock again when it is cancelled, and the Releaser of its block releases it',
    async () => {
      const condition = new Condition()
      const log: string[] = []
      const task = createTask(async () => {
        using _ = await condition.acquire()
        try {
          await condition.wait()
        } finally {
          log.push(`locked: ${condition.locked()}`)
        }
      })
      await sleep(0)
      expect(condition.locked()).toBe(false)
      task.cancel()
      await wait([task])
      expect(task.cancelled()).toBe(true)
      expect(log).toEqual(['locked: true'])
      expect(condition.locked()).toBe(false)
    },
  )

  virtual('a notify for a waiter that is cancelled goes to the next waiter', async () => {
    const condition = new Condition()
    const log: string[] = []
    const waiter = (name: string) => async (): Promise<void> => {
      using _ = await condition.acquire()
      await condition.wait()
      log.push(name)
    }
    const [a, b] = [createTask(waiter('a')), createTask(waiter('b'))]
    await sleep(0)
    await sleep(0)
    {
      using _ = await condition.acquire()
      condition.notify()
    }
    a.cancel()
    await wait([a, b])
    expect(log).toEqual(['b'])
    expect(() => condition.notify()).toThrow('not locked')
  })
})

describe('Barrier', () => {
  virtual('lets all tasks go when the last has come, each time it fills', async () => {
    const barrier = new Barrier(3)
    for (let phase = 0; phase < 2; phase++) {
      const tasks = [0, 1, 2].map(() => createTask(() => barrier.wait()))
      await wait(tasks)
      expect(tasks.map((task) => task.result()).toSorted((x, y) => x - y)).toEqual([0, 1, 2])
    }
  })

  virtual('abort makes waiting and later tasks throw BrokenBarrierError', async () => {
    const barrier = new Barrier(2)
    const task = createTask(() => barrier.wait())
    await sleep(0)
    await barrier.abort()
    await expect(Promise.resolve(task)).rejects.toBeInstanceOf(BrokenBarrierError)
    await expect(barrier.wait()).rejects.toBeInstanceOf(BrokenBarrierError)
  })
})

describe('Queue', () => {
  virtual(
    'an item stays in its place if the get that it woke is cancelled in the same turn',
    async () => {
      const queue = new Queue<number>()
      const getter = createTask(() => queue.get())
      await sleep(0)
      queue.putNowait(1)
      queue.putNowait(2)
      getter.cancel()
      await wait([getter])
      expect(getter.cancelled()).toBe(true)
      expect([queue.getNowait(), queue.getNowait()]).toEqual([1, 2])
      expect(() => queue.getNowait()).toThrow(QueueEmpty)
    },
  )

  virtual(
    'an item stays in the queue until the get that it woke has run, as in asyncio',
    async () => {
      const queue = new Queue<number>({ maxsize: 1 })
      const getter = createTask(() => queue.get())
      await sleep(0)
      queue.putNowait(1)
      expect(queue.full()).toBe(true)
      expect(() => queue.putNowait(2)).toThrow(QueueFull)
      const putting = createTask(() => queue.put(2))
      expect(await getter).toBe(1)
      await putting
      expect(queue.qsize()).toBe(1)
    },
  )

  virtual('a producer and a consumer pass on all items in order', async () => {
    const queue = new Queue<number>({ maxsize: 2 })
    const got: number[] = []
    const producer = createTask(async () => {
      for (let i = 0; i < 20; i++) await queue.put(i)
      await queue.join()
      queue.shutdown()
    })
    for await (const item of queue) {
      got.push(item)
      queue.taskDone()
    }
    await producer
    expect(got).toEqual(Array.from({ length: 20 }, (_, i) => i))
    expect(() => queue.taskDone()).toThrow(RangeError)
  })

  virtual('shutdown makes a waiting get throw QueueShutDown', async () => {
    const queue = new Queue<number>({ maxsize: 1 })
    const getter = createTask(() => queue.get())
    await sleep(0)
    queue.shutdown()
    await expect(Promise.resolve(getter)).rejects.toBeInstanceOf(QueueShutDown)
    expect(() => queue.putNowait(1)).toThrow(QueueShutDown)
  })

  virtual('a PriorityQueue gives the least item first, and a LifoQueue the last', async () => {
    const priorities = new PriorityQueue<[number, string]>()
    for (const entry of [
      [2, 'b'],
      [1, 'x'],
      [2, 'a'],
      [1, 'x'],
    ] as [number, string][])
      priorities.putNowait(entry)
    const order = Array.from({ length: 4 }, () => priorities.getNowait().join(''))
    expect(order).toEqual(['1x', '1x', '2a', '2b'])
    const stack = new LifoQueue<number>()
    for (const n of [1, 2, 3]) stack.putNowait(n)
    expect([stack.getNowait(), stack.getNowait(), stack.getNowait()]).toEqual([3, 2, 1])
    const opaque = new PriorityQueue<[number, () => void]>()
    opaque.putNowait([1, () => {}])
    opaque.putNowait([1, () => {}])
    expect(() => new PriorityQueue<unknown>().putNowait(Symbol('x'))).not.toThrow()
  })
})

test('a generator task can acquire a Lock and get an item of a Queue by yield*', () =>
  run(async () => {
    const lock = new Lock()
    const queue = new Queue<number>()
    queue.putNowait(7)
    const task = createTask(function* () {
      const held = yield* lock.acquire()
      const item = yield* queue.get()
      held.release()
      return item
    })
    expect(await task).toBe(7)
    expect(lock.locked()).toBe(false)
  }))
