import {
  any,
  cancelScope,
  createTask,
  ensureFuture,
  ExceptionGroup,
  getEventLoop,
  iterate,
  race,
  RuntimeError,
  sleep,
  sleepForever,
  staggeredRace,
  type Task,
  taskGroup,
  timeout,
  wait,
} from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { describe, expect, test, vi } from 'vitest'
import { program } from './support/program.ts'
import { foreign, thrown, virtual } from './support/virtual.ts'

const nameOf = (error: unknown): string => (error as Error).name

virtual(
  'a failure of a task that three tasks of a group await is three times in the ExceptionGroup',
  async () => {
    // asyncio's TaskGroup and Trio's nursery also list such a failure once for each task.
    const failure = new Error('not there')
    const shared = createTask(async () => {
      await sleep(1)
      throw failure
    })
    const error = await thrown(
      taskGroup(async (group) => {
        for (let i = 0; i < 3; i++) group.createTask(async () => shared)
      }),
    )
    expect((error as ExceptionGroup).errors.map((each) => each === failure)).toEqual([
      true,
      true,
      true,
    ])
  },
)

describe('TaskGroup.cancel', () => {
  virtual('ends the group without an error, and cancels its body and its tasks', async () => {
    const log: string[] = []
    const value = await taskGroup(async (group) => {
      group.createTask(async () => {
        try {
          await sleepForever()
        } finally {
          log.push('child ended')
        }
      })
      getEventLoop().callLater(5, () => group.cancel())
      await sleepForever()
      return 'value'
    })
    expect([value, log]).toEqual([undefined, ['child ended']])
  })

  virtual('keeps the value of a body that has ended before', async () => {
    const value = await taskGroup(async (group) => {
      group.createTask(() => sleepForever())
      getEventLoop().callLater(5, () => group.cancel())
      return 'value'
    })
    expect(value).toBe('value')
  })

  virtual('does not hide a failure of the clean-up, which the group throws', async () => {
    const error = await thrown(
      taskGroup(async (group) => {
        group.createTask(async () => {
          try {
            await sleepForever()
          } finally {
            // oxlint-disable-next-line eslint/no-unsafe-finally -- the test needs a clean-up that fails
            throw new Error('clean-up')
          }
        })
        await sleep(1)
        group.cancel()
      }),
    )
    expect(error).toBeInstanceOf(ExceptionGroup)
  })

  virtual('does not catch an outer cancel that comes at the same time', async () => {
    const task = createTask(() =>
      taskGroup(async (group) => {
        getEventLoop().callLater(5, () => {
          group.cancel()
          task.cancel()
        })
        await sleepForever()
      }),
    )
    await wait([task])
    expect(task.cancelled()).toBe(true)
  })
})

describe('TaskGroup.start', () => {
  virtual('waits until the task calls started(), and gives the value passed to it', async () => {
    await taskGroup(async (group) => {
      const port = await group.start<number>(async (started) => {
        await sleep(5)
        started(8888)
        await sleep(5)
      })
      expect([port, getEventLoop().time()]).toEqual([8888, 5])
    })
    expect(getEventLoop().time()).toBe(10)
  })

  virtual(
    'throws a failure from before started() to its caller, and the group goes on',
    async () => {
      const result = await taskGroup(async (group) => {
        const error = await thrown(
          group.start(async () => {
            await sleep(1)
            throw new RangeError('no port')
          }),
        )
        await sleep(1)
        return nameOf(error)
      })
      expect(result).toBe('RangeError')
    },
  )

  virtual(
    'throws RuntimeError if the task ends without started(), while a later failure ends the group',
    async () => {
      await taskGroup(async (group) => {
        expect(await thrown(group.start(async () => {}))).toBeInstanceOf(RuntimeError)
      })
      const error = await thrown(
        taskGroup(async (group) => {
          await group.start(async (started) => {
            started()
            await sleep(1)
            throw new Error('later')
          })
          await sleepForever()
        }),
      )
      expect(error).toBeInstanceOf(ExceptionGroup)
    },
  )

  virtual('a cancel of the caller cancels the task and waits for it', async () => {
    const log: string[] = []
    await taskGroup(async (group) => {
      const caller = group.createTask(async () => {
        await group.start(async () => {
          try {
            await sleepForever()
          } finally {
            await sleep(3)
            log.push('ended')
          }
        })
      })
      await sleep(1)
      caller.cancel()
      await wait([caller])
      expect([caller.cancelled(), log]).toEqual([true, ['ended']])
    })
  })
})

describe('a task that `TaskGroup.start` has started, when the caller is cancelled', () => {
  // Trio's `Nursery.start` also throws each of these failures to its caller.
  const failsInCleanUp = async (): Promise<void> => {
    await sleepForever().catch(() => {
      throw new Error('clean-up failed')
    })
  }

  virtual('throws the failure of its clean-up to the caller', async () => {
    const value = await taskGroup(async (group) => {
      const error = await thrown(timeout(5, () => group.start(failsInCleanUp)))
      return (error as Error).message
    })
    expect(value).toBe('clean-up failed')
  })

  virtual('throws a failure that comes in the same turn as the cancel', async () => {
    const value = await taskGroup(async (group) => {
      const caller = group.createTask(() =>
        thrown(
          group.start(async () => {
            await sleep(5)
            getEventLoop().callSoon(() => caller.cancel())
            throw new Error('no port')
          }),
        ),
      )
      return ((await caller) as Error).message
    })
    expect(value).toBe('no port')
  })

  virtual('gives its failure to the group if the caller cannot wait for it', async () => {
    // The task waits for its caller, and the caller waits for the task. A cancel ends the caller's wait first.
    const error = await thrown(
      taskGroup(async (group) => {
        const caller: Task = group.createTask(() =>
          group.start(async () => {
            await thrown(caller)
            await sleep(1)
            throw new Error('clean-up failed')
          }),
        )
        await sleep(1)
        caller.cancel()
        await sleepForever()
      }),
    )
    expect((error as ExceptionGroup).errors.map(String)).toEqual(['Error: clean-up failed'])
  })

  virtual('may call `started`, which then does nothing', async () => {
    // In Trio too, the call does nothing, and a second call throws.
    const log: unknown[] = []
    const value = await taskGroup(async (group) => {
      const error = await thrown(
        timeout(5, () =>
          group.start<number>(async (started) => {
            await thrown(sleepForever())
            started(1)
            log.push('first call')
            try {
              started(2)
            } catch (error) {
              log.push(nameOf(error))
            }
            throw new Error('clean-up failed')
          }),
        ),
      )
      return (error as Error).message
    })
    expect([value, log]).toEqual(['clean-up failed', ['first call', 'RuntimeError']])
  })
})

virtual('an eager task that calls cancel() of its own group is cancelled too', async () => {
  const log: string[] = []
  await taskGroup(async (group) => {
    const cancelGroup = async (): Promise<void> => {
      group.cancel()
      await sleepForever().finally(() => log.push('cancelled'))
    }
    group.createTask(cancelGroup, { eager: true })
  })
  expect(log).toEqual(['cancelled'])
})

describe('the limit of a group', () => {
  virtual('does not change that getCoro() returns the function of the task', async () => {
    const work = async (): Promise<void> => sleep(1)
    await taskGroup(
      async (group) => {
        const tasks = [group.createTask(work), group.createTask(work)]
        await sleep(0)
        expect(tasks.map((task) => task.getCoro())).toEqual([work, work])
      },
      { limit: 1 },
    )
  })

  virtual('does not change that createTask refuses a number', async () => {
    await taskGroup(
      async (group) => {
        expect(() => group.createTask(5 as never)).toThrow(TypeError)
      },
      { limit: 1 },
    )
  })

  virtual('is never exceeded, and the tasks begin in order', async () => {
    let running = 0
    let most = 0
    const order: number[] = []
    await taskGroup(
      async (group) => {
        for (let i = 0; i < 20; i++) {
          group.createTask(async () => {
            order.push(i)
            most = Math.max(most, ++running)
            await sleep(1 + (i % 3))
            running--
          })
        }
      },
      { limit: 4 },
    )
    expect([most, order]).toEqual([4, Array.from({ length: 20 }, (_, i) => i)])
  })

  virtual(
    'lets a cancelled task that has not begun leave the line, and the next task begin',
    async () => {
      const begun: number[] = []
      await taskGroup(
        async (group) => {
          const tasks = [0, 1, 2, 3].map((i) =>
            group.createTask(async () => {
              begun.push(i)
              await sleep(5)
            }),
          )
          await sleep(1)
          tasks[1]?.cancel()
          getEventLoop().callLater(4, () => tasks[2]?.cancel())
        },
        { limit: 1 },
      )
      expect(begun).toEqual([0, 3])
    },
  )

  virtual(
    'lets the next of 1,000 tasks begin without moving all other tasks in an array',
    async () => {
      // V8 copies a long array in each `shift`. With 100,000 tasks that would take seconds.
      const { shift } = Array.prototype
      let longest = 0
      const spy = vi.spyOn(Array.prototype, 'shift').mockImplementation(function (this: unknown[]) {
        longest = Math.max(longest, this.length)
        return shift.call(this) as unknown
      })
      try {
        await taskGroup(
          async (group) => {
            for (let i = 0; i < 1_000; i++) group.createTask(() => sleep(1))
          },
          { limit: 10 },
        )
      } finally {
        spy.mockRestore()
      }
      expect(longest).toBeLessThan(100)
    },
  )

  test('must be a whole number of at least 1', () => {
    expect(() => taskGroup(async () => {}, { limit: 0 })).toThrow(RangeError)
    expect(() => taskGroup(async () => {}, { limit: '1' as never })).toThrow(TypeError)
  })
})

describe('race and any', () => {
  const after = (ms: number, value: string, log: string[]) => async (): Promise<string> => {
    try {
      await sleep(ms)
      if (value.startsWith('bad')) throw new Error(value)
      return value
    } catch (error) {
      await sleep(2)
      log.push(`${value} ended`)
      throw error
    }
  }

  virtual('race gives the value of the first to end, after the other has cleaned up', async () => {
    const log: string[] = []
    expect(await race([after(50, 'slow', log), after(5, 'fast', log)])).toBe('fast')
    expect([log, getEventLoop().time()]).toEqual([['slow ended'], 7])
  })

  virtual('race throws the error of the first to end, and any waits for a success', async () => {
    const log: string[] = []
    const contestants = [after(5, 'bad', log), after(20, 'good', log)]
    expect(await race(contestants).catch((error: Error) => error.message)).toBe('bad')
    expect(await any(contestants)).toBe('good')
  })

  virtual('any throws an AggregateError with all errors in order when all fail', async () => {
    const error = (await thrown(
      any([after(9, 'bad 1', []), after(1, 'bad 2', [])]),
    )) as AggregateError
    expect(error).toBeInstanceOf(AggregateError)
    expect(error.errors.map((each: Error) => each.message)).toEqual(['bad 1', 'bad 2'])
    expect(await thrown(any([]))).toBeInstanceOf(AggregateError)
  })

  virtual('a cancel from outside cancels all functions, and waits for their ends', async () => {
    const log: string[] = []
    const task = createTask(() => race([after(50, 'a', log), after(60, 'b', log)]))
    await sleep(1)
    task.cancel()
    await wait([task])
    expect([task.cancelled(), log]).toEqual([true, ['a ended', 'b ended']])
  })

  virtual(
    'race in a scope that times out cancels all functions and waits for their ends',
    async () => {
      const log: string[] = []
      const result = await cancelScope(() => race([after(50, 'a', log), after(60, 'b', log)]), {
        timeout: 5,
      })
      expect([result.cancelled, log]).toEqual([true, ['a ended', 'b ended']])
    },
  )

  virtual('staggeredRace calls no further function after a function has won', async () => {
    const calls: number[] = []
    const call = (ms: number, fails: boolean) => async (): Promise<void> => {
      calls.push(getEventLoop().time())
      await foreign(ms)
      if (fails) throw new Error('failed')
    }
    // The second function wins at 2 ms. At the same time the delay before the third call ends.
    const functions = [call(5, true), call(1, false), call(5, true), call(5, true)]
    const { index } = await staggeredRace(functions, 1)
    expect([index, calls]).toEqual([1, [0, 1]])
  })

  test('race that is cancelled after its winner has failed reports the failure', async () => {
    const reports: unknown[] = []
    await runVirtual(async () => {
      getEventLoop().setExceptionHandler((_loop, { message }) => reports.push(message))
      const racing = createTask(() =>
        race([
          createTask(
            async () => {
              throw new Error('the first to end')
            },
            { name: 'winner' },
          ),
          () => sleepForever().catch(() => sleep(10)),
        ]),
      )
      await sleep(5)
      racing.cancel()
      await wait([racing])
      expect(racing.cancelled()).toBe(true)
    })
    expect(reports).toEqual(['Task exception was never retrieved: winner'])
  })

  virtual('race does not wait for a plain promise that loses', async () => {
    const never = new Promise<string>(() => {})
    expect(await race([never, ensureFuture(async () => 'ours')])).toBe('ours')
  })

  test('race and any refuse wrong arguments at the call', () => {
    expect(() => race([])).toThrow(RangeError)
    expect(() => race(1 as never)).toThrow(TypeError)
    expect(() => any([1 as never])).toThrow(TypeError)
  })
})

describe('createTask with a signal', () => {
  virtual(
    'is cancelled by the abort of the signal, and never begins if the signal was aborted before',
    async () => {
      const controller = new AbortController()
      const task = createTask(() => sleepForever(), { signal: controller.signal })
      await sleep(1)
      controller.abort()
      await wait([task])
      expect(task.cancelled()).toBe(true)
      let begun = false
      const late = createTask(
        async () => {
          begun = true
        },
        { signal: controller.signal },
      )
      await wait([late])
      expect([late.cancelled(), begun]).toEqual([true, false])
    },
  )
})

describe('iterate', () => {
  const source = (log: string[], next: () => PromiseLike<IteratorResult<number>>) => ({
    [Symbol.asyncIterator]: (): AsyncIterator<number> => ({
      next: async () => next(),
      return: async () => {
        log.push('returned')
        return { done: true, value: undefined }
      },
    }),
  })

  virtual(
    'a cancel ends the wait for a source that gives nothing, and calls return() of the source',
    async () => {
      const log: string[] = []
      const task = createTask(async () => {
        for await (const _ of iterate(source(log, () => new Promise(() => {})))) log.push('item')
      })
      await sleep(1)
      task.cancel()
      await wait([task])
      expect([task.cancelled(), log]).toEqual([true, ['returned']])
    },
  )

  virtual(
    'gives every item, and calls return() of the source after a break, but not after the end',
    async () => {
      const log: string[] = []
      let i = 0
      const count = () => Promise.resolve({ done: i >= 3, value: i++ } as IteratorResult<number>)
      for await (const item of iterate(source(log, count))) log.push(`item ${item}`)
      i = 0
      for await (const item of iterate(source(log, count))) if (item === 1) break
      expect(log).toEqual(['item 0', 'item 1', 'item 2', 'returned'])
    },
  )

  test('refuses at the call an argument that is not an async iterable', () => {
    expect(() => iterate([1] as never)).toThrow(TypeError)
  })
})

describe('a program with runMain', () => {
  const main = (body: string): string => `await core.runMain(async () => { ${body} })`

  test('exits with 130 after SIGINT, when its clean-up is done, and prints nothing', async () => {
    const { code, output } = await program(
      main(
        `console.log('ready'); try { await core.sleepForever() } finally { await core.sleep(5); console.log('cleaned') }`,
      ),
      'SIGINT',
    )
    expect([code, output]).toEqual([130, 'ready\ncleaned\n'])
  })

  test('exits with 143 after SIGTERM', async () => {
    const { code } = await program(
      main(`console.log('ready'); await core.sleepForever()`),
      'SIGTERM',
    )
    expect(code).toBe(143)
  })

  test('exits after SIGINT although main awaits a foreign promise beside an abandoned wait', async () => {
    const { code } = await program(
      main(`
        await Promise.race([new core.Future(), core.sleep(1)])
        console.log('ready')
        await new Promise((resolve) => setTimeout(resolve, 100))
        await core.sleepForever()
      `),
      'SIGINT',
    )
    expect(code).toBe(130)
  })

  for (const [what, takeBack] of [
    ['taken back', 'main.uncancel()'],
    ['swallowed', ''],
  ] as const) {
    test(`whose main has ${what} the cancel of SIGINT finishes its clean-up after a later cancel`, async () => {
      const { code, output } = await program(
        main(`
          const main = core.currentTask()
          console.log('ready')
          try { await core.sleepForever() } catch { ${takeBack} }
          core.getRunningLoop().callSoon(() => main.cancel())
          try { await core.sleepForever() } catch {
            await new Promise((resolve) => setTimeout(resolve, 1))
            await core.sleep(1)
            console.log('cleaned')
          }
        `),
        'SIGINT',
      )
      expect([code, output]).toEqual([0, 'ready\ncleaned\n'])
    })
  }

  test('prints the error and exits with 1 when main fails', async () => {
    const { code, output } = await program(main(`throw new RangeError('broken')`))
    expect(code).toBe(1)
    expect(output).toContain('RangeError: broken')
  })

  test('ends as usual when main returns, with the exit code that the program has set', async () => {
    const { code, output } = await program(main(`process.exitCode = 7; console.log('done')`))
    expect([code, output]).toEqual([7, 'done\n'])
  })
})
