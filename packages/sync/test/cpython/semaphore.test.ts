import {
  CancelledError,
  createTask,
  gather,
  getRunningLoop,
  sleep,
  type Task,
  taskGroup,
  waitFor,
} from '@tasktree/core'
import { BoundedSemaphore, Semaphore } from '@tasktree/sync'
import { expect, test } from 'vitest'
import { thrown, virtual } from '../support/virtual.ts'

// Behaviours of SemaphoreTests in Lib/test/test_asyncio/test_locks.py (CPython 3.13); the name of each
// case there stands above its test. test_semaphore is in lock.test.ts.

// test_initial_value_zero
test('a Semaphore of 0 permits is locked', () => {
  expect(new Semaphore(0).locked()).toBe(true)
})

// test_repr (here `statistics()` has what CPython's repr shows)
virtual('statistics() shows the permits, the holders and the waiters of a Semaphore', async () => {
  const semaphore = new Semaphore()
  expect(semaphore.statistics()).toEqual({ value: 1, holders: 0, waiters: 0 })
  await semaphore.acquire()
  expect(semaphore.statistics()).toEqual({ value: 0, holders: 1, waiters: 0 })
  const waiting = [semaphore.acquire(), semaphore.acquire()]
  expect(semaphore.statistics()).toEqual({ value: 0, holders: 1, waiters: 2 })
  for (const future of waiting) future.cancel()
  expect(semaphore.statistics()).toEqual({ value: 0, holders: 1, waiters: 0 })
})

// test_semaphore_value
test('new Semaphore refuses a negative value', () => {
  expect(() => new Semaphore(-1)).toThrow(RangeError)
})

// test_acquire
virtual(
  'a Semaphore gives its permits to the first waiters, in the turn after the release',
  async () => {
    const semaphore = new Semaphore(3)
    const result: number[] = []
    await semaphore.acquire()
    await semaphore.acquire()
    expect(semaphore.locked()).toBe(false)
    const contender = (n: number) => async (): Promise<boolean> => {
      await semaphore.acquire()
      result.push(n)
      return true
    }
    const first = createTask(contender(1))
    const race = [createTask(contender(2)), createTask(contender(3))]
    await sleep(0)
    expect(result).toEqual([1])
    expect(semaphore.locked()).toBe(true)
    expect(semaphore.statistics()).toMatchObject({ value: 0, waiters: 2 })
    race.push(createTask(contender(4)))
    semaphore.release()
    semaphore.release()
    expect(semaphore.statistics().value).toBe(0)
    await sleep(0)
    expect(result).toHaveLength(3)
    expect(semaphore.locked()).toBe(true)
    expect(semaphore.statistics()).toMatchObject({ value: 0, waiters: 1 })
    expect(first.result()).toBe(true)
    expect(race.filter((task) => task.done() && task.result())).toHaveLength(2)
    semaphore.release()
    await gather(race)
  },
)

// test_acquire_cancel
virtual('a cancelled Semaphore.acquire leaves no waiter behind', async () => {
  const semaphore = new Semaphore()
  await semaphore.acquire()
  const acquiring = createTask(() => semaphore.acquire())
  getRunningLoop().callSoon(() => acquiring.cancel())
  expect(await thrown(acquiring)).toBeInstanceOf(CancelledError)
  expect(semaphore.statistics().waiters).toBe(0)
})

// test_acquire_cancel_before_awoken
virtual('Semaphore.release skips the waiters that were cancelled before it', async () => {
  const semaphore = new Semaphore(0)
  const tasks = [1, 2, 3, 4].map(() => createTask(() => semaphore.acquire()))
  const [first, second, third, fourth] = tasks as [Task, Task, Task, Task]
  await sleep(0)
  first.cancel()
  second.cancel()
  semaphore.release()
  await sleep(0)
  await sleep(0)
  expect([third.done(), fourth.done()]).toEqual([true, false])
  third.cancel()
  fourth.cancel()
  await sleep(0)
})

// test_acquire_hang
virtual(
  'a permit that is released after the cancel of the first waiter reaches the next waiter',
  async () => {
    const semaphore = new Semaphore(0)
    const first = createTask(() => semaphore.acquire())
    const second = createTask(() => semaphore.acquire())
    await sleep(0)
    first.cancel()
    semaphore.release()
    await sleep(0)
    await sleep(0)
    expect(semaphore.locked()).toBe(true)
    expect(second.done()).toBe(true)
  },
)

// test_acquire_no_hang
virtual(
  'a permit whose waiter is cancelled in the same turn can be acquired by other code',
  async () => {
    const semaphore = new Semaphore(1)
    const first = createTask(async () => {
      {
        using _ = await semaphore.acquire()
        await sleep(0)
      }
      second.cancel()
    })
    let entered = false
    const second: Task<void> = createTask(async () => {
      using _ = await semaphore.acquire()
      entered = true
    })
    const [one, other] = await gather([first, second], { returnExceptions: true })
    expect(one).toBeUndefined()
    expect(other).toBeInstanceOf(CancelledError)
    expect(entered).toBe(false)
    await waitFor(semaphore.acquire(), 1000)
  },
)

// test_release_not_acquired
test('BoundedSemaphore.release without an acquire throws RangeError', () => {
  expect(() => new BoundedSemaphore().release()).toThrow(RangeError)
})

// test_release_no_waiters
virtual('Semaphore.release without waiters frees the permit', async () => {
  const semaphore = new Semaphore()
  await semaphore.acquire()
  expect(semaphore.locked()).toBe(true)
  semaphore.release()
  expect(semaphore.locked()).toBe(false)
})

// test_acquire_fifo_order
virtual('a task that acquires a Semaphore again waits behind the other waiters', async () => {
  const semaphore = new Semaphore(1)
  const result: string[] = []
  const contender = (tag: string) => async (): Promise<void> => {
    await semaphore.acquire()
    result.push(`${tag}_1`)
    await sleep(10)
    semaphore.release()
    await semaphore.acquire()
    result.push(`${tag}_2`)
    await sleep(10)
    semaphore.release()
  }
  await taskGroup(async (group) => {
    for (const tag of ['c1', 'c2', 'c3']) group.createTask(contender(tag))
  })
  expect(result).toEqual(['c1_1', 'c2_1', 'c3_1', 'c1_2', 'c2_2', 'c3_2'])
})

// test_acquire_fifo_order_2
virtual(
  'a task that releases and acquires a Semaphore in one turn does not overtake the waiters',
  async () => {
    const semaphore = new Semaphore(1)
    const result: number[] = []
    const contender = (n: number) => async (): Promise<void> => {
      await semaphore.acquire()
      result.push(n)
    }
    const twice = async (): Promise<void> => {
      await contender(2)()
      semaphore.release()
      await contender(4)()
    }
    const tasks = [createTask(contender(1)), createTask(twice), createTask(contender(3))]
    await sleep(0)
    semaphore.release()
    semaphore.release()
    await gather(tasks)
    expect(result).toEqual([1, 2, 3, 4])
  },
)

// test_acquire_fifo_order_3
virtual('the waiters behind a cancelled waiter of a Semaphore keep their order', async () => {
  const semaphore = new Semaphore(0)
  const result: number[] = []
  const tasks = [1, 2, 3].map((n) =>
    createTask(async () => {
      await semaphore.acquire()
      result.push(n)
    }),
  )
  await sleep(0)
  tasks[0]?.cancel()
  await sleep(0)
  semaphore.release()
  semaphore.release()
  await gather(tasks, { returnExceptions: true })
  expect(result).toEqual([2, 3])
})

// test_acquire_fifo_order_4
virtual(
  'a waiter that gets a Semaphore permit also wakes the next waiters for which there are permits',
  async () => {
    const semaphore = new Semaphore(0)
    const result: number[] = []
    let fourth: Task<void> | null = null
    const first = createTask(async () => {
      expect(semaphore.statistics().value).toBe(0)
      await semaphore.acquire()
      expect(semaphore.statistics().value).toBe(0)
      fourth = createTask(async () => {
        result.push(4)
      })
      result.push(1)
    })
    const second = createTask(async () => {
      semaphore.release()
      semaphore.release()
      semaphore.release()
      expect(semaphore.statistics().value).toBe(2)
      expect(semaphore.locked()).toBe(true)
      await semaphore.acquire()
      result.push(2)
    })
    const third = createTask(async () => {
      await semaphore.acquire()
      expect(semaphore.locked()).toBe(true)
      result.push(3)
    })
    await sleep(0)
    expect(semaphore.statistics()).toMatchObject({ value: 2, waiters: 3 })
    await sleep(0)
    await gather([first, second, third, fourth as unknown as Task<void>])
    expect(result).toEqual([1, 2, 3, 4])
  },
)
