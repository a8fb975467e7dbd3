import {
  asCompleted,
  cancelTasks,
  createTask,
  FIRST_COMPLETED,
  formatTaskTree,
  Future,
  gather,
  run,
  sleep,
  staggeredRace,
  type Task,
  taskGroup,
  TaskManager,
  wait,
} from '@tasktree/core'
import { test } from 'vitest'
import { expectLinear, type Measure, timed } from './support/growth.ts'

const body = async (): Promise<void> => {}
const list = <T>(n: number, make: (i: number) => T): T[] =>
  Array.from({ length: n }, (_, i) => make(i))
const sleepers = (n: number): Task<void>[] => list(n, () => createTask(() => sleep(1e9)))

const operations: Record<string, Measure> = {
  'gather of functions': (n) => timed(() => gather(list(n, () => body))),
  'gather of futures that are done': async (n) => {
    const futures = list(n, () => new Future<void>())
    for (const future of futures) future.setResult()
    return timed(() => gather(futures))
  },
  'the cancel of a gather': async (n) => {
    const gathering = gather(sleepers(n))
    await sleep(1)
    return timed(async () => {
      gathering.cancel()
      await gathering.catch(() => {})
    })
  },
  wait: (n) => timed(() => wait(list(n, () => createTask(body)))),
  'wait for the first': async (n) => {
    const tasks = [createTask(body), ...sleepers(n)]
    return timed(() => wait(tasks, { returnWhen: FIRST_COMPLETED }))
  },
  'asCompleted by for await': (n) =>
    timed(async () => {
      for await (const _ of asCompleted(list(n, () => body)));
    }),
  'asCompleted of what is done at once': async (n) => {
    const futures = list(n, () => new Future<void>())
    const completions = asCompleted(futures)
    for (const future of futures) future.setResult()
    await sleep(1)
    return timed(async () => {
      for await (const _ of completions);
    })
  },
  'asCompleted with all waiting': async (n) => {
    const futures = list(n, () => new Future<void>())
    const waiting = [...asCompleted(futures)]
    return timed(async () => {
      for (const future of futures) future.setResult()
      await gather(waiting)
    })
  },
  'asCompleted with waiters that were cancelled': async (n) => {
    const futures = list(n, () => new Future<void>())
    const waiting = [...asCompleted(futures)]
    return timed(async () => {
      for (const waiter of waiting.slice(1)) waiter.cancel()
      for (const future of futures) future.setResult()
      await waiting[0]
    })
  },
  'a timeout of asCompleted': async (n) => {
    const futures = list(n, () => new Future<void>())
    const waiting = [...asCompleted(futures, { timeout: 1 })]
    return timed(() => gather(waiting, { returnExceptions: true }))
  },
  cancelTasks: async (n) => {
    const tasks = sleepers(n)
    await sleep(1)
    return timed(() => cancelTasks(tasks))
  },
  'taskGroup with children that end': (n) =>
    timed(() =>
      taskGroup(async (group) => {
        for (let i = 0; i < n; i++) group.createTask(body)
      }),
    ),
  'taskGroup with a child that fails': async (n) =>
    timed(() =>
      taskGroup(async (group) => {
        for (let i = 0; i < n; i++) group.createTask(() => sleep(1e9))
        group.createTask(async () => Promise.reject(new Error('fails')))
      }).catch(() => {}),
    ),
  'a Promise.all that is cancelled': async (n) => {
    const task = createTask(() => Promise.all(list(n, () => new Future())))
    await sleep(1)
    return timed(() => cancelTasks([task]))
  },
  'staggeredRace with contestants that fail': (n) =>
    timed(() =>
      staggeredRace(
        list(n, () => () => Promise.reject(new Error('lost'))),
        null,
      ),
    ),
  'a TaskManager with many that end': async (n) => {
    const manager = new TaskManager()
    for (let i = 0; i < n / 10; i++) manager.create(`live ${i}`, () => sleep(1e9))
    const time = await timed(async () => {
      for (let i = 0; i < n; i++) {
        manager.create(`short ${i}`, body)
        if (i % 100 === 0) await sleep(0)
      }
    })
    await manager.cancelAll()
    return time
  },
  'formatTaskTree of siblings': async (n) => {
    const tasks = sleepers(n)
    await sleep(1)
    const time = await timed(() => formatTaskTree())
    await cancelTasks(tasks)
    return time
  },
  'formatTaskTree of tasks in tasks': async (n) => {
    const nest = async (depth: number): Promise<void> => {
      if (depth > 0) createTask(() => nest(depth - 1))
      await sleep(1e9)
    }
    createTask(() => nest(n))
    await sleep(1)
    while (!formatTaskTree().includes('more')) await sleep(1)
    return timed(() => formatTaskTree())
  },
  'the cancel of a line of tasks': async (n) => {
    let last = createTask(() => sleep(1e9))
    for (let i = 0; i < n; i++) {
      const next = last
      last = createTask(() => next)
    }
    await sleep(1)
    return timed(() => cancelTasks([last]))
  },
  'futures with callbacks that are removed': async (n) => {
    const future = new Future<void>()
    const callbacks = list(n, () => () => {})
    for (const callback of callbacks) future.addDoneCallback(callback)
    return timed(() => {
      future.setResult()
      return future
    })
  },
}

test.each(Object.keys(operations))(
  'ten times as many take about ten times as long: %s',
  { tags: ['slow'] },
  (name) =>
    expectLinear((n) => run(() => (operations[name] as Measure)(n), { handleSignals: false })),
)
