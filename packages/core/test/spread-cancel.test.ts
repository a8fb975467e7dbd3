import {
  allTasks,
  type CoroutineGenerator,
  createTask,
  currentTask,
  DeadlockError,
  Future,
  gather,
  getRunningLoop,
  isCancelled,
  run,
  sleep,
  type Task,
  taskSignal,
  timeout,
  wait,
} from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { describe, expect, test } from 'vitest'
import { thrown, virtual } from './support/virtual.ts'

describe('a circle of tasks that wait for each other', () => {
  type Circle = (first: Task, log: string[]) => PromiseLike<unknown>
  const waitFor = async (task: Task, name: string, log: string[]): Promise<void> => {
    try {
      await task
    } finally {
      log.push(`${name} ${task.done() ? 'after' : 'before'} the first`)
    }
  }
  const circles: [string, Circle, string[]][] = [
    ['of two', (first, log) => createTask(() => waitFor(first, 'child', log)), ['child']],
    [
      'of three',
      (first, log) => {
        const second = createTask(() => waitFor(first, 'second', log))
        return createTask(() => waitFor(second, 'third', log))
      },
      ['second', 'third'],
    ],
    [
      'with a gather',
      (first, log) => gather(['a', 'b'].map((name) => () => waitFor(first, name, log))),
      ['a', 'b'],
    ],
    [
      'with Promise.all on both sides',
      (first, log) =>
        Promise.all(
          ['a', 'b'].map((name) =>
            createTask(() =>
              Promise.all([waitFor(first, name, log), waitFor(first, `${name}2`, log)]),
            ),
          ),
        ),
      ['a', 'b'],
    ],
    [
      'with a generator',
      (first, log) =>
        createTask(function* (): CoroutineGenerator<void> {
          try {
            yield* first
          } finally {
            log.push('generator before the first')
          }
        }),
      ['generator'],
    ],
  ]

  for (const [name, circle, names] of circles) {
    virtual(`${name} ends by one cancel, the last task first`, async () => {
      const log: string[] = []
      const first: Task = createTask(async () => {
        await circle(first, log)
      })
      await sleep(1)
      expect(first.cancel()).toBe(true)
      await wait([first])
      expect(first.cancelled()).toBe(true)
      for (const each of names) expect(log.filter((line) => line.startsWith(each))).not.toEqual([])
      expect(log[0]).toBe(`${names[0]} before the first`)
      await sleep(1)
      expect([...allTasks()].filter((task) => task !== currentTask())).toEqual([])
    })
  }

  virtual('does not change how the cancel of another task is delivered afterwards', async () => {
    const log: string[] = []
    const first: Task = createTask(async () => {
      await createTask(async () => {
        await Promise.all([sleep(1_000), first])
      })
    })
    await sleep(1)
    first.cancel()
    await wait([first])
    const held = new Future<void>()
    const other = createTask(async () => {
      await held.catch(() => {})
      log.push('caught')
      await sleep(1_000)
    })
    await sleep(1)
    held.setResult()
    other.cancel()
    await wait([other])
    expect(log).toEqual(['caught'])
  })

  const both = async (
    child: (main: Task, self: () => Task) => Promise<unknown>,
  ): Promise<Task[]> => {
    let inner: Task | null = null
    const main: Task = createTask(async () => {
      inner = createTask(async () => child(main, () => inner as Task))
      await inner
    })
    await sleep(1)
    return [main, inner as unknown as Task]
  }

  virtual('ends by a cancel that a task has requested of itself before its wait', async () => {
    const tasks = await both(async (main, self) => {
      self().cancel()
      await main
    })
    await wait(tasks)
    expect(tasks.map((task) => task.cancelled())).toEqual([true, true])
  })

  for (const kind of ['an async function', 'a generator'] as const) {
    virtual(
      `ends even if the inner task takes its cancel back before its turn, in ${kind}`,
      async () => {
        const [main, inner] = (await both(async (main) => {
          if (kind === 'an async function') await main
          else
            await createTask(function* (): CoroutineGenerator<void> {
              yield* main
            })
        })) as [Task, Task]
        main.cancel()
        inner.uncancel()
        await wait([main, inner])
        expect([main.cancelled(), inner.cancelled()]).toEqual([true, true])
      },
    )
  }

  virtual('ends even if another wait of the inner task has its turn first', async () => {
    const future = new Future<number>()
    const tasks = await both((main) => Promise.all([future, main]))
    getRunningLoop().callSoon(() => {
      future.setResult(1)
      tasks[0]?.cancel()
    })
    await wait(tasks)
    expect(tasks.map((task) => task.cancelled())).toEqual([true, true])
  })

  virtual(
    'ends by one cancel even if a gather or Promise.allSettled beside it accepts the cancel',
    async () => {
      for (const beside of [
        (main: Task, future: Future<void>) => gather([main, future], { returnExceptions: true }),
        (main: Task, future: Future<void>) => Promise.allSettled([main, future]),
        (main: Task, future: Future<void>) => Promise.allSettled([future, main]),
      ]) {
        const future = new Future<void>()
        const tasks = await both(async (main) => beside(main, future))
        tasks[0]?.cancel()
        await wait(tasks)
        expect([future.cancelled(), ...tasks.map((task) => task.done())]).toEqual([
          true,
          true,
          true,
        ])
      }
    },
  )

  virtual('ends by one cancel if a task waits for the other task twice', async () => {
    const tasks = await both(async (main) => Promise.allSettled([main, main]))
    tasks[0]?.cancel()
    await wait(tasks)
    expect(tasks.map((task) => task.done())).toEqual([true, true])
  })

  virtual(
    'makes a timeout in it throw TimeoutError after a foreign promise, and cancelling() is 0',
    async () => {
      const seen: unknown[] = []
      const foreign = Promise.withResolvers<void>()
      const tasks = await both(async (main, self) => {
        try {
          await timeout(5, async () => {
            await foreign.promise
            await main
          })
        } catch (error) {
          seen.push((error as Error).name, self().cancelling())
        }
      })
      await sleep(10)
      foreign.resolve()
      await wait(tasks)
      expect(seen).toEqual(['TimeoutError', 0])
    },
  )

  virtual('does not cancel the next await of the task that cancels the other task', async () => {
    const future = new Future<void>()
    const foreign = Promise.withResolvers<void>()
    const seen: unknown[] = []
    const tasks = await both(async (main) => {
      const settled = Promise.allSettled([future, main])
      await foreign.promise
      main.cancel()
      seen.push(await sleep(5, 'slept'))
      for (const { status } of await settled) seen.push(status)
    })
    future.setResult()
    await sleep(1)
    foreign.resolve()
    await wait(tasks)
    expect(seen).toEqual(['slept', 'fulfilled', 'rejected'])
  })

  virtual('ends if an abort listener of the cancel cancels another task', async () => {
    const other = createTask(async () => sleep(1_000))
    const tasks = await both(async (main) => {
      taskSignal().addEventListener('abort', () => other.cancel())
      await main
    })
    tasks[0]?.cancel()
    await wait([...tasks, other])
    expect([...tasks, other].map((task) => task.cancelled())).toEqual([true, true, true])
  })

  virtual('ends although a chain waits for it and its waitingOn is read meanwhile', async () => {
    const [main, inner] = (await both(async (main) => main)) as [Task, Task]
    const chained = main.then(
      () => 'value',
      (error: unknown) => isCancelled(error),
    )
    main.cancel()
    expect(inner.waitingOn.has(main)).toBe(false)
    await wait([main, inner])
    expect(await chained).toBe(true)
  })

  test('with a gather reports no unretrieved exception', async () => {
    const reports: unknown[] = []
    await run(async () => {
      getRunningLoop().setExceptionHandler((_, context) => reports.push(context))
      const tasks = await both(async (main) => gather([main]))
      tasks[0]?.cancel()
      await wait(tasks)
    })
    expect(reports).toEqual([])
  })

  test('makes runVirtual throw a DeadlockError with the tasks in the circle', async () => {
    const error = await thrown(
      runVirtual(async () => {
        const main = currentTask() as Task
        await createTask(async () => main, { name: 'child' })
      }),
    )
    expect(error).toBeInstanceOf(DeadlockError)
    expect(String(error)).toMatch(/Task-1 +waiting on child\n.*child +waiting on Task-1/)
  })
})

virtual('a cancel passes through 100,000 tasks that each wait for the next', async () => {
  const end = new Future<void>()
  let last: PromiseLike<void> = end
  const line = Array.from({ length: 100_000 }, () => {
    const next = last
    const task = createTask(async () => next)
    last = task
    return task
  })
  while (line.some((task) => task.waitingOn.size === 0)) await sleep(1)
  const first = line.at(-1) as Task
  first.cancel('over')
  expect(end.cancelled()).toBe(true)
  await wait([first])
  expect(line.every((task) => task.cancelled())).toBe(true)
})

virtual(
  'an error thrown by the cancel() of a future reaches the caller of task.cancel(), which can cancel again',
  async () => {
    class Stubborn extends Future<void> {
      tries = 0
      override cancel(): boolean {
        if (++this.tries === 1) throw new Error('not yet')
        return super.cancel()
      }
    }
    const future = new Stubborn()
    const inner = createTask(async () => future)
    const outer = createTask(async () => inner)
    await sleep(1)
    expect(() => outer.cancel()).toThrow('not yet')
    expect([future.done(), outer.cancel()]).toEqual([false, true])
    await wait([outer])
    expect([inner.cancelled(), outer.cancelled()]).toEqual([true, true])
  },
)

describe('an abort listener that cancels the parent task', () => {
  const waits: [string, (a: Task, b: Task) => PromiseLike<unknown>][] = [
    ['gather', (a, b) => gather([a, b])],
    ['Promise.all', (a, b) => Promise.all([a, b])],
    ['an await', (a) => a],
  ]
  for (const [name, both] of waits) {
    virtual(
      `through ${name} is counted, and the parent goes on only after its children have cleaned up`,
      async () => {
        const log: unknown[] = []
        let parent: Task | null = null
        const child = async (): Promise<void> => {
          taskSignal().addEventListener('abort', () => log.push(parent?.cancel()))
          try {
            await sleep(1_000)
          } finally {
            await sleep(10)
            log.push('cleaned up')
          }
        }
        parent = createTask(async () => {
          try {
            await both(createTask(child), createTask(child))
          } finally {
            log.push('parent goes on')
          }
        })
        await sleep(1)
        parent.cancel()
        await wait([parent])
        const children = name === 'an await' ? 1 : 2
        expect(parent.cancelling()).toBe(children + 1)
        expect(log.slice(0, children)).toEqual(Array.from({ length: children }, () => true))
        expect(log.slice(children)).toEqual([
          ...Array.from({ length: children }, () => 'cleaned up'),
          'parent goes on',
        ])
      },
    )
  }
})
