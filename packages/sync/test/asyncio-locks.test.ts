// The behaviours of CPython's test_locks.py (3.13), by their names there.
import { createTask, gather, isCancelled, sleep, type Task, timeout } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { Barrier, BrokenBarrierError, Condition, Event, Lock, Semaphore } from '@tasktree/sync'
import { describe, expect, test } from 'vitest'

const port = (name: string, body: () => Promise<void>): void => {
  // oxlint-disable-next-line vitest/valid-title -- it is handed on
  test(name, () => runVirtual(body))
}

async function turns(n: number): Promise<void> {
  for (let i = 0; i < n; i++) await sleep(0)
}

const cancelled = async (task: Task): Promise<boolean> =>
  task.then(
    () => false,
    (error: unknown) => isCancelled(error),
  )

describe('LockTests', () => {
  port(
    'test_cancel_race: a cancelled waiter at the head does not keep the second from the lock',
    async () => {
      const lock = new Lock()
      const order: string[] = []
      await lock.acquire()
      const lockit = (name: string, blocker: Event | null): Task<void> =>
        createTask(async () => {
          await lock.acquire()
          try {
            order.push(name)
            if (blocker !== null) await blocker.wait()
          } finally {
            lock.release()
          }
        })
      const blocker = new Event()
      const a = lockit('a', blocker)
      const b = lockit('b', null)
      await turns(2)
      lock.release()
      a.cancel()
      await turns(2)
      const c = lockit('c', null)
      await gather([b, c])
      expect(await cancelled(a)).toBe(true)
      expect(order).toEqual(['b', 'c'])
    },
  )

  port(
    'test_cancel_release_race: a release and a cancel in one turn leave the lock usable',
    async () => {
      const lock = new Lock()
      await lock.acquire()
      const first = createTask(() => lock.acquire())
      const second = createTask(() => lock.acquire())
      await turns(1)
      createTask(async () => {
        first.cancel()
        lock.release()
      })
      await second
      expect(await cancelled(first)).toBe(true)
      expect(lock.locked()).toBe(true)
    },
  )

  port(
    'test_finished_waiter_cancelled: a second waiter gets the lock when the woken first is cancelled',
    async () => {
      const lock = new Lock()
      await lock.acquire()
      const first = createTask(() => lock.acquire())
      await turns(1)
      lock.release()
      const second = createTask(() => lock.acquire())
      first.cancel()
      await second
      expect(lock.locked()).toBe(true)
    },
  )

  port('test_release_no_waiters and test_release_not_acquired', async () => {
    const lock = new Lock()
    await lock.acquire()
    lock.release()
    expect(lock.locked()).toBe(false)
    expect(() => lock.release()).toThrow('not locked')
  })
})

describe('EventTests', () => {
  port('test_wait, test_wait_on_set, test_clear', async () => {
    const event = new Event()
    const log: number[] = []
    const waits = [1, 2, 3].map((n) =>
      createTask(async () => {
        if (await event.wait()) log.push(n)
      }),
    )
    await turns(1)
    expect(log).toEqual([])
    event.set()
    await gather(waits)
    expect(log).toEqual([1, 2, 3])
    expect(event.wait().done()).toBe(true)
    event.clear()
    expect(event.isSet()).toBe(false)
  })

  port('test_wait_cancel', async () => {
    const event = new Event()
    const waiting = createTask(() => event.wait())
    await turns(1)
    waiting.cancel()
    expect(await cancelled(waiting)).toBe(true)
    expect(event.statistics().waiters).toBe(0)
  })

  port('test_clear_with_waiters: set and clear in one turn wake all the same', async () => {
    const event = new Event()
    const waiting = createTask(() => event.wait())
    await turns(1)
    event.set()
    event.clear()
    event.set()
    expect(event.statistics().waiters).toBe(0)
    event.clear()
    expect(await waiting).toBe(true)
  })
})

describe('ConditionTests', () => {
  port('test_wait_unacquired, test_notify_unacquired', async () => {
    const condition = new Condition()
    await expect(condition.wait()).rejects.toMatchObject({ name: 'RuntimeError' })
    expect(() => condition.notify()).toThrow('not locked')
    expect(() => condition.notifyAll()).toThrow('not locked')
  })

  port('test_notify: n of them, in order, each when it has the lock', async () => {
    const condition = new Condition()
    const log: number[] = []
    const tasks = [1, 2, 3].map((n) =>
      createTask(async () => {
        await condition.acquire()
        if (await condition.wait()) log.push(n)
        condition.release()
      }),
    )
    await turns(2)
    await condition.acquire()
    condition.notify(1)
    condition.release()
    await turns(3)
    expect(log).toEqual([1])
    await condition.acquire()
    condition.notify(1)
    condition.notify(2048)
    condition.release()
    await gather(tasks)
    expect(log).toEqual([1, 2, 3])
  })

  port('test_wait_cancel_contested: the cancel is thrown when the lock is had again', async () => {
    const condition = new Condition()
    await condition.acquire()
    const waiting = createTask(() => condition.wait())
    await turns(1)
    expect(condition.locked()).toBe(false)
    await condition.acquire()
    condition.notify()
    await turns(2)
    waiting.cancel()
    await turns(2)
    expect(waiting.done()).toBe(false)
    condition.release()
    expect(await cancelled(waiting)).toBe(true)
    expect(condition.locked()).toBe(true)
  })

  port(
    'test_wait_cancel_after_notify: the lock is held, and the second gets the notice',
    async () => {
      const condition = new Condition()
      const waited: boolean[] = []
      const wait = (): Promise<void> =>
        condition.runExclusive(async () => {
          try {
            await condition.wait()
          } finally {
            waited.push(condition.locked())
          }
        })
      const first = createTask(wait)
      const second = createTask(wait)
      await turns(2)
      await condition.acquire()
      condition.notify()
      await turns(2)
      first.cancel()
      await turns(2)
      condition.release()
      await second
      expect(await cancelled(first)).toBe(true)
      expect(waited).toEqual([true, true])
    },
  )

  port('test_wait_for', async () => {
    const condition = new Condition()
    let presult = false
    const waiting = createTask(() => condition.runExclusive(() => condition.waitFor(() => presult)))
    await turns(2)
    await condition.runExclusive(() => condition.notify())
    await turns(2)
    expect(waiting.done()).toBe(false)
    presult = true
    await condition.runExclusive(() => condition.notify())
    expect(await waiting).toBe(true)
  })

  port('test_explicit_lock: two conditions share a lock', async () => {
    const lock = new Lock()
    const [first, second] = [new Condition(lock), new Condition(lock)]
    using _ = await first.acquire()
    expect(second.locked()).toBe(true)
    expect(() => new Condition({} as never)).toThrow(TypeError)
  })

  port('test_timeout_in_block', async () => {
    const condition = new Condition()
    using _ = await condition.acquire()
    await expect(timeout(1, async () => condition.wait())).rejects.toMatchObject({
      name: 'TimeoutError',
    })
    expect(condition.locked()).toBe(true)
  })
})

describe('SemaphoreTests', () => {
  port('test_initial_value_zero, test_semaphore_value', async () => {
    expect(new Semaphore(0).locked()).toBe(true)
    expect(new Semaphore().statistics().value).toBe(1)
    expect(() => new Semaphore(-1)).toThrow(RangeError)
  })

  port('test_acquire_cancel_before_awoken: permits go to those that are left', async () => {
    const semaphore = new Semaphore(0)
    const tasks = Array.from({ length: 4 }, () => createTask(() => semaphore.acquire()))
    await turns(1)
    semaphore.release()
    semaphore.release()
    tasks[0]?.cancel()
    tasks[1]?.cancel()
    await turns(3)
    expect(tasks.map((task) => task.done() && !task.cancelled())).toEqual([
      false,
      false,
      true,
      true,
    ])
  })

  port('test_acquire_hang: the permit of a cancelled waiter is not lost', async () => {
    const semaphore = new Semaphore(0)
    const first = createTask(() => semaphore.acquire())
    const second = createTask(() => semaphore.acquire())
    await turns(1)
    semaphore.release()
    first.cancel()
    await second
    expect(semaphore.locked()).toBe(true)
  })

  port('test_acquire_no_hang', async () => {
    const semaphore = new Semaphore(1)
    const hold = async (): Promise<void> => {
      using _ = await semaphore.acquire()
      await sleep(0)
    }
    const first = createTask(hold)
    const second = createTask(hold)
    await turns(1)
    first.cancel()
    await second
    expect(semaphore.locked()).toBe(false)
  })

  port('test_release_no_waiters, test_acquire_fifo_order', async () => {
    const semaphore = new Semaphore(1)
    const log: string[] = []
    const worker = (tag: string) => async (): Promise<void> => {
      for (let i = 1; i <= 2; i++) {
        await semaphore.acquire()
        log.push(`${tag}_${i}`)
        await sleep(10)
        semaphore.release()
      }
    }
    await gather([worker('c1'), worker('c2'), worker('c3')])
    expect(log).toEqual(['c1_1', 'c2_1', 'c3_1', 'c1_2', 'c2_2', 'c3_2'])
    expect(semaphore.locked()).toBe(false)
  })

  port('test_acquire_fifo_order_2: one that releases does not overtake', async () => {
    const semaphore = new Semaphore(1)
    const log: number[] = []
    const enter = async (n: number): Promise<void> => {
      await semaphore.acquire()
      log.push(n)
    }
    const again = async (): Promise<void> => {
      await enter(2)
      semaphore.release()
      await enter(4)
    }
    const tasks = [createTask(() => enter(1)), createTask(again), createTask(() => enter(3))]
    await turns(1)
    semaphore.release()
    semaphore.release()
    await gather(tasks)
    expect(log).toEqual([1, 2, 3, 4])
  })
})

describe('BarrierTests', () => {
  const wait = (barrier: Barrier): Task<number> => createTask(() => barrier.wait())

  port('test_filling_one_task, test_filling_tasks', async () => {
    expect(await new Barrier(1).wait()).toBe(0)
    const barrier = new Barrier(3)
    const tasks = [wait(barrier), wait(barrier)]
    await sleep(1)
    expect(barrier.nWaiting).toBe(2)
    const last = await barrier.wait()
    const all = [last, ...(await gather(tasks))]
    expect(all.toSorted()).toEqual([0, 1, 2])
    expect([barrier.nWaiting, barrier.broken]).toEqual([0, false])
  })

  port('test_filling_tasks_cancel_one: another fills its place', async () => {
    const barrier = new Barrier(3)
    const tasks = [wait(barrier), wait(barrier)]
    await sleep(1)
    tasks[0]?.cancel()
    await sleep(1)
    expect([barrier.nWaiting, barrier.broken]).toEqual([1, false])
    const rest = [wait(barrier), wait(barrier)]
    await gather([...rest, tasks[1] as Task<number>])
    expect(barrier.nWaiting).toBe(0)
  })

  port('test_reset_barrier, and a wait after it begins anew', async () => {
    const barrier = new Barrier(2)
    const waiting = wait(barrier)
    await sleep(1)
    await barrier.reset()
    await expect(waiting.then(() => null)).rejects.toBeInstanceOf(BrokenBarrierError)
    expect(barrier.broken).toBe(false)
    await gather([wait(barrier), wait(barrier)])
  })

  port('test_abort_barrier, and reset mends it', async () => {
    const barrier = new Barrier(2)
    const waiting = wait(barrier)
    await sleep(1)
    await barrier.abort()
    await expect(waiting.then(() => null)).rejects.toBeInstanceOf(BrokenBarrierError)
    await expect(barrier.wait()).rejects.toBeInstanceOf(BrokenBarrierError)
    expect(barrier.broken).toBe(true)
    await barrier.reset()
    await gather([wait(barrier), wait(barrier)])
    expect(() => new Barrier(0)).toThrow(RangeError)
  })
})
