import { createTask, gather, isCancelled, sleep, type Task } from '@tasktree/core'
import { explore } from '@tasktree/core/testing'
import { Barrier, Queue, RWLock } from '@tasktree/sync'
import { describe, expect, test } from 'vitest'
import { Dinner } from './support/dinner.ts'

const seeds = 1000

/** Cancels `victim` after `n` turns of the loop. Returns whether the victim ended without an error all the same. */
async function cancelAfter(n: number, victim: Task): Promise<boolean> {
  for (let i = 0; i < n; i++) await sleep(0)
  victim.cancel()
  try {
    await victim
    return true
  } catch (error) {
    if (!isCancelled(error)) throw error
    return false
  }
}

const programs: Record<string, (n: number) => Promise<void>> = {
  'a producer and a consumer are cancelled': async (n) => {
    const queue = new Queue<number>({ maxsize: 2 })
    const put: number[] = []
    const got: number[] = []
    const producer = (base: number) => async (): Promise<void> => {
      for (let i = 0; i < 4; i++) {
        await queue.put(base + i)
        put.push(base + i)
      }
    }
    const consumer = async (): Promise<void> => {
      for await (const item of queue) {
        got.push(item)
        queue.taskDone()
      }
    }
    const rest = [createTask(producer(0)), createTask(producer(10))]
    const consumers = [createTask(consumer), createTask(consumer)]
    const victims = [createTask(producer(20)), createTask(consumer)] as const
    await gather(victims.map((victim) => cancelAfter(n, victim)))
    await gather(rest)
    await queue.join()
    queue.shutdown()
    await gather(consumers)
    expect(got.toSorted((a, b) => a - b)).toEqual(put.toSorted((a, b) => a - b))
    expect(put).toEqual(expect.arrayContaining([0, 1, 2, 3, 10, 11, 12, 13]))
    expect(queue.statistics()).toMatchObject({ size: 0, getters: 0, putters: 0, unfinished: 0 })
  },
  'a dining philosopher is cancelled': async (n) => {
    const dinner = new Dinner()
    const tasks = dinner.philosophers.map((philosopher) => createTask(philosopher))
    const done = await cancelAfter(n, tasks[2] as Task)
    await gather(tasks.filter((task) => task !== tasks[2]))
    expect(dinner.meals).toBeGreaterThanOrEqual(done ? 5 * 2 : 4 * 2)
    expect(dinner.forks.map((fork) => fork.statistics())).toEqual(
      dinner.forks.map(() => ({ locked: false, holders: 0, waiters: 0 })),
    )
    expect(dinner.seats.statistics()).toEqual({ value: 4, holders: 0, waiters: 0 })
  },
  'a reader and a writer are cancelled': async (n) => {
    const lock = new RWLock()
    let readers = 0
    let writers = 0
    let used = 0
    const read = async (): Promise<void> => {
      using _ = await lock.read()
      readers++
      try {
        expect(writers).toBe(0)
        await sleep(0)
        used++
      } finally {
        readers--
      }
    }
    const write = async (): Promise<void> => {
      using _ = await lock.write()
      writers++
      try {
        expect([readers, writers]).toEqual([0, 1])
        await sleep(0)
        used++
      } finally {
        writers--
      }
    }
    const rest = [read, write, read, write].map((body) => createTask(body))
    const victims = [createTask(write), createTask(read)]
    const done = await gather(victims.map((victim) => cancelAfter(n, victim)))
    await gather(rest)
    expect(used).toBe(rest.length + done.filter(Boolean).length)
    expect(lock.statistics()).toEqual({ readers: 0, writers: 0, waiters: 0 })
  },
  'a task in a barrier is cancelled, and another task comes in its place': async (n) => {
    const barrier = new Barrier(3)
    const arrived = [0, 0, 0, 0]
    const phases = async (): Promise<void> => {
      for (let phase = 0; phase < arrived.length; phase++) {
        arrived[phase] = (arrived[phase] as number) + 1
        await barrier.wait()
        expect(arrived[phase]).toBe(2)
      }
    }
    const third = async (): Promise<void> => {
      for (;;) await barrier.wait()
    }
    const rest = [createTask(phases), createTask(phases)]
    expect(await cancelAfter(n, createTask(third))).toBe(false)
    const substitute = createTask(third)
    await gather(rest)
    await cancelAfter(0, substitute)
    expect(arrived).toEqual([2, 2, 2, 2])
    expect(barrier.statistics()).toMatchObject({ state: 'filling', waiters: 0, leaving: 0 })
  },
}

describe.each(Object.entries(programs))('%s', (_name, program) => {
  test.each([0, 1, 2, 4, 8])(
    'after %i turns, and nothing is lost under any schedule of the tasks',
    { tags: ['slow'] },
    async (n) => {
      await explore(() => program(n), { seeds })
    },
  )
})
