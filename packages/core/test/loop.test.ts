import { AsyncLocalStorage } from 'node:async_hooks'
import { inspect } from 'node:util'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import {
  allTasks,
  createTask,
  currentTask,
  type EventLoop,
  Future,
  getEventLoop,
  getRunningLoop,
  moveOnAfter,
  newEventLoop,
  run,
  RuntimeError,
  sleep,
  type Task,
  timeout,
  wait,
} from '@tasktree/core'
import { describe, expect, test, vi } from 'vitest'
import { thrown, virtual } from './support/virtual.ts'

/** Runs `body` and returns the warnings of Tasktree. */
async function warningsOf(body: () => Promise<void>): Promise<string[]> {
  const warnings: string[] = []
  const listen = (warning: Error): void => {
    if (warning.name === 'TasktreeWarning') warnings.push(warning.message)
  }
  process.on('warning', listen)
  try {
    await body()
    await new Promise((resolve) => setImmediate(resolve))
  } finally {
    process.off('warning', listen)
  }
  return warnings
}

function busy(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}

describe('debug mode reports', () => {
  const debugged = (body: (loop: EventLoop) => Promise<void>): Promise<string[]> =>
    warningsOf(() =>
      run(
        async () => {
          const loop = getRunningLoop()
          loop.slowCallbackDuration = 10
          await body(loop)
        },
        { debug: true },
      ),
    )

  test('a turn of a task that takes too long', async () => {
    const warnings = await debugged(async () => {
      const task = createTask(
        async () => {
          await sleep(0)
          busy(20)
        },
        { name: 'slow' },
      )
      await task
    })
    // On a busy machine other turns may be slow too, so there may be more warnings.
    expect(warnings).toContainEqual(expect.stringMatching(/^executing slow took \d+ ms/))
  })

  test('a callback that takes too long', async () => {
    const warnings = await debugged(async (loop) => {
      loop.callSoon(function crunch() {
        busy(20)
      })
      await sleep(0)
    })
    expect(warnings).toContainEqual(expect.stringMatching(/^executing callback crunch took \d+ ms/))
  })

  test('a cancel that a foreign await delays', async () => {
    const native = Promise.withResolvers<void>()
    const warnings = await debugged(async () => {
      const task = createTask(async () => {
        await native.promise
        await sleep(1_000)
      })
      await sleep(0)
      task.cancel()
      await sleep(20)
      native.resolve()
      await wait([task])
    })
    expect(warnings).toContainEqual(expect.stringContaining('by an await of a foreign promise'))
  })

  /** Leaves out the warnings about slow turns, because they depend on the speed of the machine. */
  const withoutSlow = (warnings: string[]): string[] =>
    warnings.filter((warning) => !warning.startsWith('executing '))

  test('a call that outlives its task, and where the call waits', async () => {
    const warnings = await debugged(async () => {
      const forgotten = async (): Promise<void> => {
        await sleep(60_000)
      }
      await createTask(
        async () => {
          void forgotten()
          await sleep(0)
        },
        { name: 'careless' },
      )
      await sleep(10)
    })
    expect(withoutSlow(warnings)).toEqual([
      expect.stringMatching(
        /^careless has ended while work it began still waits on Sleep at .*loop\.test\.ts:\d+: was a call/,
      ),
    ])
  })

  test('a call that outlives its scope', async () => {
    const warnings = await debugged(async () => {
      const forgotten = async (): Promise<void> => {
        await sleep(60_000)
      }
      await timeout(1_000, async () => {
        void forgotten()
        await sleep(0)
      })
      await sleep(10)
    })
    expect(withoutSlow(warnings)[0]).toMatch(
      /^a scope of Task-\d+ has ended while work it began still waits on Sleep at /,
    )
  })

  /** Runs `body` in debug mode, and returns what the loop's exception handler was called with. */
  const reportsOf = async (body: () => Promise<void>): Promise<Record<string, unknown>[]> => {
    const reports: Record<string, unknown>[] = []
    await debugged(async (loop) => {
      loop.setExceptionHandler((_, context) => void reports.push({ ...context }))
      await body()
    })
    return reports
  }

  test('a task that swallows its cancel once, with the task and the line of the await', async () => {
    let swallower: Task<string> | undefined
    const reports = await reportsOf(async () => {
      swallower = createTask(
        async () => {
          try {
            await sleep(1_000)
          } catch {
            // This handler catches everything, as a library that tries again may do.
          }
          await sleep(1)
          return 'as if nothing had been'
        },
        { name: 'swallower' },
      )
      await sleep(0)
      swallower.cancel()
      await swallower
    })
    expect(reports).toEqual([
      {
        message: expect.stringMatching(
          /^swallower was cancelled and has returned a value: .* the await at .*loop\.test\.ts:\d+ threw/,
        ),
        task: swallower,
      },
    ])
  })

  test('no cancel that a task takes back with uncancel() or throws on', async () => {
    const reports = await reportsOf(async () => {
      const tasks = [
        createTask(async () => {
          try {
            await sleep(1_000)
          } catch {
            currentTask()?.uncancel()
          }
        }),
        createTask(async () => {
          try {
            await sleep(1_000)
          } finally {
            await sleep(1)
          }
        }),
        createTask(async () => {
          await moveOnAfter(1, () => sleep(1_000))
          await timeout(1, () => sleep(1_000)).catch(() => {})
        }),
      ]
      await sleep(0)
      for (const task of tasks.slice(0, 2)) task.cancel()
      await wait(tasks)
    })
    expect(reports).toEqual([])
  })

  test('a future that a task has begun and never awaits, and where it was begun', async () => {
    const reports = await reportsOf(async () => {
      await createTask(
        async () => {
          void sleep(60_000)
          const kept = sleep(1)
          await kept
        },
        { name: 'careless' },
      )
    })
    expect(reports.map(({ message }) => message)).toEqual([
      expect.stringMatching(
        /^careless has ended and never awaited Sleep, which it began at .*loop\.test\.ts:\d+: add the missing await$/,
      ),
    ])
  })

  test('nothing for a task without a fault, and nothing when debug mode is off', async () => {
    expect(
      await debugged(async (loop) => {
        // On a busy machine any turn may take longer than the 10 ms of the other tests.
        loop.slowCallbackDuration = 60_000
        await createTask(() => sleep(1))
      }),
    ).toEqual([])
    const off = await warningsOf(() =>
      run(async () => {
        busy(120)
        await sleep(0)
      }),
    )
    expect(off).toEqual([])
  })
})

describe('the exception handler', () => {
  test('gets the error that a callback throws, with the handle of the callback', () =>
    run(async () => {
      const loop = getRunningLoop()
      const contexts: unknown[] = []
      loop.setExceptionHandler((from, context) =>
        contexts.push(from === loop, context.exception, context.handle),
      )
      const handle = loop.callSoon(() => {
        throw new Error('in callback')
      })
      await sleep(0)
      expect(contexts).toEqual([true, new Error('in callback'), handle])
    }))

  test('that throws is reported by the default handler, and so is the error that it was called with', () =>
    run(async () => {
      const loop = getRunningLoop()
      const log = vi.spyOn(console, 'error').mockImplementation(() => {})
      loop.setExceptionHandler(() => {
        throw new Error('in handler')
      })
      loop.callExceptionHandler({ message: 'first', exception: new Error('original') })
      const printed = log.mock.calls.map((call) => String(call[0]))
      expect(printed).toEqual(['Unhandled error in exception handler', 'first'])
    }))

  test('refuses a context without a message, and the error names the called function', () => {
    const loop = newEventLoop()
    for (const wrong of [undefined, null, 5, {}] as never[]) {
      expect(() => loop.callExceptionHandler(wrong)).toThrow(/^callExceptionHandler takes/)
      expect(() => loop.defaultExceptionHandler(wrong)).toThrow(/^defaultExceptionHandler takes/)
    }
  })

  test('prints one block with the message and the task by default', () =>
    run(async () => {
      const log = vi.spyOn(console, 'error').mockImplementation(() => {})
      const task = currentTask() as Task
      getRunningLoop().callExceptionHandler({
        message: 'something',
        task,
        exception: new Error('x'),
      })
      expect(log).toHaveBeenCalledOnce()
      expect(String(log.mock.calls[0]?.[0])).toBe(`something\ntask: ${task.name}`)
    }))

  test('can be read, replaced and removed, and must be a function', () => {
    const loop = newEventLoop()
    const handler = (): void => {}
    expect(loop.getExceptionHandler()).toBeNull()
    loop.setExceptionHandler(handler)
    expect(loop.getExceptionHandler()).toBe(handler)
    loop.setExceptionHandler(null)
    expect(() => loop.setExceptionHandler(5 as never)).toThrow(TypeError)
    loop.close()
  })
})

test('the diagnostics channels report the creation, start, cancel and end of a task', async () => {
  const events: string[] = []
  const channels = ['create', 'start', 'cancel', 'end'].map((event) => {
    const name = `tasktree:task:${event}`
    const listener = (message: unknown): void => {
      const { task } = message as { task: Task }
      if (task.name === 'watched') events.push(event)
    }
    subscribe(name, listener)
    return () => unsubscribe(name, listener)
  })
  try {
    await run(async () => {
      const task = createTask(() => sleep(1_000), { name: 'watched' })
      await sleep(0)
      task.cancel()
      await wait([task])
    })
  } finally {
    for (const stop of channels) stop()
  }
  expect(events).toEqual(['create', 'start', 'cancel', 'end'])
})

describe('the AsyncLocalStorage of another library', () => {
  test('has in tasks, callbacks and chained promises the value of the place where they were made', () =>
    run(async () => {
      const storage = new AsyncLocalStorage<string>()
      const seen: Record<string, string | undefined> = {}
      const future = new Future<void>()
      const task = storage.run('request', () => {
        future.addDoneCallback(() => void (seen['done callback'] = storage.getStore()))
        void future.then(() => void (seen.chained = storage.getStore()))
        getRunningLoop().callSoon(() => void (seen.callSoon = storage.getStore()))
        getRunningLoop().callLater(1, () => void (seen.callLater = storage.getStore()))
        return createTask(async () => {
          await sleep(1)
          await future
          seen.task = storage.getStore()
        })
      })
      future.setResult()
      await task
      await sleep(5)
      expect(seen).toEqual({
        'done callback': 'request',
        chained: 'request',
        callSoon: 'request',
        callLater: 'request',
        task: 'request',
      })
      expect(storage.getStore()).toBeUndefined()
    }))
})

describe('currentTask, getRunningLoop and getEventLoop', () => {
  test('a callback of the loop runs in its loop and in no task', () =>
    run(async () => {
      const loop = getRunningLoop()
      const seen: unknown[] = []
      const future = new Future<void>()
      future.addDoneCallback(() => seen.push(currentTask(), getRunningLoop() === loop))
      future.setResult()
      loop.callSoon(() => seen.push(currentTask(), getEventLoop() === loop))
      await sleep(0)
      expect(seen).toEqual([null, true, null, true])
    }))

  test('plain code runs in no loop and in no task, and gets the default loop', () => {
    expect(() => getRunningLoop()).toThrow(RuntimeError)
    expect(currentTask()).toBeNull()
    expect(getEventLoop()).toBe(getEventLoop())
  })

  test('the default loop is made anew when it was closed', () => {
    const loop = getEventLoop()
    loop.close()
    expect(getEventLoop()).not.toBe(loop)
  })

  test('plain code can create a task and await it without running a loop', async () => {
    const task = createTask(async () => sleep(1, 'x'))
    expect(await task).toBe('x')
  })
})

test('an eager task runs to its first wait inside createTask', () =>
  run(async () => {
    const log: unknown[] = []
    const outer = currentTask()
    const task = createTask(
      async () => {
        log.push(currentTask()?.name)
        await sleep(1)
        return 'x'
      },
      { eager: true, name: 'eager' },
    )
    expect(log).toEqual(['eager'])
    expect(currentTask()).toBe(outer)
    expect(task.parent).toBe(outer)
    expect(await task).toBe('x')
  }))

virtual(
  'createTask refuses a body that is not a function, and the task of a body that returns a number fails',
  async () => {
    expect(() => createTask(5 as never)).toThrow('number 5')
    expect(() => createTask(Promise.resolve() as never)).toThrow(TypeError)
    const task = createTask((() => 5) as never)
    expect(String(await thrown(task))).toContain('returned number 5')
    const self: Task = createTask(async () => {
      await sleep(0)
      await self
    })
    expect(String(await thrown(self))).toContain('cannot await itself')
    expect(() => task.setResult(1)).toThrow(RuntimeError)
    expect(() => task.setException(1)).toThrow(RuntimeError)
  },
)

test('a signal handler is called in a turn of the loop, and can be removed', () =>
  run(
    async () => {
      const loop = getRunningLoop()
      const got = new Future<boolean>()
      loop.addSignalHandler('SIGUSR2', () => got.setResult(currentTask() === null))
      process.kill(process.pid, 'SIGUSR2')
      expect(await got).toBe(true)
      expect(loop.removeSignalHandler('SIGUSR2')).toBe(true)
      expect(loop.removeSignalHandler('SIGUSR2')).toBe(false)
      expect(process.listenerCount('SIGUSR2')).toBe(0)
    },
    { handleSignals: false },
  ))

test('console.log shows futures and tasks as Python does', () =>
  run(async () => {
    const [done, failed, cancelled, pending] = Array.from(
      { length: 4 },
      () => new Future<unknown>(),
    )
    const task = createTask(async () => ({ list: [1] }), { name: 'worker' })
    expect(inspect([pending, task])).toBe('[ <Future pending>, <Task worker pending> ]')
    done?.setResult({ deep: [{ deeper: 1 }] })
    failed?.setException(new RangeError('no'))
    cancelled?.cancel()
    await task
    expect(inspect(done)).toBe('<Future finished result={ deep: [ [Object] ] }>')
    expect(inspect([failed, cancelled, task])).toBe(
      '[\n  <Future finished exception=RangeError: no>,\n  <Future cancelled>,\n  <Task worker finished result={ list: [Array] }>\n]',
    )
    expect(failed?.exception()).toBeInstanceOf(RangeError)
  }))

test.each<[string, () => unknown, string]>([
  ['new Future', () => new Future({ loop: 5 as never }), 'EventLoop, got number 5'],
  [
    'newEventLoop',
    () => newEventLoop({ clock: {} as never }),
    'Clock, got an object of class Object',
  ],
  ['createTask: loop', () => createTask(async () => {}, { loop: 5 as never }), 'got number 5'],
  [
    'createTask: name',
    () => createTask(async () => {}, { name: 5 as never }),
    'a string, got number',
  ],
  [
    'createTask: context',
    () => createTask(async () => {}, { context: 5 as never }),
    'got number 5',
  ],
  ['allTasks', () => allTasks(5 as never), 'EventLoop, got number 5'],
  ['addSignalHandler', () => getEventLoop().addSignalHandler('x' as never, () => {}), 'string x'],
  ['addShutdownHook', () => getEventLoop().addShutdownHook(5 as never), 'function, got number 5'],
  ['addDoneCallback', () => new Future().addDoneCallback(null as never), 'function, got null'],
])('%s refuses a wrong argument and starts nothing', (_, call, message) => {
  const tasks = allTasks().size
  expect(call).toThrow(TypeError)
  expect(call).toThrow(message)
  expect(allTasks().size).toBe(tasks)
})

test('runUntilComplete throws at the call for a value that cannot be awaited', () => {
  const loop = newEventLoop()
  expect(() => loop.runUntilComplete(5 as never)).toThrow(TypeError)
  expect(loop.isRunning()).toBe(false)
  loop.close()
})

test('after stop() a loop runs until the end of runForever, and cannot be closed before', async () => {
  const loop = newEventLoop()
  const seen: unknown[] = []
  loop.callSoon(() => {
    loop.stop()
    loop.stop()
    seen.push(loop.isRunning())
    expect(() => loop.close()).toThrow('cannot close a running event loop')
    seen.push('refused')
  })
  await loop.runForever()
  expect([...seen, loop.isRunning()]).toEqual([true, 'refused', false])
  loop.close()
})

test('a bound function passed to then is called in a later turn, even if the future is done', async () => {
  const future = new Future<number>()
  future.setResult(1)
  const log: string[] = []
  const failures: unknown[] = []
  const ignore = failures.push.bind(failures)
  const chained = future.then((value) => {
    log.push(`called with ${value}`)
    return value + 1
  }, ignore)
  log.push('before')
  expect(await chained).toBe(2)
  expect(log).toEqual(['before', 'called with 1'])
})
