import {
  allTasks,
  asCompleted,
  cancelTasks,
  CancelledError,
  coroutine,
  createTask,
  currentTask,
  ExceptionGroup,
  formatTaskTree,
  Future,
  gather,
  getRunningLoop,
  isCoroutine,
  isCoroutineFunction,
  run,
  RuntimeError,
  sleep,
  Sleeper,
  taskGroup,
  TaskManager,
  TimeoutError,
  timeout,
  waitFor,
} from '@tasktree/core'
import { abandon } from '@tasktree/core/lowlevel'
import { describe, expect, test } from 'vitest'
import { thrown, virtual } from './support/virtual.ts'

describe('sleep', () => {
  virtual('gives its result when its time has passed', async () => {
    expect(await sleep(5, 'x')).toBe('x')
    expect(getRunningLoop().time()).toBe(5)
  })

  virtual('waits for more milliseconds than one platform timer can hold', async () => {
    await sleep(2 ** 31)
    expect(getRunningLoop().time()).toBe(2 ** 31)
  })

  test('of 2 ** 31 ms or of Infinity does not end at once in real time', () =>
    run(async () => {
      const long = sleep(2 ** 31)
      const forever = sleep(Infinity)
      await sleep(20)
      expect([long.done(), forever.done()]).toEqual([false, false])
      long.cancel()
      forever.cancel()
    }))

  virtual(
    'a negative delay counts as 0, and a delay that is not a number is refused at once',
    async () => {
      await sleep(-5)
      expect(getRunningLoop().time()).toBe(0)
      expect(() => sleep(NaN)).toThrow(TypeError)
      expect(() => sleep('1' as never)).toThrow('string 1')
    },
  )
})

describe('gather', () => {
  virtual('runs a function that stands twice in the list twice', async () => {
    let runs = 0
    const count = async (): Promise<number> => ++runs
    expect(await gather([count, count])).toEqual([1, 2])
  })

  virtual('runs a coroutine that stands twice in the list once', async () => {
    let runs = 0
    const call = coroutine(async () => ++runs)()
    expect(await gather([call, call])).toEqual([1, 1])
  })

  test('refuses an argument that is not an array of awaitables', () => {
    expect(() => gather(new Set() as never)).toThrow(TypeError)
    expect(() => gather([1 as never])).toThrow('number 1')
    // oxlint-disable-next-line unicorn/no-thenable -- this object is not a thenable, because its `then` is not a function
    expect(() => gather([{ then: 1 } as never])).toThrow('an object of class Object')
  })
})

describe('asCompleted', () => {
  virtual('gives results in the order of completion', async () => {
    const results: number[] = []
    for await (const n of asCompleted([30, 10, 20].map((ms) => () => sleep(ms, ms))))
      results.push(n)
    expect(results).toEqual([10, 20, 30])
  })

  virtual('gives futures in a for loop, each of which ends as the next to complete', async () => {
    const results: number[] = []
    for (const next of asCompleted([30, 10, 20].map((ms) => () => sleep(ms, ms))))
      results.push(await next)
    expect(results).toEqual([10, 20, 30])
  })

  virtual(
    'gives the results that are ready, and throws TimeoutError when the time has passed',
    async () => {
      const results: unknown[] = []
      const error = await thrown(
        (async () => {
          for await (const n of asCompleted([sleep(5, 'quick'), sleep(500, 'slow')], {
            timeout: 50,
          }))
            results.push(n)
        })(),
      )
      expect(results).toEqual(['quick'])
      expect(error).toBeInstanceOf(TimeoutError)
    },
  )

  virtual('does not wait for its timeout when its for await loop is left early', async () => {
    const long = new Future<number>()
    for await (const _ of asCompleted([long, sleep(1, 1)], { timeout: 1_000 })) break
    long.setResult(1)
    await sleep(0)
    expect(getRunningLoop().time()).toBe(1)
  })

  // In asyncio too, a second loop over the same object goes on where the first loop was left.
  virtual('continues in a second for await loop where the first was left', async () => {
    const names = asCompleted(['a', 'b', 'c', 'd'].map((name, i) => () => sleep(i * 10, name)))
    const seen: string[] = []
    for await (const name of names) {
      seen.push(name)
      break
    }
    await sleep(15)
    for await (const name of names) {
      seen.push(name)
      if (name === 'c') break
    }
    for await (const name of names) seen.push(name)
    expect(seen).toEqual(['a', 'b', 'c', 'd'])
  })

  virtual(
    'gives all remaining results to one for await loop when another is left early',
    async () => {
      const names = asCompleted(['a', 'b', 'c'].map((name, i) => () => sleep(i + 1, name)))
      const first = async (): Promise<string> => {
        for await (const name of names) return name
        return 'nothing'
      }
      const all = async (): Promise<string[]> => {
        const seen: string[] = []
        for await (const name of names) seen.push(name)
        return seen
      }
      expect(await Promise.all([first(), all()])).toEqual(['a', ['b', 'c']])
    },
  )

  virtual('counts its timeout also between two for await loops', async () => {
    const names = asCompleted([sleep(1, 'quick'), sleep(500, 'slow')], { timeout: 50 })
    for await (const _ of names) break
    await sleep(100)
    const error = await thrown(
      (async () => {
        for await (const _ of names);
      })(),
    )
    expect([(error as Error).name, getRunningLoop().time()]).toEqual(['TimeoutError', 101])
  })

  virtual(
    'fails all remaining futures if one of the awaitables ends exactly at the timeout',
    async () => {
      const future = new Future<string>()
      const nexts = [...asCompleted([future, sleep(500, 'slow')], { timeout: 50 })]
      getRunningLoop().callAt(50, () => future.setResult('late'))
      await sleep(60)
      expect(nexts.map((next) => next.done() && next.hasFailed())).toEqual([true, true])
      for (const next of nexts) next.exception()
    },
  )

  virtual('gives the result that a cancelled waiter has missed to the next waiter', async () => {
    const future = new Future<string>()
    const [first, second] = [...asCompleted([future, sleep(50, 'later')])]
    const waiter = createTask(async () => first)
    await sleep(0)
    waiter.cancel()
    await thrown(waiter)
    future.setResult('kept')
    expect(await second).toBe('kept')
  })
})

describe('coroutine', () => {
  virtual('runs its function when it is first awaited, and refuses a second await', async () => {
    let runs = 0
    const call = coroutine(async (n: number) => {
      runs += n
      return currentTask()?.name
    })(2)
    await sleep(0)
    expect(runs).toBe(0)
    expect(await call).toBe(currentTask()?.name)
    expect(runs).toBe(2)
    expect(await thrown(call)).toBeInstanceOf(RuntimeError)
  })

  virtual('a generator can yield* futures, tasks, coroutines and other generators', async () => {
    const native = coroutine(async (n: number) => sleep(1, n))
    const leaf = function* (n: number): Generator<Future<unknown>, number> {
      yield* sleep(1)
      return n
    }
    const root = coroutine(function* () {
      const a = yield* leaf(1)
      const b = yield* createTask(() => leaf(2))
      const c = yield* native(3)
      const d = yield* sleep(1, 4)
      return [a, b, c, d]
    })
    expect(await root()).toEqual([1, 2, 3, 4])
    expect(await createTask(root())).toEqual([1, 2, 3, 4])
  })

  virtual('a cancel is thrown into a generator, whose finally block can wait', async () => {
    const log: string[] = []
    const task = createTask(function* () {
      try {
        yield* sleep(1_000)
      } finally {
        yield* sleep(1)
        log.push('cleaned up')
      }
    })
    await sleep(1)
    task.cancel()
    expect(await thrown(task)).toBeInstanceOf(CancelledError)
    expect(log).toEqual(['cleaned up'])
  })

  virtual(
    'a generator that yields a number fails with an error that names the number',
    async () => {
      const task = createTask(function* () {
        yield 5 as never
      })
      expect(String(await thrown(task))).toContain('number 5')
    },
  )

  /** Returns the warnings that are printed when the garbage collector removes the objects that `body` has dropped. */
  async function warningsOf(body: () => void): Promise<string[]> {
    const warnings: string[] = []
    const listen = (warning: Error): void => void warnings.push(warning.message)
    process.on('warning', listen)
    try {
      body()
      for (let i = 0; i < 50 && warnings.length === 0; i++) {
        await new Promise((resolve) => setImmediate(resolve))
        gc?.()
      }
      return warnings
    } finally {
      process.off('warning', listen)
    }
  }

  test('that is never awaited is reported when it is garbage collected', async () => {
    const warnings = await warningsOf(() => {
      async function forgotten(): Promise<void> {}
      coroutine(forgotten)()
    })
    expect(warnings).toEqual(["coroutine 'forgotten' was never awaited"])
  })

  test('whose task is cancelled before its first step is not reported as never awaited', async () => {
    const warnings = await warningsOf(() => {
      async function given(): Promise<void> {}
      async function forgotten(): Promise<void> {}
      createTask(coroutine(given)()).cancel()
      coroutine(forgotten)()
    })
    expect(warnings).toEqual(["coroutine 'forgotten' was never awaited"])
  })

  test('whose task is abandoned before its first step is not reported as never awaited', async () => {
    const warnings = await warningsOf(() => {
      async function given(): Promise<void> {}
      async function forgotten(): Promise<void> {}
      abandon(createTask(coroutine(given)()))
      setImmediate(() => void coroutine(forgotten)())
    })
    expect(warnings).toEqual(["coroutine 'forgotten' was never awaited"])
  })

  test('that is cancelled before its first step in a group with a limit is not reported as never awaited', async () => {
    const warnings = await warningsOf(() => {
      async function given(): Promise<void> {}
      async function forgotten(): Promise<void> {}
      void taskGroup(async (group) => void group.createTask(coroutine(given)()).cancel(), {
        limit: 1,
      })
      setImmediate(() => void coroutine(forgotten)())
    })
    expect(warnings).toEqual(["coroutine 'forgotten' was never awaited"])
  })

  test('isCoroutine and isCoroutineFunction know calls, generators and the functions that make them', () => {
    const fn = coroutine(async () => {})
    const call = fn()
    expect([
      isCoroutine(call),
      isCoroutine((function* () {})()),
      isCoroutine(fn),
      isCoroutine(Promise.resolve()),
    ]).toEqual([true, true, false, false])
    expect([fn, async () => {}, function* () {}, () => {}, call].map(isCoroutineFunction)).toEqual([
      true,
      true,
      true,
      false,
      false,
    ])
    call.close()
    expect(() => coroutine(5 as never)).toThrow(TypeError)
  })
})

describe('ExceptionGroup', () => {
  class Small extends Error {}
  class Big extends Error {}

  test('is an AggregateError with a message, and refuses an empty list', () => {
    const group = new ExceptionGroup('several', [new Small(), new Big()])
    expect(group).toBeInstanceOf(AggregateError)
    expect(group.message).toBe('several (2 errors)')
    expect(() => new ExceptionGroup('none', [])).toThrow(RangeError)
    expect(() => new ExceptionGroup(1 as never, [new Small()])).toThrow(TypeError)
  })

  test('split and subgroup divide by a class or a predicate, and keep the nesting', () => {
    const [a, b, c] = [new Small('a'), new Big('b'), new Small('c')]
    const inner = new ExceptionGroup('inner', [b, c])
    const group = new ExceptionGroup('outer', [a, inner])
    const [small, big] = group.split(Small)
    expect(small?.errors).toEqual([a, new ExceptionGroup('inner', [c])])
    expect(big?.errors).toEqual([new ExceptionGroup('inner', [b])])
    expect(group.subgroup((error) => error === b)?.errors).toHaveLength(1)
    expect(group.subgroup(RangeError)).toBeNull()
    expect(group.split(Error)).toEqual([group, null])
    expect(() => group.split(5 as never)).toThrow(TypeError)
  })
})

describe('Sleeper', () => {
  virtual('a sleep ends early with its result when its key is cancelled', async () => {
    const sleeper = new Sleeper<string>()
    const results: unknown[] = []
    const sleeping = ['a', 'a', 'b'].map((key) =>
      createTask(
        async () =>
          void results.push([
            key,
            await sleeper.sleep(key, 1_000, 'result'),
            getRunningLoop().time(),
          ]),
      ),
    )
    await sleep(5)
    expect(sleeper.keys()).toEqual(['a', 'b'])
    expect(sleeper.cancel('a')).toBe(true)
    expect(sleeper.cancel('missing')).toBe(false)
    await gather(sleeping)
    expect(results).toEqual([
      ['a', 'result', 5],
      ['a', 'result', 5],
      ['b', 'result', 1_000],
    ])
    expect(sleeper.keys()).toEqual([])
    expect(sleeper.cancelAll()).toBe(0)
  })

  virtual('sleep throws CancelledError when its task is cancelled', async () => {
    const sleeper = new Sleeper()
    const task = createTask(() => sleeper.sleep('key', 1_000))
    await sleep(1)
    task.cancel()
    expect(await thrown(task)).toBeInstanceOf(CancelledError)
    expect(sleeper.keys()).toEqual([])
  })

  virtual('a sleep that was ended has lost its key before its task goes on', async () => {
    const sleeper = new Sleeper<string>()
    const all = gather(['a', 'b', 'b'].map((key) => sleeper.sleep(key, 1_000)))
    await sleep(1)
    expect([sleeper.cancel('a'), sleeper.cancel('a'), sleeper.keys()]).toEqual([true, false, ['b']])
    const again = sleeper.sleep('a', 5)
    await sleep(0)
    expect([sleeper.keys(), sleeper.cancelAll(), sleeper.keys()]).toEqual([['b', 'a'], 3, []])
    await again
    await all
  })

  virtual('cancelAll ends all sleeps', async () => {
    const sleeper = new Sleeper<number>()
    const both = gather([sleeper.sleep(1, 1_000), sleeper.sleep(2, 1_000)])
    await sleep(1)
    expect(sleeper.cancelAll()).toBe(2)
    await both
    expect(getRunningLoop().time()).toBe(1)
  })
})

function raise(message: string): never {
  throw new Error(message)
}

describe('TaskManager', () => {
  virtual(
    'get finds a running task by its name, and create refuses a second task with this name',
    async () => {
      const errors: string[] = []
      await using manager = new TaskManager({
        onError: (error, name) => errors.push(`${name}: ${String(error)}`),
      })
      const task = manager.create('work', () => sleep(10))
      expect(manager.get('work')).toBe(task)
      expect(() => manager.create('work', async () => {})).toThrow('already running')
      manager.create('broken', async () => Promise.reject(new Error('boom')))
      await manager.wait()
      expect(errors).toEqual(['broken: Error: boom'])
      expect(manager.list().map(({ name, state }) => [name, state])).toEqual([
        ['work', 'done'],
        ['broken', 'failed'],
      ])
      expect(manager.get('work')).toBeUndefined()
      manager.create('work', async () => {})
      await manager.wait()
    },
  )

  virtual('shows a task as ended before the done callbacks of the task are called', async () => {
    const manager = new TaskManager({ maxTasks: 1 })
    const gate = new Future<void>()
    const first = manager.create('work', async () => gate)
    // This task resumes in the same round of the loop as the first task, before the done callbacks of the first task are called.
    const observer = createTask(async () => {
      await gate
      expect(first.done()).toBe(true)
      expect(manager.get('work')).toBeUndefined()
      expect(await manager.cancel('work')).toBe(false)
      expect(manager.list().map(({ state }) => state)).toEqual(['done'])
      manager.create('other', () => sleep(1))
      await manager.wait()
      manager.create('work', () => sleep(1))
    })
    await sleep(0)
    gate.setResult()
    await observer
    await manager.wait()
    expect(manager.list().map(({ name, state }) => `${name} ${state}`)).toEqual([
      'other done',
      'work done',
    ])
  })

  virtual('runs a new task of the same name at once when the first has ended', async () => {
    const manager = new TaskManager()
    const gate = new Future<void>()
    manager.create('work', async () => gate)
    const creator = createTask(async () => {
      await gate
      manager.create('work', () => sleep(1))
    })
    await sleep(0)
    gate.setResult()
    await creator
    expect(manager.get('work')?.done()).toBe(false)
    expect(manager.list().map(({ state }) => state)).toEqual(['running'])
    await manager.wait()
    expect(manager.list().map(({ state }) => state)).toEqual(['done'])
  })

  virtual('cancel(name) ends one task, and leaving the scope ends the other', async () => {
    const log: string[] = []
    {
      await using manager = new TaskManager({ maxTasks: 2 })
      for (const name of ['a', 'b']) {
        manager.create(name, async () => {
          try {
            await sleep(1_000)
          } finally {
            await sleep(1)
            log.push(name)
          }
        })
      }
      expect(() => manager.create('c', async () => {})).toThrow('2 tasks are running')
      await sleep(0)
      expect(await manager.cancel('a')).toBe(true)
      expect(await manager.cancel('a')).toBe(false)
      expect(log).toEqual(['a'])
    }
    expect(log).toEqual(['a', 'b'])
  })

  virtual(
    'leaving its scope also waits for tasks that its tasks create in their clean-up',
    async () => {
      const log: string[] = []
      const manager = new TaskManager()
      {
        await using scope = manager
        scope.create('first', async () => {
          try {
            await sleep(1_000)
          } finally {
            manager.create('late', () => sleep(1_000).finally(() => log.push('late')))
          }
        })
        await sleep(0)
      }
      expect(log).toEqual(['late'])
      expect(manager.list().map(({ state }) => state)).toEqual(['cancelled', 'cancelled'])
    },
  )

  virtual(
    'leaving its scope waits for all tasks even if the leaving task is cancelled again',
    async () => {
      const log: string[] = []
      const owner = createTask(async () => {
        await using manager = new TaskManager()
        manager.create('slow', async () => {
          try {
            await sleep(1_000)
          } catch {
            await thrown(sleep(5))
            await sleep(5)
            log.push('slow')
          }
        })
        await sleep(1_000)
      })
      await sleep(1)
      owner.cancel()
      await sleep(1)
      owner.cancel()
      expect(await thrown(owner)).toBeInstanceOf(CancelledError)
      expect(log).toEqual(['slow'])
      expect(getRunningLoop().time()).toBe(7)
    },
  )

  test.each([
    ['throws', (): void => raise('onError')],
    ['rejects', async () => raise('onError')],
  ])(
    'an onError that %s does not hide the error of the task: both are reported',
    async (_, onError) => {
      const reports: unknown[] = []
      await run(async () => {
        getRunningLoop().setExceptionHandler(
          (_loop, context) => void reports.push(context.exception),
        )
        const manager = new TaskManager({ onError })
        manager.create('broken', async () => raise('own'))
        await manager.wait()
        await sleep(0)
      })
      expect(reports.map(String)).toEqual(['Error: own', 'Error: onError'])
    },
  )

  virtual('lists all running tasks and only the last thousand or two that have ended', async () => {
    const manager = new TaskManager()
    manager.create('runs', () => sleep(1e9))
    for (let i = 0; i < 5_000; i++) {
      manager.create(`task ${i}`, async () => {})
      if (i % 10 === 0) await sleep(0)
    }
    await sleep(0)
    const names = manager.list().map(({ name }) => name)
    expect(names.length).toBeGreaterThan(1_000)
    expect(names.length).toBeLessThan(2_100)
    expect([names[0], names.at(-1)]).toEqual(['runs', 'task 4999'])
    await manager.cancelAll()
  })

  test('refuses a maxTasks of 0 and an onError that is not a function', () => {
    expect(() => new TaskManager({ maxTasks: 0 })).toThrow(RangeError)
    const wrong = Object.create(null) as never
    expect(() => new TaskManager({ maxTasks: wrong })).toThrow('got an object of class null')
    expect(() => new TaskManager({ onError: 'log' as never })).toThrow('onError must be a function')
  })
})

describe('cancelTasks', () => {
  test('cancels tasks from plain code, waits for them, and reports the errors that they throw', async () => {
    const reports: string[] = []
    const quiet = createTask(() => sleep(60_000))
    const loud = createTask(async () => {
      try {
        await sleep(60_000)
      } catch {
        throw new Error('in cleanup')
      }
    })
    const loop = loud.getLoop()
    loop.setExceptionHandler((_, context) => reports.push(String(context.exception)))
    await sleep(0)
    await cancelTasks([quiet, loud])
    loop.setExceptionHandler(null)
    expect([quiet.cancelled(), loud.done()]).toEqual([true, true])
    expect(reports).toEqual(['Error: in cleanup'])
    expect(() => cancelTasks([new Future() as never])).toThrow(
      new TypeError('cancelTasks takes tasks, got an object of class Future'),
    )
  })
})

virtual(
  'formatTaskTree shows names, states, what each task waits on, and which task made which',
  async () => {
    const parent = createTask(
      async () => {
        const child = createTask(() => sleep(10), { name: 'child' })
        await child
      },
      { name: 'parent' },
    )
    await sleep(1)
    createTask(async () => {}, { name: 'fresh' })
    expect(formatTaskTree()).toBe(
      [
        'Task-1  running or awaiting a foreign promise',
        ' ├─ parent  waiting on child',
        ' │  └─ child  waiting on Sleep',
        ' └─ fresh  not started',
      ].join('\n'),
    )
    expect(allTasks().has(parent)).toBe(true)
    await parent
    expect(allTasks().has(parent)).toBe(false)
  },
)

virtual('gather with a wrong item in its list starts none of its functions', async () => {
  const tasks = allTasks().size
  expect(() => gather([async () => {}, 5 as never])).toThrow(TypeError)
  expect(allTasks().size).toBe(tasks)
})

virtual(
  'the stack of a TimeoutError begins in the file that called timeout or waitFor',
  async () => {
    const first = async (call: () => PromiseLike<unknown>): Promise<string | undefined> =>
      (((await thrown(call())) as Error).stack as string).split('\n')[1]
    const here = 'combinators.test.ts'
    expect(await first(async () => await timeout(1, () => sleep(10)))).toContain(here)
    expect(await first(async () => await waitFor(() => sleep(10), 1))).toContain(here)
  },
)
