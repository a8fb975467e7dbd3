import {
  allTasks,
  any,
  cancelTasks,
  createTask,
  currentTask,
  failAfter,
  gather,
  getRunningLoop,
  race,
  shielded,
  sleep,
  sleepForever,
  staggeredRace,
  type Task,
  TaskManager,
  timeout,
  wait,
} from '@tasktree/core'
import { describe, expect, vi } from 'vitest'
import { thrown, virtual } from './support/virtual.ts'

const nameOf = (error: unknown): string => (error as Error).name

let log: string[] = []

/** Waits until it is cancelled. Its clean-up takes 50 ms, unless a second cancel ends it early. */
async function work(): Promise<void> {
  try {
    await sleepForever()
  } finally {
    let end = 'cut'
    try {
      await sleep(50)
      end = 'cleaned up'
    } finally {
      log.push(end)
    }
  }
}

/** Waits until it is cancelled. Its clean-up is shielded, so no second cancel ends it early. */
async function slowWork(): Promise<void> {
  try {
    await sleepForever()
  } finally {
    await shielded(() => sleep(100))
  }
}

async function twoTasks(): Promise<[Task<void>, Task<void>]> {
  log = []
  const tasks: [Task<void>, Task<void>] = [createTask(work), createTask(work)]
  await sleep(0)
  return tasks
}

describe('a cancel of the code that waits in cancelTasks', () => {
  virtual('by a timeout cancels the tasks again, as with gather, and waits for them', async () => {
    const outcomeOf = async (
      end: (tasks: Task<void>[]) => PromiseLike<unknown>,
    ): Promise<unknown> => {
      const tasks = await twoTasks()
      const begin = getRunningLoop().time()
      const error = await thrown(timeout(5, async () => end(tasks)))
      const ended = tasks.map((task) => task.cancelled())
      return { error: nameOf(error), ended, log, time: getRunningLoop().time() - begin }
    }
    const expected = {
      error: 'TimeoutError',
      ended: [true, true],
      log: ['cut', 'cut'],
      time: 5,
    }
    // asyncio has no `cancel_tasks`. The documentation of asyncio and its Runner cancel several tasks in this way.
    const asInAsyncio = (tasks: Task<void>[]): PromiseLike<unknown> => {
      for (const task of tasks) task.cancel()
      return gather(tasks, { returnExceptions: true })
    }
    expect(await outcomeOf(asInAsyncio)).toEqual(expected)
    expect(await outcomeOf(cancelTasks)).toEqual(expected)
  })

  virtual('by failAfter waits for the whole clean-up', async () => {
    const tasks = await twoTasks()
    expect(nameOf(await thrown(failAfter(5, () => cancelTasks(tasks))))).toBe('TimeoutError')
    expect(tasks.map((task) => task.cancelled())).toEqual([true, true])
    expect([log, getRunningLoop().time()]).toEqual([['cleaned up', 'cleaned up'], 50])
  })

  virtual('still reports an error that a task throws in its clean-up', async () => {
    const report = vi.fn()
    getRunningLoop().setExceptionHandler((_loop, { message }) => report(message))
    for (const limit of [timeout<void>, failAfter<void>]) {
      const task = createTask(
        async () => {
          try {
            await sleepForever()
          } finally {
            await shielded(() => sleep(50))
            // oxlint-disable-next-line no-unsafe-finally -- the test needs a clean-up that fails
            throw new Error('in the clean-up')
          }
        },
        { name: 'broken' },
      )
      await sleep(0)
      await thrown(limit(5, () => cancelTasks([task])))
    }
    const message = 'Unhandled exception while broken was being cancelled'
    expect(report.mock.calls).toEqual([[message], [message]])
  })
})

interface Ending {
  prepare: () => PromiseLike<Task[]>
  end: (tasks: Task[]) => PromiseLike<unknown>
}

const endings: Record<string, Ending> = {
  cancelTasks: { prepare: twoTasks, end: cancelTasks },
  'the disposal of a task': {
    prepare: twoTasks,
    end: async ([first, second]) => {
      await using _first = first
      await using _second = second
    },
  },
  'TaskManager.cancelAll': {
    prepare: async () => [],
    end: async () => {
      await using manager = new TaskManager()
      manager.create('a', work)
      manager.create('b', slowWork)
      await sleep(0)
      await manager.cancelAll()
    },
  },
  race: { prepare: async () => [], end: () => race([work, slowWork, async () => sleep(0)]) },
  any: { prepare: async () => [], end: () => any([work, slowWork, async () => sleep(0)]) },
  staggeredRace: {
    prepare: async () => [],
    end: () => staggeredRace([work, slowWork, async () => sleep(0)], 0),
  },
}

describe('a cancel at every turn, and another one 20 ms later, leave no task running', () => {
  for (const [name, { prepare, end }] of Object.entries(endings)) {
    virtual(`behind ${name}`, async () => {
      let cancelled = 0
      for (let turns = 0; turns < 12; turns++) {
        const tasks = await prepare()
        const before = allTasks()
        let left = -1
        const ending = createTask(async () => {
          try {
            await end(tasks)
          } finally {
            const running = [...allTasks()].filter(
              (task) => !before.has(task) || tasks.includes(task),
            )
            left = running.filter((task) => task !== currentTask()).length
          }
        })
        await sleep(0)
        for (let i = 0; i < turns; i++) await sleep(0)
        ending.cancel()
        await sleep(20)
        ending.cancel()
        await wait([ending])
        expect(left, `after ${turns} turns`).toBe(0)
        if (ending.cancelled()) cancelled++
      }
      expect(cancelled).toBeGreaterThan(0)
    })
  }
})

describe('a task is cancelled and nothing hangs if it waits for itself by', () => {
  virtual('cancelTasks that it calls with itself', async () => {
    const task = createTask(async () => cancelTasks([currentTask() as Task]))
    await wait([task])
    expect([task.cancelled(), getRunningLoop().time()]).toEqual([true, 0])
  })

  virtual('cancelTasks that its child calls with it, while it awaits the child', async () => {
    let parent!: Task<void>
    parent = createTask(async () => {
      await createTask(async () => {
        await sleep(1)
        await cancelTasks([parent])
      })
    })
    await wait([parent])
    expect([parent.cancelled(), getRunningLoop().time()]).toEqual([true, 1])
  })

  virtual('the disposal of a child that awaits it', async () => {
    let parent!: Task<void>
    parent = createTask(async () => {
      await using _child = createTask(async () => parent)
      await sleep(1)
    })
    await wait([parent])
    expect([parent.cancelled(), getRunningLoop().time()]).toEqual([true, 1])
  })

  virtual('the disposal of a TaskManager that has a task that awaits it', async () => {
    let parent!: Task<void>
    parent = createTask(async () => {
      await using manager = new TaskManager()
      manager.create('child', async () => parent)
      await sleep(1)
    })
    await wait([parent])
    expect([parent.cancelled(), getRunningLoop().time()]).toEqual([true, 1])
  })

  virtual('cancelTasks, in a cancelled scope, of a child that awaits it', async () => {
    let parent!: Task<void>
    parent = createTask(async () => {
      await failAfter(1, async () => {
        const child = createTask(async () => parent)
        try {
          await sleepForever()
        } finally {
          await cancelTasks([child])
        }
      })
    })
    await wait([parent])
    expect([parent.cancelled(), getRunningLoop().time()]).toEqual([true, 1])
  })
})
