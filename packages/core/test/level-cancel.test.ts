import {
  any,
  asCompleted,
  cancelScope,
  cancelTasks,
  checkpoint,
  coroutine,
  createTask,
  failAfter,
  Future,
  gather,
  iterate,
  moveOnAfter,
  race,
  shield,
  shielded,
  sleep,
  Sleeper,
  sleepForever,
  staggeredRace,
  type Task,
  taskGroup,
  TaskManager,
  timeout,
  wait,
  waitFor,
} from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { sweepLevelCancel, type Swept } from './support/level-sweep.ts'

/** How long clean-up takes, in milliseconds. */
const cleanUp = 5
let running = 0
/** Counts the workers that were cancelled a second time, in their clean-up. */
let cut = 0

beforeEach(() => {
  running = 0
  cut = 0
})

/** Takes four turns of the loop. When it is cancelled, a shielded clean-up of `cleanUp` milliseconds follows. */
async function work(): Promise<void> {
  running++
  try {
    for (let i = 0; i < 4; i++) await checkpoint()
  } catch (error) {
    await shielded(() => sleep(cleanUp))
    throw error
  } finally {
    running--
  }
}

/** The body of a separate task. Its clean-up is not shielded, because only one cancel, that of its own task, may reach it. */
async function worker(): Promise<void> {
  running++
  try {
    for (let i = 0; i < 4; i++) await checkpoint()
  } catch (error) {
    cut++
    await sleep(cleanUp)
    cut--
    throw error
  } finally {
    running--
  }
}

const workers = (n: number): Task<void>[] => Array.from({ length: n }, () => createTask(worker))

async function* numbers(): AsyncGenerator<number> {
  running++
  try {
    for (let i = 0; i < 3; i++) {
      await checkpoint()
      yield i
    }
  } finally {
    running--
  }
}

/** For operations that wait for tasks and leave them running when they are cancelled, as in asyncio. The tasks end later. */
const endsLater = {
  prepare: (): Task<void>[] => workers(3),
  after: (tasks: readonly Task<void>[]): Promise<unknown> => wait(tasks),
}

const operations: Record<string, Swept<Task<void>[]>> = {
  'a sleep': { operate: () => sleep(0) },
  sleepForever: { operate: () => sleepForever(), moments: 5 },
  checkpoint: { operate: work },
  'an await of a Future': { operate: () => new Future(), moments: 5 },
  'an await of a task': { ...endsLater, operate: async ([task]) => task },
  gather: { ...endsLater, operate: (tasks) => gather(tasks) },
  'gather with returnExceptions': {
    ...endsLater,
    operate: (tasks) => gather(tasks, { returnExceptions: true }),
  },
  'a gather of coroutines': { operate: () => gather([coroutine(work)(), coroutine(work)()]) },
  'Promise.all': { operate: () => Promise.all([work(), work()]) },
  wait: { ...endsLater, operate: (tasks) => wait(tasks) },
  'asCompleted by for await': {
    ...endsLater,
    operate: async (tasks) => {
      for await (const _ of asCompleted(tasks));
    },
  },
  'asCompleted by for': {
    ...endsLater,
    operate: async (tasks) => {
      for (const next of asCompleted(tasks)) await next
    },
  },
  race: { operate: () => race([work, async () => sleep(1e6), worker]) },
  any: { operate: () => any([work, async () => Promise.reject(new Error('no')), worker]) },
  staggeredRace: { operate: () => staggeredRace([worker, work], 1) },
  shield: { ...endsLater, operate: ([task]) => shield(task as Task<void>) },
  iterate: {
    operate: async () => {
      for await (const _ of iterate(numbers())) await checkpoint()
    },
  },
  Sleeper: {
    operate: async () => {
      const sleeper = new Sleeper()
      const waking = sleeper.sleep('key', 1e6)
      await checkpoint()
      sleeper.cancel('key')
      await waking
      expect(sleeper.keys()).toEqual([])
    },
  },
  taskGroup: {
    operate: () =>
      taskGroup(async (group) => {
        group.createTask(work)
        group.createTask(work)
        await work()
      }),
  },
  'taskGroup with a limit': {
    grace: 4 * cleanUp,
    operate: () =>
      taskGroup(
        async (group) => {
          for (let i = 0; i < 4; i++) group.createTask(work)
        },
        { limit: 1 },
      ),
  },
  'TaskGroup.start': {
    operate: () =>
      taskGroup(async (group) => {
        await group.start(async (started) => {
          await checkpoint()
          started()
          await work()
        })
      }),
  },
  'TaskGroup.cancel': {
    operate: () =>
      taskGroup(async (group) => {
        group.createTask(work)
        await checkpoint()
        group.cancel()
        await sleepForever()
      }),
  },
  'a taskGroup that fails': {
    operate: () =>
      taskGroup(async (group) => {
        group.createTask(work)
        await checkpoint()
        throw new Error('fails')
      }).catch((error: Error) => {
        if (error.name === 'CancelledError') throw error
      }),
  },
  timeout: { operate: () => timeout(1e6, work) },
  waitFor: { operate: () => waitFor(work, 1e6) },
  failAfter: { operate: () => failAfter(1e6, work) },
  moveOnAfter: { operate: () => moveOnAfter(1e6, work) },
  'nested scopes': { operate: () => cancelScope(() => cancelScope(work)) },
  'shielded with a grace': {
    grace: 3,
    moments: 6,
    operate: () => shielded(() => sleepForever(), { grace: 3 }),
  },
  cancelTasks: {
    ...endsLater,
    operate: async (tasks) => {
      await checkpoint()
      try {
        await cancelTasks(tasks)
      } finally {
        expect(running).toBe(0)
      }
    },
  },
  'the disposal of a task': {
    ...endsLater,
    operate: async ([task]) => {
      await checkpoint()
      try {
        await (task as Task<void>)[Symbol.asyncDispose]()
      } finally {
        expect((task as Task<void>).done()).toBe(true)
      }
    },
  },
  TaskManager: {
    operate: async () => {
      await using manager = new TaskManager()
      manager.create('a', worker)
      manager.create('b', work)
      await checkpoint()
      await manager.cancel('a')
      manager.create('c', worker)
      await checkpoint()
    },
  },
  'TaskManager.cancelAll': {
    operate: async () => {
      await using manager = new TaskManager()
      manager.create('a', worker)
      await checkpoint()
      try {
        await manager.cancelAll()
      } finally {
        expect(running).toBe(0)
      }
    },
  },
  'TaskManager.wait': {
    operate: async () => {
      await using manager = new TaskManager()
      manager.create('a', worker)
      await manager.wait()
    },
  },
}

describe('a scope that is cancelled at any turn ends, with everything in it, when its body is', () => {
  test.each(Object.keys(operations))('%s', async (name) => {
    const swept = operations[name] as Swept<Task<void>[]>
    const cancels = await runVirtual(() =>
      sweepLevelCancel({
        grace: 2 * cleanUp,
        ...swept,
        after: async (tasks, wasCancelled) => {
          await swept.after?.(tasks, wasCancelled)
          expect({ running, cut }).toEqual({ running: 0, cut: 0 })
        },
      }),
    )
    expect(cancels).toBeGreaterThan(0)
  })
})

describe('a new wait does not look at the other waits of its scope', () => {
  const begin = (waits: number): Promise<unknown> =>
    Promise.all(Array.from({ length: waits }, async () => sleepForever()))
  const cases: Record<string, (waits: number) => Promise<unknown>> = {
    'in a cancelled scope': (waits) =>
      cancelScope((scope) => {
        scope.cancel()
        return begin(waits)
      }),
    'while a cancel is pending': (waits) => {
      const task = createTask(() => {
        task.cancel()
        return begin(waits)
      })
      return wait([task])
    },
  }

  test.each(Object.keys(cases))('%s', async (name) => {
    /** Counts how often the library asks a future whether it is done. */
    const count = async (waits: number): Promise<number> => {
      const done = vi.spyOn(Future.prototype, 'done')
      try {
        await runVirtual(async () => void (await cases[name]?.(waits)))
        return done.mock.calls.length
      } finally {
        done.mockRestore()
      }
    }
    const few = await count(10)
    // If each wait looked at all others, ten times as many waits would cost a hundred times as much.
    expect(await count(100)).toBeLessThan(20 * few)
  })
})
