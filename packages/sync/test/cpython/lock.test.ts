import {
  CancelledError,
  createTask,
  Future,
  getRunningLoop,
  RuntimeError,
  sleep,
} from '@tasktree/core'
import { BoundedSemaphore, Condition, Lock, Semaphore } from '@tasktree/sync'
import { expect, test } from 'vitest'
import { thrown, virtual } from '../support/virtual.ts'

// Behaviours of LockTests in Lib/test/test_asyncio/test_locks.py and test_pep492.py (CPython 3.13); the
// name of each case there stands above its test. docs/coming-from/differences-from-asyncio.md lists the cases that cannot
// apply.

// test_repr (here `statistics()` has what CPython's repr shows)
virtual('statistics() shows whether a Lock is held', async () => {
  const lock = new Lock()
  expect(lock.statistics()).toEqual({ locked: false, holders: 0, waiters: 0 })
  await lock.acquire()
  expect(lock.statistics()).toEqual({ locked: true, holders: 1, waiters: 0 })
})

// test_lock, test_lock_by_with_statement, test_context_manager_with_await (pep492),
// SemaphoreTests.test_semaphore
virtual('awaiting a Lock, Condition or Semaphore itself takes nothing', async () => {
  for (const lock of [new Lock(), new Condition(), new Semaphore(), new BoundedSemaphore()]) {
    await sleep(10)
    expect(lock.locked()).toBe(false)
    expect(lock).not.toHaveProperty('then')
    // oxlint-disable-next-line typescript/await-thenable -- the test awaits the primitive itself
    expect(await lock).toBe(lock)
    expect(Symbol.dispose in lock).toBe(false)
    expect(lock.locked()).toBe(false)
  }
})

// test_acquire
virtual('waiters get a Lock one by one, in the turn after each release', async () => {
  const lock = new Lock()
  const result: number[] = []
  expect(await lock.acquire()).toBeDefined()
  const contender = (n: number) => async (): Promise<boolean> => {
    await lock.acquire()
    result.push(n)
    return true
  }
  const first = createTask(contender(1))
  const second = createTask(contender(2))
  await sleep(0)
  expect(result).toEqual([])
  lock.release()
  await sleep(0)
  expect(result).toEqual([1])
  await sleep(0)
  expect(result).toEqual([1])
  const third = createTask(contender(3))
  lock.release()
  await sleep(0)
  expect(result).toEqual([1, 2])
  lock.release()
  await sleep(0)
  expect(result).toEqual([1, 2, 3])
  expect([first, second, third].map((task) => task.result())).toEqual([true, true, true])
})

// test_acquire_cancel
virtual('a cancelled Lock.acquire leaves no waiter behind', async () => {
  const lock = new Lock()
  await lock.acquire()
  const task = createTask(() => lock.acquire())
  getRunningLoop().callSoon(() => task.cancel())
  expect(await thrown(task)).toBeInstanceOf(CancelledError)
  expect(lock.statistics().waiters).toBe(0)
})

// test_cancel_race
virtual('Lock.release passes over a waiter that was cancelled in the same turn', async () => {
  const lock = new Lock()
  const lockit = (blocker: Future<void> | null) => async (): Promise<void> => {
    await lock.acquire()
    try {
      if (blocker !== null) await blocker
    } finally {
      lock.release()
    }
  }
  const blocker = new Future<void>()
  const a = createTask(lockit(blocker))
  await sleep(0)
  expect(lock.locked()).toBe(true)
  const b = createTask(lockit(null))
  await sleep(0)
  expect(lock.statistics().waiters).toBe(1)
  const c = createTask(lockit(null))
  await sleep(0)
  expect(lock.statistics().waiters).toBe(2)
  blocker.setResult()
  b.cancel()
  // The cancelled waiter leaves the queue at once. In CPython it stays there, marked as cancelled, until its turn.
  expect(lock.statistics().waiters).toBe(1)
  await sleep(0)
  expect(lock.locked()).toBe(false)
  expect(a.done()).toBe(true)
  expect(b.cancelled()).toBe(true)
  await c
})

// test_cancel_release_race
virtual(
  'a release of a Lock and a cancel of its first waiter in one turn let exactly one other waiter in',
  async () => {
    const lock = new Lock()
    let locked = 0
    let called = 0
    const lockit = async (): Promise<void> => {
      called++
      await lock.acquire()
      locked++
    }
    await lock.acquire()
    const tasks = [createTask(lockit), createTask(lockit), createTask(lockit)] as const
    await sleep(0)
    getRunningLoop().callSoon(() => {
      tasks[0].cancel()
      lock.release()
    })
    expect(await thrown(tasks[0])).toBeInstanceOf(CancelledError)
    expect([locked, called]).toEqual([1, 3])
    expect(tasks[0].cancelled() && tasks[1].done()).toBe(true)
    tasks[2].cancel()
    await sleep(0)
    expect(tasks[2].cancelled()).toBe(true)
  },
)

// test_finished_waiter_cancelled
virtual('Lock.release after the cancel of the first waiter wakes the second', async () => {
  const lock = new Lock()
  await lock.acquire()
  const first = createTask(() => lock.acquire())
  await sleep(0)
  expect(lock.statistics().waiters).toBe(1)
  const second = createTask(() => lock.acquire())
  first.cancel()
  lock.release()
  await sleep(0)
  expect(lock.locked()).toBe(true)
  expect(first.cancelled()).toBe(true)
  await second
})

// test_release_not_acquired
test('Lock.release throws RuntimeError when the lock is not held', () => {
  expect(() => new Lock().release()).toThrow(RuntimeError)
})

// test_release_no_waiters
virtual('Lock.release without waiters frees the lock', async () => {
  const lock = new Lock()
  await lock.acquire()
  expect(lock.locked()).toBe(true)
  lock.release()
  expect(lock.locked()).toBe(false)
})

// test_context_manager, ConditionTests.test_context_manager, test_context_manager_async_with (pep492)
virtual('a `using` block holds a Lock, Condition or Semaphore until its end', async () => {
  for (const lock of [new Lock(), new Condition(), new Semaphore(), new BoundedSemaphore()]) {
    await sleep(10)
    expect(lock.locked()).toBe(false)
    {
      using _ = await lock.acquire()
      expect(lock.locked()).toBe(true)
      await sleep(10)
      expect(lock.locked()).toBe(true)
    }
    expect(lock.locked()).toBe(false)
  }
})
