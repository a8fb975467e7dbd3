import { CancelledError, createTask, gather, sleep, type Task, wait } from '@tasktree/core'
import { Barrier, BrokenBarrierError } from '@tasktree/sync'
import { expect, test } from 'vitest'
import { thrown, virtual } from '../support/virtual.ts'

// Behaviours of BarrierTests in Lib/test/test_asyncio/test_locks.py (CPython 3.13); the name of each case
// there stands above its test. `async with barrier as i` is `const i = await barrier.wait()`.

const parties = 5

function makeTasks<T>(n: number, body: () => PromiseLike<T>): Task<T>[] {
  return Array.from({ length: n }, () => createTask(body))
}

async function gatherTasks<T>(n: number, body: () => PromiseLike<T>): Promise<T[]> {
  return gather(makeTasks(n, body))
}

/** Resolves with true if the barrier broke, and with false if it let the waiter through. */
async function breaks(waiting: PromiseLike<unknown>): Promise<boolean> {
  try {
    await waiting
    return false
  } catch (error) {
    if (!(error instanceof BrokenBarrierError)) throw error
    return true
  }
}

/** Checks that no task is left in the barrier, and that it can be used again. */
function expectFree(barrier: Barrier): void {
  expect(barrier.nWaiting).toBe(0)
  expect(barrier.broken).toBe(false)
  expect(barrier.statistics()).toEqual({
    parties: barrier.parties,
    state: 'filling',
    broken: false,
    waiters: 0,
    leaving: 0,
    blocked: 0,
  })
}

const times = (n: number): true[] => Array.from({ length: n }, () => true)

// test_barrier
virtual('awaiting a barrier itself does not enter it', async () => {
  const barrier = new Barrier(parties)
  expect(barrier).not.toHaveProperty('then')
  // oxlint-disable-next-line typescript/await-thenable -- the test awaits the barrier itself
  expect(await barrier).toBe(barrier)
  expectFree(barrier)
})

// test_repr (here `statistics()` has what CPython's repr shows)
virtual('statistics() shows the state of a barrier and how many tasks wait', async () => {
  const barrier = new Barrier(parties)
  const enter = async (): Promise<void> => {
    await barrier.wait()
  }
  expectFree(barrier)
  const waiters = makeTasks(2, enter)
  await sleep(0)
  expect(barrier.statistics()).toMatchObject({ state: 'filling', waiters: 2 })
  waiters.push(...makeTasks(barrier.parties - barrier.nWaiting, enter))
  await sleep(0)
  expect(barrier.statistics()).toMatchObject({ state: 'draining', waiters: 0, leaving: 4 })
  waiters.push(...makeTasks(2, enter))
  await sleep(0)
  await barrier.reset()
  expect(barrier.statistics()).toMatchObject({ state: 'resetting', waiters: 0, leaving: 2 })
  waiters.push(...makeTasks(2, enter))
  await sleep(0)
  await barrier.abort()
  expect(barrier.statistics()).toMatchObject({ state: 'broken', broken: true })
  expect(barrier.broken).toBe(true)
  await gather(waiters, { returnExceptions: true })
})

// test_barrier_parties
test('new Barrier refuses less than one party', () => {
  expect(() => new Barrier(0)).toThrow(RangeError)
  expect(() => new Barrier(-4)).toThrow(RangeError)
  expect(new Barrier(parties).parties).toBe(parties)
})

// test_context_manager
virtual('Barrier.wait gives each task a different number', async () => {
  const barrier = new Barrier(3)
  const results = await gatherTasks(3, () => barrier.wait())
  expect(results.toSorted()).toEqual([0, 1, 2])
  expectFree(barrier)
})

// test_filling_one_task
virtual('a barrier of one party does not make its task wait', async () => {
  const barrier = new Barrier(1)
  expect(await barrier.wait()).toBe(0)
  expectFree(barrier)
})

// test_filling_one_task_twice
virtual('a barrier of one party lets the same task through again at once', async () => {
  const barrier = new Barrier(1)
  const first = createTask(() => barrier.wait())
  await sleep(0)
  expect(barrier.nWaiting).toBe(0)
  const second = createTask(() => barrier.wait())
  await sleep(0)
  expect([first.done(), second.done()]).toEqual([true, true])
  expect(first.result()).toBe(second.result())
  expectFree(barrier)
})

// test_filling_task_by_task
virtual('nWaiting and statistics() of a barrier count the tasks that have come', async () => {
  const barrier = new Barrier(3)
  const tasks: Task<number>[] = []
  for (const waiters of [1, 2]) {
    tasks.push(createTask(() => barrier.wait()))
    await sleep(0)
    expect(barrier.statistics()).toMatchObject({ state: 'filling', waiters })
    expect(barrier.nWaiting).toBe(waiters)
  }
  tasks.push(createTask(() => barrier.wait()))
  await sleep(0)
  await wait(tasks)
  expectFree(barrier)
})

// test_filling_tasks_wait_twice
virtual('no task passes a barrier twice before all have passed it once', async () => {
  const barrier = new Barrier(parties)
  const results: boolean[] = []
  await gatherTasks(parties, async () => {
    await barrier.wait()
    results.push(true)
    await barrier.wait()
    results.push(false)
  })
  expect(results.slice(0, parties).every(Boolean)).toBe(true)
  expect(results.slice(parties).some(Boolean)).toBe(false)
  expect(results).toHaveLength(parties * 2)
  expectFree(barrier)
})

// test_filling_tasks_check_return_value
virtual('a barrier numbers its tasks from 0 again each time it fills', async () => {
  const barrier = new Barrier(parties)
  let passed = 0
  const results = await gatherTasks(parties, async () => {
    await barrier.wait()
    passed++
    const index = await barrier.wait()
    passed++
    return index
  })
  expect(passed).toBe(parties * 2)
  expect(results.toSorted()).toEqual([0, 1, 2, 3, 4])
  expectFree(barrier)
})

// test_draining_state
virtual('the state of a barrier is "draining" until the last task has left', async () => {
  const barrier = new Barrier(parties)
  const results: boolean[] = []
  await gatherTasks(parties, async () => {
    await barrier.wait()
    results.push(barrier.statistics().state === 'draining')
  })
  expect(results).toEqual([true, true, true, true, false])
  expectFree(barrier)
})

// test_blocking_tasks_while_draining
virtual('a task that comes while a barrier drains waits for the next filling', async () => {
  const rewait = 2
  const barrier = new Barrier(parties)
  const others = new Barrier(parties - rewait)
  let left = rewait
  let passed = 0
  await gatherTasks(parties, async () => {
    await barrier.wait()
    if (left > 0) left--
    else await others.wait()
    await barrier.wait()
    passed++
  })
  expect(passed).toBe(parties)
  expectFree(barrier)
})

// test_filling_tasks_cancel_one
virtual('a barrier does not count a cancelled task, and another task takes its place', async () => {
  const barrier = new Barrier(3)
  let passed = 0
  const enter = async (): Promise<void> => {
    await barrier.wait()
    passed++
  }
  const first = createTask(enter)
  await sleep(0)
  expect(barrier.nWaiting).toBe(1)
  const second = createTask(enter)
  await sleep(0)
  expect(barrier.nWaiting).toBe(2)
  first.cancel()
  await sleep(0)
  expect(barrier.nWaiting).toBe(1)
  expect(await thrown(first)).toBeInstanceOf(CancelledError)
  expect(first.cancelled()).toBe(true)
  const third = createTask(enter)
  await sleep(0)
  expect(barrier.nWaiting).toBe(2)
  await gather([second, third, createTask(enter)])
  expect(passed).toBe(3)
  expectFree(barrier)
})

// test_reset_barrier
virtual('a reset of an empty barrier leaves it unbroken', async () => {
  const barrier = new Barrier(1)
  createTask(() => barrier.reset())
  await sleep(0)
  expectFree(barrier)
})

// test_reset_barrier_while_tasks_waiting
virtual(
  'a reset makes the waiting tasks of a barrier throw BrokenBarrierError, and leaves it usable',
  async () => {
    const barrier = new Barrier(parties)
    const results: boolean[] = []
    const tasks = makeTasks(parties - 1, async () => {
      results.push(await breaks(barrier.wait()))
    })
    await sleep(0)
    createTask(() => barrier.reset())
    await gather(tasks)
    expect(results).toEqual(times(parties - 1))
    expectFree(barrier)
  },
)

// test_reset_barrier_when_tasks_half_draining
virtual(
  'a reset of a draining barrier makes the tasks that have not left yet throw BrokenBarrierError',
  async () => {
    const barrier = new Barrier(parties)
    const rest = Math.floor(parties / 2)
    const broken: boolean[] = []
    await gatherTasks(parties, async () => {
      if (await breaks(barrier.wait())) broken.push(true)
      else if (barrier.statistics().leaving === rest) await barrier.reset()
    })
    expect(broken).toEqual(times(rest))
    expectFree(barrier)
  },
)

// test_reset_barrier_when_tasks_half_draining_half_blocking
virtual(
  'a reset of a draining barrier breaks no wait of the tasks that wait for the next filling',
  async () => {
    const barrier = new Barrier(parties)
    const blocking = Math.floor(parties / 2)
    const leaving: boolean[] = []
    const entering: boolean[] = []
    let count = 0
    await gatherTasks(parties, async () => {
      if (await breaks(barrier.wait())) {
        leaving.push(true)
        await barrier.wait()
        return
      }
      if (++count > blocking) {
        await barrier.reset()
        await barrier.wait()
      } else if (await breaks(barrier.wait())) entering.push(true)
    })
    expect(leaving).toEqual(times(blocking))
    expect(entering).toEqual([])
    expectFree(barrier)
  },
)

// test_reset_barrier_while_tasks_waiting_and_waiting_again
virtual('a task whose wait a reset has broken can wait again at once', async () => {
  const barrier = new Barrier(parties)
  const broken: boolean[] = []
  let passed = 0
  const tasks = makeTasks(parties - 1, async () => {
    if (await breaks(barrier.wait())) broken.push(true)
    await barrier.wait()
    passed++
  })
  createTask(() => barrier.reset())
  await sleep(0)
  const last = createTask(async () => {
    await barrier.wait()
    passed++
  })
  await gather([...tasks, last])
  expect(broken).toEqual(times(parties - 1))
  expect(passed).toBe(parties)
  expectFree(barrier)
})

// test_reset_barrier_while_tasks_draining
virtual('a reset by the last task that leaves a barrier breaks no wait', async () => {
  const barrier = new Barrier(parties)
  let count = 0
  let second = 0
  let third = 0
  await gatherTasks(parties, async () => {
    await barrier.wait()
    if (++count === parties) {
      await barrier.reset()
      await barrier.wait()
    } else {
      await barrier.wait()
      second++
    }
    await barrier.wait()
    third++
  })
  expect([second, third]).toEqual([parties - 1, parties])
  expectFree(barrier)
})

// test_abort_barrier
virtual('an abort breaks an empty barrier', async () => {
  const barrier = new Barrier(1)
  createTask(() => barrier.abort())
  await sleep(0)
  expect(barrier.nWaiting).toBe(0)
  expect(barrier.broken).toBe(true)
})

// test_abort_barrier_when_tasks_half_draining_half_blocking
virtual(
  'an abort of a draining barrier breaks the waits of all tasks that leave it or come in',
  async () => {
    const barrier = new Barrier(parties)
    const blocking = Math.floor(parties / 2)
    const leaving: boolean[] = []
    const entering: boolean[] = []
    let count = 0
    await gatherTasks(parties, async () => {
      if (await breaks(barrier.wait())) {
        leaving.push(true)
        return
      }
      if (++count > blocking) await barrier.abort()
      else if (await breaks(barrier.wait())) entering.push(true)
    })
    expect(barrier.broken).toBe(true)
    expect(leaving).toEqual(times(blocking))
    expect(entering).toEqual(times(parties - blocking - 1))
    expect(barrier.statistics()).toMatchObject({ state: 'broken', waiters: 0, blocked: 0 })
  },
)

// test_abort_barrier_when_exception
virtual('a task that fails after it has passed can break the barrier for the others', async () => {
  const barrier = new Barrier(parties)
  let passed = 0
  const broken: boolean[] = []
  await gatherTasks(parties, async () => {
    const entering = async (): Promise<void> => {
      if ((await barrier.wait()) === Math.floor(parties / 2)) throw new RangeError('the middle one')
      await barrier.wait()
      passed++
    }
    try {
      if (await breaks(entering())) broken.push(true)
    } catch (error) {
      expect(error).toBeInstanceOf(RangeError)
      await barrier.abort()
    }
  })
  expect(barrier.broken).toBe(true)
  expect(passed).toBe(0)
  expect(broken).toEqual(times(parties - 1))
  expect(barrier.nWaiting).toBe(0)
})

// test_abort_barrier_when_exception_then_resetting
virtual('a reset makes a broken barrier usable again', async () => {
  const barrier = new Barrier(parties)
  const other = new Barrier(parties)
  const middle = Math.floor(parties / 2)
  let passed = 0
  let again = 0
  const broken: boolean[] = []
  await gatherTasks(parties, async () => {
    const entering = async (): Promise<void> => {
      if ((await barrier.wait()) === middle) throw new RangeError('the middle one')
      await barrier.wait()
      passed++
    }
    try {
      if (await breaks(entering())) broken.push(true)
    } catch (error) {
      expect(error).toBeInstanceOf(RangeError)
      await barrier.abort()
    }
    // All tasks must have left before the reset, and no task may come in before it. The barrier `other` ensures both.
    if ((await other.wait()) === middle) await barrier.reset()
    await other.wait()
    await barrier.wait()
    again++
  })
  expect([passed, again]).toEqual([0, parties])
  expect(broken).toEqual(times(parties - 1))
  expectFree(barrier)
})
