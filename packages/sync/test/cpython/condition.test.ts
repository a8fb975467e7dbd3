import {
  CancelledError,
  createTask,
  getRunningLoop,
  newEventLoop,
  RuntimeError,
  sleep,
  timeout,
  TimeoutError,
  waitFor,
} from '@tasktree/core'
import { Condition, Lock } from '@tasktree/sync'
import { expect, test } from 'vitest'
import { thrown, virtual } from '../support/virtual.ts'

// Behaviours of ConditionTests in Lib/test/test_asyncio/test_locks.py (CPython 3.13); the name of each
// case there stands above its test. Those that cannot apply are listed in
// docs/coming-from/differences-from-asyncio.md. test_context_manager is in lock.test.ts.

/** Starts `count` tasks that wait and then log their number. `release` says whether each task releases the lock afterwards. */
function waiters(
  condition: Condition,
  release: boolean,
  count = 3,
): { tasks: ReturnType<typeof createTask<boolean>>[]; result: number[] } {
  const result: number[] = []
  const tasks = Array.from({ length: count }, (_, i) =>
    createTask(async () => {
      await condition.acquire()
      if (await condition.wait()) {
        result.push(i + 1)
        if (release) condition.release()
      }
      return true
    }),
  )
  return { tasks, result }
}

// test_wait
virtual(
  'a notified waiter of a Condition goes on in the turn in which it gets the lock',
  async () => {
    const condition = new Condition()
    const { tasks, result } = waiters(condition, false)
    await sleep(0)
    expect(result).toEqual([])
    expect(condition.locked()).toBe(false)
    await condition.acquire()
    condition.notify()
    await sleep(0)
    expect([result, condition.locked()]).toEqual([[], true])
    condition.release()
    await sleep(0)
    expect([result, condition.locked()]).toEqual([[1], true])
    condition.notify(2)
    await sleep(0)
    expect([result, condition.locked()]).toEqual([[1], true])
    condition.release()
    await sleep(0)
    expect([result, condition.locked()]).toEqual([[1, 2], true])
    condition.release()
    await sleep(0)
    expect([result, condition.locked()]).toEqual([[1, 2, 3], true])
    expect(tasks.map((task) => task.result())).toEqual([true, true, true])
  },
)

// test_wait_cancel
virtual('a cancelled Condition.wait holds the lock again when it throws', async () => {
  const condition = new Condition()
  await condition.acquire()
  const waiting = createTask(() => condition.wait())
  getRunningLoop().callSoon(() => waiting.cancel())
  expect(await thrown(waiting)).toBeInstanceOf(CancelledError)
  expect(condition.statistics().waiters).toBe(0)
  expect(condition.locked()).toBe(true)
})

// test_wait_cancel_contested
virtual(
  'Condition.wait that is cancelled while another task holds the lock ends with the lock held',
  async () => {
    const condition = new Condition()
    await condition.acquire()
    expect(condition.locked()).toBe(true)
    const waiting = createTask(() => condition.wait())
    await sleep(0)
    expect(condition.locked()).toBe(false)
    await condition.acquire()
    expect(condition.locked()).toBe(true)
    condition.notify()
    getRunningLoop().callSoon(() => waiting.cancel())
    getRunningLoop().callSoon(() => condition.release())
    await waiting.then(null, () => {})
    expect(condition.locked()).toBe(true)
  },
)

// test_wait_cancel_after_notify
virtual(
  'a cancel of Condition.wait while it takes the lock again is thrown when it has the lock',
  async () => {
    const condition = new Condition()
    let waited = false
    const waiter = createTask(async () => {
      using _ = await condition.acquire()
      waited = true
      await condition.wait()
    })
    await sleep(0)
    await condition.acquire()
    condition.notify()
    await sleep(0)
    waiter.cancel()
    await sleep(0)
    condition.release()
    await sleep(0)
    expect(waiter.cancelled()).toBe(true)
    expect(waited).toBe(true)
  },
)

// test_wait_unacquired
virtual('Condition.wait without the lock throws RuntimeError', async () => {
  expect(await thrown(new Condition().wait())).toBeInstanceOf(RuntimeError)
})

// test_wait_for
virtual('Condition.waitFor goes on only when its predicate holds', async () => {
  const condition = new Condition()
  let holds = false
  const result: number[] = []
  const task = createTask(async () => {
    await condition.acquire()
    if (await condition.waitFor(() => holds)) {
      result.push(1)
      condition.release()
    }
    return true
  })
  await sleep(0)
  expect(result).toEqual([])
  await condition.acquire()
  condition.notify()
  condition.release()
  await sleep(0)
  expect(result).toEqual([])
  holds = true
  await condition.acquire()
  condition.notify()
  condition.release()
  await sleep(0)
  expect(result).toEqual([1])
  expect(task.result()).toBe(true)
})

// test_wait_for_unacquired (differs: waitFor gives true, and not the value of the predicate)
virtual('Condition.waitFor needs the lock only when it must wait', async () => {
  const condition = new Condition()
  expect(await condition.waitFor(() => true)).toBe(true)
  expect(await thrown(condition.waitFor(() => false))).toBeInstanceOf(RuntimeError)
})

// test_notify
virtual(
  'Condition.notify wakes the given number of waiters in order, and no more than there are',
  async () => {
    const condition = new Condition()
    const { tasks, result } = waiters(condition, true)
    await sleep(0)
    expect(result).toEqual([])
    await condition.acquire()
    condition.notify(1)
    condition.release()
    await sleep(0)
    expect(result).toEqual([1])
    await condition.acquire()
    condition.notify(1)
    condition.notify(2048)
    condition.release()
    await sleep(0)
    expect(result).toEqual([1, 2, 3])
    expect(tasks.map((task) => task.result())).toEqual([true, true, true])
  },
)

// test_notify_all
virtual('Condition.notifyAll wakes all waiters in order', async () => {
  const condition = new Condition()
  const { tasks, result } = waiters(condition, true, 2)
  await sleep(0)
  expect(result).toEqual([])
  await condition.acquire()
  condition.notifyAll()
  condition.release()
  await sleep(0)
  expect(result).toEqual([1, 2])
  expect(tasks.map((task) => task.result())).toEqual([true, true])
})

// test_notify_unacquired
test('Condition.notify without the lock throws RuntimeError', () => {
  expect(() => new Condition().notify()).toThrow(RuntimeError)
})

// test_notify_all_unacquired
test('Condition.notifyAll without the lock throws RuntimeError', () => {
  expect(() => new Condition().notifyAll()).toThrow(RuntimeError)
})

// test_repr (here `statistics()` has what CPython's repr shows)
virtual('statistics() shows whether a Condition is locked and how many tasks wait', async () => {
  const condition = new Condition()
  const { tasks } = waiters(condition, true, 2)
  await sleep(0)
  expect(condition.statistics()).toEqual({ locked: false, holders: 0, waiters: 2, acquiring: 0 })
  await condition.acquire()
  const acquiring = createTask(() => condition.acquire())
  await sleep(0)
  expect(condition.statistics()).toEqual({ locked: true, holders: 1, waiters: 2, acquiring: 1 })
  condition.notifyAll()
  condition.release()
  await acquiring
  condition.release()
  for (const task of tasks) await task
})

// test_explicit_lock
virtual('a Condition and the Lock that it was given are locked and released together', async () => {
  const check = async (lock: Lock, condition: Condition): Promise<void> => {
    const both = (): boolean[] => [lock.locked(), condition.locked()]
    expect(both()).toEqual([false, false])
    {
      using _ = await condition.acquire()
      expect(both()).toEqual([true, true])
    }
    expect(both()).toEqual([false, false])
    {
      using _ = await lock.acquire()
      expect(both()).toEqual([true, true])
    }
    expect(both()).toEqual([false, false])
  }
  const lock = new Lock()
  await check(lock, new Condition(lock))
  await check(lock, new Condition(lock))
  expect(() => new Condition({} as never)).toThrow(TypeError)
})

// test_ambiguous_loops (differs: a primitive belongs to no loop)
test('tasks of two loops can share a Lock and its Condition', async () => {
  const lock = new Lock()
  const condition = new Condition(lock)
  const [one, other] = [newEventLoop(), newEventLoop()]
  const order: string[] = []
  const first = one.runUntilComplete(async () => {
    using _ = await lock.acquire()
    await condition.wait()
    order.push('first')
  })
  const second = other.runUntilComplete(async () => {
    using _ = await condition.acquire()
    condition.notify()
    order.push('second')
  })
  await Promise.all([first, second])
  expect(order).toEqual(['second', 'first'])
  expect(lock.locked()).toBe(false)
  one.close()
  other.close()
})

// test_timeout_in_block
virtual('a timeout ends Condition.wait with the lock held', async () => {
  const condition = new Condition()
  using _ = await condition.acquire()
  const waiting = waitFor(() => condition.wait(), 500)
  expect(await thrown(waiting)).toBeInstanceOf(TimeoutError)
  expect(condition.locked()).toBe(true)
})

// test_cancelled_error_wakeup
virtual('a cancel of Condition.waitFor is thrown with its message', async () => {
  const condition = new Condition()
  let raised: unknown = null
  const task = createTask(async () => {
    using _ = await condition.acquire()
    raised = await thrown(condition.waitFor(() => false))
    throw raised
  })
  await sleep(0)
  task.cancel('foo')
  const error = await thrown(task)
  expect(error).toBeInstanceOf(CancelledError)
  expect((error as CancelledError).message).toBe('foo')
  expect(error).toBe(raised)
})

// test_cancelled_error_re_aquire
virtual(
  'a cancel of Condition.waitFor while it takes the lock again is thrown with its message',
  async () => {
    const condition = new Condition()
    let wake = false
    let raised: unknown = null
    const task = createTask(async () => {
      using _ = await condition.acquire()
      raised = await thrown(condition.waitFor(() => wake))
      throw raised
    })
    await sleep(0)
    await condition.acquire()
    wake = true
    condition.notify()
    await sleep(0)
    task.cancel('foo')
    condition.release()
    const error = await thrown(task)
    expect(error).toBeInstanceOf(CancelledError)
    expect((error as CancelledError).message).toBe('foo')
    expect(error).toBe(raised)
  },
)

/** Two consumers wait for one item. The consumer that is notified is cancelled after `delay`. */
async function cancelNotified(delay: (() => PromiseLike<void>) | null): Promise<void> {
  const condition = new Condition()
  let state = 0
  const consumer = async (): Promise<void> => {
    using _ = await condition.acquire()
    for (;;) {
      await condition.waitFor(() => state !== 0)
      if (state < 0) return
      state--
    }
  }
  const consumers = [createTask(consumer), createTask(consumer)] as const
  await sleep(0)
  {
    using _ = await condition.acquire()
    state++
    condition.notify(1)
    if (delay !== null) await delay()
    consumers[0].cancel()
    await timeout(10, () => condition.waitFor(() => state === 0)).catch((error: unknown) => {
      if (!(error instanceof TimeoutError)) throw error
    })
    expect(state).toBe(0)
    state = -1
    condition.notifyAll()
  }
  await consumers[1]
}

// test_cancelled_wakeup
virtual(
  'a notify whose waiter is cancelled in the same turn reaches the other waiter of the Condition',
  () => cancelNotified(null),
)

// test_cancelled_wakeup_relock
virtual(
  'a notify whose waiter is cancelled while it takes the lock reaches the other waiter of the Condition',
  () => cancelNotified(() => sleep(0)),
)
