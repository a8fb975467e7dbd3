import { createTask, gather, sleep, type Task } from '@tasktree/core'
import { explore, runVirtual } from '@tasktree/core/testing'
import { CapacityLimiter, type Releaser } from '@tasktree/sync'
import { expect, test } from 'vitest'

test('a CapacityLimiter subtracts the weight of each hold, and a release gives it back once', () =>
  runVirtual(async () => {
    const limiter = new CapacityLimiter(10)
    const six = await limiter.acquire(6)
    const four = await limiter.acquire(4)
    expect([limiter.total, limiter.available]).toEqual([10, 0])
    six.release()
    six.release()
    expect(limiter.available).toBe(6)
    four.release()
    expect(limiter.statistics()).toEqual({
      total: 10,
      available: 10,
      used: 0,
      holders: 0,
      waiters: 0,
    })
  }))

test('a big request to a CapacityLimiter is not overtaken by a small request that would fit', () =>
  runVirtual(async () => {
    const limiter = new CapacityLimiter(4)
    const held = await limiter.acquire(3)
    const order: string[] = []
    const take = (name: string, weight: number): Task<void> =>
      createTask(async () => {
        using _ = await limiter.acquire(weight)
        order.push(name)
      })
    const tasks = [take('big', 4), take('small', 1)]
    await sleep(1)
    expect(order).toEqual([])
    held.release()
    await gather(tasks)
    expect(order).toEqual(['big', 'small'])
  }))

test('when a big request to a CapacityLimiter is cancelled, the request behind it goes on', () =>
  runVirtual(async () => {
    const limiter = new CapacityLimiter(4)
    await limiter.acquire(3)
    const big = createTask(() => limiter.acquire(4))
    const small = createTask(() => limiter.acquire(1))
    await sleep(1)
    expect(small.done()).toBe(false)
    big.cancel()
    await small
    expect(limiter.available).toBe(0)
  }))

test('raising the total of a CapacityLimiter wakes a waiter, and lowering it takes nothing from holders', () =>
  runVirtual(async () => {
    const limiter = new CapacityLimiter(2)
    const held = await limiter.acquire(2)
    const waiting = createTask(() => limiter.acquire(2))
    await sleep(1)
    limiter.total = 4
    const other = await waiting
    limiter.total = 1
    expect(limiter.available).toBe(0)
    held.release()
    expect(limiter.available).toBe(0)
    other.release()
    expect(limiter.available).toBe(1)
  }))

test('CapacityLimiter refuses wrong totals and weights at the call', () => {
  expect(() => new CapacityLimiter(-1)).toThrow(RangeError)
  expect(() => new CapacityLimiter('2' as never)).toThrow(TypeError)
  const limiter = new CapacityLimiter(2)
  expect(() => limiter.acquire(3)).toThrow('a weight must be an integer of 1 to 2, got 3')
  expect(() => limiter.acquire(0)).toThrow(RangeError)
  expect(() => limiter.acquire('1' as never)).toThrow(TypeError)
  expect(() => limiter.acquire(1, { signal: 5 as never })).toThrow(TypeError)
  expect(limiter.statistics()).toEqual({ total: 2, available: 2, used: 0, holders: 0, waiters: 0 })
})

test('a CapacityLimiter loses no capacity under any schedule of cancels', () =>
  explore(
    async () => {
      const limiter = new CapacityLimiter(5)
      let used = 0
      const worker = (weight: number) => async (): Promise<void> => {
        using _: Releaser = await limiter.acquire(weight)
        used += weight
        expect(used).toBeLessThanOrEqual(5)
        try {
          await sleep(0)
        } finally {
          used -= weight
        }
      }
      const tasks = [3, 1, 5, 2, 4, 1].map((weight) => createTask(worker(weight)))
      const killer = createTask(async () => {
        await sleep(0)
        tasks[1]?.cancel()
        await sleep(0)
        tasks[2]?.cancel()
        tasks[4]?.cancel()
      })
      await gather(tasks, { returnExceptions: true })
      await killer
      expect(limiter.statistics()).toEqual({
        total: 5,
        available: 5,
        used: 0,
        holders: 0,
        waiters: 0,
      })
    },
    { seeds: 1000 },
  ))

test('a request above the lowered total of a CapacityLimiter lets later requests pass until the total is raised', () =>
  runVirtual(async () => {
    const limiter = new CapacityLimiter(10)
    const held = await limiter.acquire(10)
    const order: string[] = []
    const take = (name: string, weight: number): Task<void> =>
      createTask(async () => {
        using _ = await limiter.acquire(weight)
        order.push(name)
      })
    const big = take('big', 8)
    const small = take('small', 2)
    await sleep(1)
    limiter.total = 5
    held.release()
    await small
    expect(order).toEqual(['small'])
    expect(limiter.statistics()).toMatchObject({ available: 5, holders: 0, waiters: 1 })
    expect(await limiter.acquire(5).then((share) => share.release())).toBeUndefined()
    limiter.total = 8
    await big
    expect(order).toEqual(['small', 'big'])
  }))

test('a request above the lowered total of a CapacityLimiter goes first when the total is raised in time', () =>
  runVirtual(async () => {
    const limiter = new CapacityLimiter(4)
    const held = await limiter.acquire(4)
    const order: string[] = []
    const take = (name: string, weight: number): Task<void> =>
      createTask(async () => {
        using _ = await limiter.acquire(weight)
        order.push(name)
        await sleep(1)
      })
    const tasks = [take('big', 4), take('small', 2)]
    await sleep(1)
    limiter.total = 3
    limiter.total = 4
    held.release()
    await gather(tasks)
    expect(order).toEqual(['big', 'small'])
  }))

test('a request above the lowered total of a CapacityLimiter can be cancelled', () =>
  runVirtual(async () => {
    const limiter = new CapacityLimiter(4)
    await limiter.acquire(4)
    const big = createTask(() => limiter.acquire(4))
    await sleep(1)
    limiter.total = 3
    big.cancel()
    await sleep(1)
    expect(big.cancelled()).toBe(true)
    expect(limiter.statistics().waiters).toBe(0)
  }))

test('a CapacityLimiter with a total of 0 lets no request in until the total is raised', () =>
  runVirtual(async () => {
    const limiter = new CapacityLimiter(2)
    const held = await limiter.acquire(2)
    const waiting = createTask(() => limiter.acquire())
    await sleep(1)
    limiter.total = 0
    held.release()
    await sleep(1)
    expect(waiting.done()).toBe(false)
    limiter.total = 1
    await waiting
  }))
