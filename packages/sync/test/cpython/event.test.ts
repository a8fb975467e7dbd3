import { CancelledError, createTask, getRunningLoop, sleep } from '@tasktree/core'
import { Event } from '@tasktree/sync'
import { expect, test } from 'vitest'
import { thrown, virtual } from '../support/virtual.ts'

// Behaviours of EventTests in Lib/test/test_asyncio/test_locks.py (CPython 3.13); the name of each case
// there stands above its test. docs/coming-from/differences-from-asyncio.md lists the cases that cannot apply.

// test_repr (here `statistics()` has what CPython's repr shows)
virtual('statistics() shows whether an Event is set and how many tasks wait', async () => {
  const event = new Event()
  expect(event.statistics()).toEqual({ set: false, waiters: 0 })
  const waiting = event.wait()
  expect(event.statistics()).toEqual({ set: false, waiters: 1 })
  event.set()
  expect(event.statistics()).toEqual({ set: true, waiters: 0 })
  await waiting
})

// test_wait
virtual(
  'a task that calls wait() when an Event is set already goes on before the tasks that the set wakes',
  async () => {
    const event = new Event()
    expect(event.isSet()).toBe(false)
    const result: number[] = []
    const waiter = (n: number) => async (): Promise<void> => {
      if (await event.wait()) result.push(n)
    }
    const tasks = [createTask(waiter(1)), createTask(waiter(2))]
    await sleep(0)
    expect(result).toEqual([])
    tasks.push(createTask(waiter(3)))
    event.set()
    await sleep(0)
    expect(result).toEqual([3, 1, 2])
    expect(tasks.map((task) => task.result())).toEqual([undefined, undefined, undefined])
  },
)

// test_wait_on_set
virtual('Event.wait ends at once when the event is set', async () => {
  const event = new Event()
  event.set()
  expect(await event.wait()).toBe(true)
})

// test_wait_cancel
virtual('a cancelled Event.wait leaves no waiter behind', async () => {
  const event = new Event()
  const waiting = createTask(() => event.wait())
  getRunningLoop().callSoon(() => waiting.cancel())
  expect(await thrown(waiting)).toBeInstanceOf(CancelledError)
  expect(event.statistics().waiters).toBe(0)
})

// test_clear
test('Event.clear makes isSet() false again', () => {
  const event = new Event()
  expect(event.isSet()).toBe(false)
  event.set()
  expect(event.isSet()).toBe(true)
  event.clear()
  expect(event.isSet()).toBe(false)
})

// test_clear_with_waiters
virtual('Event.set wakes the waiters even if clear() follows at once', async () => {
  const event = new Event()
  const result: number[] = []
  const task = createTask(async () => {
    if (await event.wait()) result.push(1)
    return true
  })
  await sleep(0)
  expect(result).toEqual([])
  event.set()
  event.clear()
  expect(event.isSet()).toBe(false)
  event.set()
  event.set()
  await sleep(0)
  expect(result).toEqual([1])
  expect(event.statistics().waiters).toBe(0)
  expect(task.result()).toBe(true)
})
