import {
  createTask,
  DeadlockError,
  Future,
  gather,
  getRunningLoop,
  newEventLoop,
  sleep,
  timeout,
  TimeoutError,
  wait,
} from '@tasktree/core'
import { explore, runVirtual, ScheduleError, VirtualClock } from '@tasktree/core/testing'
import { readFile } from 'node:fs/promises'
import { describe, expect, test, vi } from 'vitest'
import { thrown } from './support/virtual.ts'

describe('virtual time', () => {
  test('a program that sleeps for a day takes no real time, and the clock of its loop moves by a day', async () => {
    const day = await runVirtual(async () => {
      const loop = getRunningLoop()
      const start = loop.time()
      for (let hour = 0; hour < 24; hour++) await sleep(3_600_000)
      return loop.time() - start
    })
    // In real time the test would reach its time limit.
    expect(day).toBe(86_400_000)
  })

  test('timers fire in the order of their deadlines, and timers with equal deadlines in the order of creation', async () => {
    const log: string[] = []
    await runVirtual(async () => {
      const loop = getRunningLoop()
      for (const [delay, name] of [
        [3, 'c'],
        [1, 'a1'],
        [1, 'a2'],
        [2, 'b'],
      ] as const) {
        loop.callLater(delay, () => log.push(`${name}@${loop.time()}`))
      }
      await sleep(5)
    })
    expect(log).toEqual(['a1@1', 'a2@1', 'b@2', 'c@3'])
  })

  test('starts at the time of the start option', async () => {
    expect(await runVirtual(async () => getRunningLoop().time(), { start: 1_000 })).toBe(1_000)
  })

  test('a program goes on by its own timer of the runtime after an older timer has fired', async () => {
    const older = Promise.withResolvers<void>()
    setTimeout(older.resolve, 20)
    const result = await runVirtual(async () => {
      const own = new Promise((resolve) => setTimeout(resolve, 200))
      await older.promise
      await own
      return 'done'
    })
    expect(result).toBe('done')
  })

  test('a program goes on by its own timer of the runtime after it has cleared an older timer', async () => {
    const older = setTimeout(() => {}, 60_000)
    const result = await runVirtual(async () => {
      clearTimeout(older)
      await new Promise((resolve) => setTimeout(resolve, 100))
      return 'done'
    })
    expect(result).toBe('done')
  })

  test('a program is deadlocked if only resources that are older than the program are open', async () => {
    const older = setTimeout(() => {}, 60_000)
    const program = async (): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, 20))
      await new Future()
    }
    const error = await thrown(runVirtual(program))
    clearTimeout(older)
    expect(error).toBeInstanceOf(DeadlockError)
  })

  test('a clock can serve a second loop when the first is closed', async () => {
    const clock = new VirtualClock()
    for (const end of [10, 20]) {
      const loop = newEventLoop({ clock })
      await loop.runUntilComplete(() => sleep(10))
      expect(clock.now()).toBe(end)
      loop.close()
    }
  })

  test('the order of events in a program does not depend on the speed of the machine', async () => {
    const course = async (millisecondsPerLook: number): Promise<string[]> => {
      const log: string[] = []
      let now = performance.now()
      const clock = vi.spyOn(performance, 'now')
      clock.mockImplementation(() => (now += millisecondsPerLook))
      await runVirtual(async () => {
        const { promise, resolve } = Promise.withResolvers<void>()
        getRunningLoop().callLater(1, resolve)
        const foreign = createTask(async () => {
          await promise
          // These microtasks run between the turns of the task `busy`.
          for (let i = 0; i < 40; i++) {
            await Promise.resolve()
            log.push('foreign')
          }
        })
        await sleep(1)
        const busy = createTask(async () => {
          for (let i = 0; i < 300; i++) {
            await sleep(0)
            log.push(String(i))
          }
        })
        await gather([foreign, busy])
      })
      clock.mockRestore()
      return log
    }
    expect(await course(5)).toEqual(await course(0))
  })

  test('does not pass while a task can run', () =>
    runVirtual(async () => {
      const loop = getRunningLoop()
      for (let i = 0; i < 1_000; i++) await sleep(0)
      expect(loop.time()).toBe(0)
    }))

  test('tasks that main leaves behind are cancelled when main ends, and their timers never fire', async () => {
    const log: string[] = []
    await runVirtual(async () => {
      createTask(async () => {
        try {
          await sleep(0)
          log.push('went on')
        } finally {
          await sleep(5)
          log.push(`cleaned up at ${getRunningLoop().time()}`)
        }
      })
      getRunningLoop().callLater(10, () => log.push('fired'))
    })
    expect(log).toEqual(['cleaned up at 5'])
  })

  test('runVirtual rejects with the task tree if nothing can go on', async () => {
    const stuck = runVirtual(async () => {
      const child = createTask(() => new Future(), { name: 'stuck' })
      await child
    })
    await expect(stuck).rejects.toBeInstanceOf(DeadlockError)
    await expect(stuck).rejects.toThrow('stuck')
  })

  test('runVirtual waits for real I/O instead of reporting a deadlock', async () => {
    const text = await runVirtual(() => readFile(import.meta.filename, 'utf8'))
    expect(text).toContain('waits for real I/O')
  })

  test('a timeout ends its body at its time', () =>
    runVirtual(async () => {
      const loop = getRunningLoop()
      await expect(timeout(250, () => sleep(1_000))).rejects.toBeInstanceOf(TimeoutError)
      expect(loop.time()).toBe(250)
    }))

  test('a loop with a VirtualClock starts at the time of the clock and waits in virtual time', async () => {
    const loop = newEventLoop({ clock: new VirtualClock({ start: 7 }) })
    expect(loop.time()).toBe(7)
    await loop.runUntilComplete(() => sleep(3_000))
    expect(loop.time()).toBe(3_007)
    loop.close()
  })
})

/** Two tasks read a counter, let other tasks run, and write it back. Under some schedules an update is lost. */
async function lostUpdate(): Promise<void> {
  let counter = 0
  const increment = async (): Promise<void> => {
    await sleep(0)
    const read = counter
    await sleep(0)
    counter = read + 1
  }
  await gather([increment, increment])
  if (counter !== 2) throw new Error(`an update was lost: ${counter}`)
}

/** Two tasks take two locks in opposite orders. Under some schedules they wait for each other. */
async function deadlock(): Promise<void> {
  const held = new Set<string>()
  const waiting = new Map<string, Future<void>[]>()
  const acquire = async (name: string): Promise<void> => {
    while (held.has(name)) {
      const future = new Future<void>()
      waiting.set(name, [...(waiting.get(name) ?? []), future])
      await future
    }
    held.add(name)
  }
  const release = (name: string): void => {
    held.delete(name)
    waiting.get(name)?.shift()?.setResult()
  }
  const both = (first: string, second: string) => async (): Promise<void> => {
    await sleep(1)
    await acquire(first)
    await sleep(0)
    await acquire(second)
    release(second)
    release(first)
  }
  await gather([both('a', 'b'), both('b', 'a')])
}

/** A task checks a flag before it registers itself as a waiter. Under some schedules it misses the wake-up. */
async function missedWakeUp(): Promise<void> {
  let ready = false
  let waiter: Future<void> | null = null
  const consumer = createTask(async () => {
    if (ready) return
    await sleep(0)
    waiter = new Future()
    await waiter
  })
  const producer = createTask(async () => {
    await sleep(0)
    ready = true
    waiter?.setResult()
  })
  await wait([consumer, producer])
}

describe('explore finds, within 1,000 seeds,', () => {
  test('a lost update', async () => {
    await expect(explore(lostUpdate)).rejects.toBeInstanceOf(ScheduleError)
  })

  test('a deadlock', async () => {
    await expect(explore(deadlock)).rejects.toMatchObject({ cause: { name: 'DeadlockError' } })
  })

  test('a missed wake-up', async () => {
    await expect(explore(missedWakeUp)).rejects.toMatchObject({ cause: { name: 'DeadlockError' } })
  })
})

test('explore with the same seed gives the same trace and the same failure', async () => {
  const failure = await explore(deadlock).then(
    () => null,
    (error: unknown) => error as ScheduleError,
  )
  const replayed = await explore(deadlock, { seed: failure?.seed ?? 0 }).then(
    () => null,
    (error: unknown) => error as ScheduleError,
  )
  expect(failure).not.toBeNull()
  expect(replayed?.trace).toEqual(failure?.trace)
  expect(replayed?.seed).toBe(failure?.seed)
})

test('explore tells how many schedules a correct program has passed', async () => {
  const result = await explore(
    async () => {
      await gather([sleep(1), sleep(1)])
    },
    { seeds: 50 },
  )
  expect(result).toEqual({ schedules: 50 })
})

test('explore refuses a number of 0 seeds', () => {
  expect(() => explore(async () => {}, { seeds: 0 })).toThrow(
    new RangeError('seeds must be a positive integer, got 0'),
  )
})
