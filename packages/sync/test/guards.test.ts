import { createTask, isCancelled, RuntimeError, sleep } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import {
  BoundedSemaphore,
  Broadcast,
  CapacityLimiter,
  Channel,
  ChannelClosed,
  Condition,
  Lock,
  QueueShutDown,
  type Releaser,
  RWLock,
  Semaphore,
} from '@tasktree/sync'
import { describe, expect, test } from 'vitest'

/** How a primitive is acquired, and the result of `statistics()` when one task holds it and when no task holds it. */
type Guarded = [
  acquire: () => PromiseLike<Releaser>,
  left: () => object,
  held: object,
  free: object,
]

const guarded: Record<string, () => Guarded> = {
  Lock: () => {
    const lock = new Lock()
    return [() => lock.acquire(), () => lock.statistics(), { holders: 1 }, { holders: 0 }]
  },
  Condition: () => {
    const condition = new Condition()
    const left = (): object => condition.statistics()
    return [() => condition.acquire(), left, { holders: 1 }, { holders: 0 }]
  },
  Semaphore: () => {
    const semaphore = new Semaphore(2)
    const left = (): object => semaphore.statistics()
    return [() => semaphore.acquire(), left, { value: 1, holders: 1 }, { value: 2, holders: 0 }]
  },
  BoundedSemaphore: () => {
    const semaphore = new BoundedSemaphore(2)
    const left = (): object => semaphore.statistics()
    return [() => semaphore.acquire(), left, { value: 1, holders: 1 }, { value: 2, holders: 0 }]
  },
  'RWLock, reading': () => {
    const lock = new RWLock()
    return [() => lock.read(), () => lock.statistics(), { readers: 1 }, { readers: 0 }]
  },
  'RWLock, writing': () => {
    const lock = new RWLock()
    return [() => lock.write(), () => lock.statistics(), { writers: 1 }, { writers: 0 }]
  },
  CapacityLimiter: () => {
    const limiter = new CapacityLimiter(5)
    const left = (): object => limiter.statistics()
    return [() => limiter.acquire(3), left, { used: 3, holders: 1 }, { used: 0, holders: 0 }]
  },
}

describe.each(Object.entries(guarded))('the Releaser of a %s', (_name, make) => {
  test('releases at the end of its `using` block, also if the block throws', () =>
    runVirtual(async () => {
      const [acquire, left, held, free] = make()
      const block = async (): Promise<never> => {
        using _ = await acquire()
        expect(left()).toMatchObject(held)
        throw new RangeError('from the block')
      }
      await expect(block()).rejects.toBeInstanceOf(RangeError)
      expect(left()).toMatchObject(free)
    }))

  test('releases only once', () =>
    runVirtual(async () => {
      const [acquire, left, held, free] = make()
      const first = await acquire()
      first.release()
      first.release()
      expect(left()).toMatchObject(free)
      const second = await acquire()
      first[Symbol.dispose]()
      expect(left()).toMatchObject(held)
      second.release()
      expect(left()).toMatchObject(free)
    }))
})

test('release of a Lock, Condition or BoundedSemaphore that is not held throws, and adds no permit', () => {
  const [lock, condition, bounded] = [new Lock(), new Condition(), new BoundedSemaphore(2)]
  expect(() => lock.release()).toThrow(RuntimeError)
  expect(() => condition.release()).toThrow(RuntimeError)
  expect(() => bounded.release()).toThrow(RangeError)
  expect(lock.statistics()).toEqual({ locked: false, holders: 0, waiters: 0 })
  expect(condition.statistics()).toMatchObject({ locked: false, holders: 0 })
  expect(bounded.statistics()).toEqual({ value: 2, holders: 0, waiters: 0 })
})

describe.each([
  ['Lock', () => new Lock()],
  ['Semaphore', () => new Semaphore()],
  ['Condition', () => new Condition()],
])('runExclusive of a %s', (_name, make) => {
  test('calls its body at once when it is free, and after the other body when it is not', () =>
    runVirtual(async () => {
      const it = make()
      const log: string[] = []
      const first = it.runExclusive(async () => {
        log.push('first')
        await sleep(1)
        log.push('first ends')
      })
      const second = it.runExclusive(() => log.push('second'))
      expect(log).toEqual(['first'])
      expect(it.statistics()).toMatchObject({ holders: 1 })
      await first
      expect(await second).toBe(3)
      expect(log).toEqual(['first', 'first ends', 'second'])
      expect(it.statistics()).toMatchObject({ holders: 0 })
    }))

  test('has released when a body without a wait has returned', async () => {
    const it = make()
    const running = it.runExclusive(() => it.statistics().holders)
    expect(it.statistics()).toMatchObject({ holders: 0, waiters: 0 })
    expect(await running).toBe(1)
    // `runExclusive` waits for every future and promise that the body returns, even if it is done already.
    expect(await it.runExclusive(() => sleep(0, 5))).toBe(5)
  })

  test('releases when its body throws, rejects or is cancelled', () =>
    runVirtual(async () => {
      const it = make()
      const failing = it.runExclusive(() => {
        throw new RangeError('at once')
      })
      await expect(failing).rejects.toThrow('at once')
      await expect(it.runExclusive(() => Promise.reject(new Error('later')))).rejects.toThrow(
        'later',
      )
      const sleeping = createTask(() => it.runExclusive(() => sleep(1000)))
      await sleep(1)
      expect(it.statistics()).toMatchObject({ holders: 1 })
      sleeping.cancel()
      await expect(sleeping.then(() => null)).rejects.toSatisfy(isCancelled)
      expect(it.statistics()).toMatchObject({ holders: 0 })
    }))
})

test('a Channel, a Broadcast and a Subscription are closed at the end of their `using` block', () =>
  runVirtual(async () => {
    const channel = new Channel<number>({ capacity: 1 })
    const broadcast = new Broadcast<number>({ lag: 'block' })
    const other = broadcast.subscribe()
    const subscription = broadcast.subscribe()
    {
      using mine = channel.clone()
      using _news = broadcast
      using _reading = subscription
      await mine.send(1)
      await broadcast.publish(1)
      expect(channel.statistics().openHandles).toBe(2)
      expect(broadcast.statistics()).toMatchObject({ subscribers: 2, closed: false })
    }
    expect(channel.statistics().openHandles).toBe(1)
    expect(broadcast.statistics()).toMatchObject({ subscribers: 0, closed: true })
    await expect(subscription.get()).rejects.toBeInstanceOf(QueueShutDown)
    expect(await other.get()).toBe(1)
    await expect(broadcast.publish(2)).rejects.toBeInstanceOf(ChannelClosed)
  }))
