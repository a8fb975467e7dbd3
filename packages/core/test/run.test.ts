import {
  ContextVar,
  copyContext,
  createTask,
  currentTask,
  DeadlockError,
  type EventLoop,
  type ExceptionContext,
  Future,
  getEventLoop,
  getRunningLoop,
  newEventLoop,
  run,
  Runner,
  RuntimeError,
  sleep,
} from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { expect, test } from 'vitest'
import { program } from './support/program.ts'

test('run resolves with the result of main, or rejects with its error', async () => {
  expect(await run(async () => 42)).toBe(42)
  await expect(run(async () => Promise.reject(new Error('boom')))).rejects.toThrow('boom')
})

test('run inside a task of a running loop rejects with a RuntimeError', async () => {
  await run(async () => {
    await expect(run(async () => 1)).rejects.toBeInstanceOf(RuntimeError)
  })
})

test('run cancels the tasks that main left behind, waits for them and reports their errors', async () => {
  const log: string[] = []
  const reports: string[] = []
  await run(async () => {
    getRunningLoop().setExceptionHandler((_, context) => reports.push(String(context.exception)))
    createTask(async () => {
      try {
        await sleep(60_000)
      } finally {
        await sleep(1)
        log.push('cleaned up')
      }
    })
    createTask(async () => {
      try {
        await sleep(60_000)
      } catch {
        throw new Error('in cleanup')
      }
    })
    await sleep(0)
  })
  expect(log).toEqual(['cleaned up'])
  expect(reports).toEqual(['Error: in cleanup'])
})

test('run also ends tasks that cancelled tasks create in their clean-up', async () => {
  const log: string[] = []
  await run(async () => {
    createTask(async () => {
      try {
        await sleep(60_000)
      } finally {
        createTask(async () => {
          try {
            await sleep(60_000)
          } finally {
            log.push('late task ended')
          }
        })
        await sleep(0)
      }
    })
    await sleep(0)
  })
  expect(log).toEqual(['late task ended'])
})

test.each([
  ['run', run],
  ['runVirtual', runVirtual],
])(
  '%s lets short tasks end that cancelled tasks create in their clean-up, as asyncio.run does',
  async (_, start) => {
    const log: string[] = []
    await start(async () => {
      createTask(async () => {
        try {
          await sleep(60_000)
        } finally {
          createTask(async () => {
            await sleep(0)
            await sleep(0)
            log.push('short task ended')
          })
        }
      })
      await sleep(0)
    })
    expect(log).toEqual(['short task ended'])
  },
)

test('runVirtual rejects with a DeadlockError if nothing can wake the clean-up of a task', async () => {
  const hooks: string[] = []
  const hung = runVirtual(async () => {
    getRunningLoop().addShutdownHook(async () => void hooks.push('hook'))
    createTask(
      async () => {
        try {
          await sleep(60_000)
        } finally {
          await new Future()
        }
      },
      { name: 'stuck' },
    )
    await sleep(0)
  })
  const error = await hung.catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(DeadlockError)
  expect(String(error)).toMatch(/left behind:\nstuck {2}/)
  expect(hooks).toEqual(['hook'])
})

test('run rejects with a DeadlockError if nothing can wake a clean-up, or with the error of main', async () => {
  const stuck = `core.createTask(async () => {
    try { await core.sleep(60_000) } finally { await new core.Future() }
  }, { name: 'stuck' })
  await core.sleep(0)`
  const { code, output } = await program(`
    await core.run(async () => { ${stuck} }).catch((error) => console.log(error.name, error.message))
    await core.run(async () => { ${stuck}; throw new Error('of main') }).catch((error) => console.log(error.message))
  `)
  expect(output).toContain(
    'DeadlockError nothing is left that could wake what the main task left behind',
  )
  expect(output).toContain('stuck  waiting on Future, cancelling')
  expect(output).toContain('of main')
  expect(code).toBe(0)
})

test('shutdown hooks run after all tasks, last added first, and a removed hook does not run', async () => {
  const log: string[] = []
  await run(async () => {
    const loop = getRunningLoop()
    loop.addShutdownHook(async () => void log.push('first added'))
    loop.addShutdownHook(async () => {
      await sleep(1)
      log.push('second added')
    })
    loop.addShutdownHook(async () => void log.push('removed'))()
    createTask(async () => {
      try {
        await sleep(60_000)
      } finally {
        log.push('task')
      }
    })
    await sleep(0)
  })
  expect(log).toEqual(['task', 'second added', 'first added'])
})

test('a failed task that no code looked at is reported once, with its name, when run ends', async () => {
  const reports: string[] = []
  await run(async () => {
    getRunningLoop().setExceptionHandler((_, context) => reports.push(context.message))
    createTask(async () => Promise.reject(new Error('unseen')), { name: 'forgotten' })
    const seen = createTask(async () => Promise.reject(new Error('seen')), { name: 'seen' })
    await sleep(0)
    expect(seen.exception()).toEqual(new Error('seen'))
  })
  expect(reports).toEqual(['Task exception was never retrieved: forgotten'])
})

test('a failed task that no code looked at is reported when it is garbage-collected', async () => {
  const reports: string[] = []
  const loop = getEventLoop()
  loop.setExceptionHandler((_, context) => reports.push(context.message))
  try {
    ;(() => {
      createTask(async () => Promise.reject(new Error('unseen')), { name: 'collected' })
    })()
    for (let i = 0; i < 50 && reports.length === 0; i++) {
      await new Promise((resolve) => setImmediate(resolve))
      gc?.()
    }
    expect(reports).toEqual(['Task exception was never retrieved: collected'])
  } finally {
    loop.setExceptionHandler(null)
  }
})

test.each([
  ['ends by itself', ''],
  ['calls process.exit', 'setTimeout(() => process.exit(0), 20)\nsetInterval(() => {}, 1)'],
])('a failed task of plain code is reported when the program %s', async (_, end) => {
  const { code, output } = await program(`
    const kept = [
      core.createTask(async () => { throw new Error('unseen') }, { name: 'lonely' }),
      core.createTask(async () => { throw new Error('seen') }, { name: 'seen' }),
    ]
    globalThis.kept = kept
    kept[1].catch(() => {})
    ${end}
  `)
  expect(output.match(/exception was never retrieved: .*/g)).toEqual([
    'exception was never retrieved: lonely',
  ])
  expect(output).toContain('unseen')
  expect(code).toBe(0)
})

const closings: [string, (loop: EventLoop, future: Future<unknown>) => void][] = [
  [
    'before',
    (loop, future) => {
      loop.close()
      future.setException(new Error('unseen'))
    },
  ],
  [
    'after',
    (loop, future) => {
      future.setException(new Error('unseen'))
      loop.close()
    },
  ],
]
test.for(closings)(
  'a failed future whose loop was closed %s its failure is reported when it is garbage collected',
  async ([, fail]) => {
    const reports: string[] = []
    const loop = newEventLoop()
    loop.setExceptionHandler((_, context) => reports.push(context.message))
    ;(() => fail(loop, new Future({ loop })))()
    for (let i = 0; i < 50 && reports.length === 0; i++) {
      await new Promise((resolve) => setImmediate(resolve))
      gc?.()
    }
    expect(reports).toEqual(['Future exception was never retrieved'])
  },
)

test('an unretrieved failure of a Future subclass with a `name` is reported as that of a future', async () => {
  class Job extends Future<void> {
    readonly name = 'job'
  }
  const reports: ExceptionContext[] = []
  const job = await run(async () => {
    getRunningLoop().setExceptionHandler((_, context) => reports.push(context))
    const failed = new Job()
    failed.setException(new Error('unseen'))
    return { failed }
  })
  expect(reports.map(({ message }) => message)).toEqual(['Future exception was never retrieved'])
  expect(reports[0]?.future).toBe(job.failed)
})

test('run cancels main when the signal of its signal option aborts', async () => {
  const controller = new AbortController()
  const running = run(
    async () => {
      await sleep(0)
      controller.abort(new Error('enough'))
      await sleep(60_000)
    },
    { signal: controller.signal },
  )
  await expect(running).rejects.toMatchObject({
    name: 'CancelledError',
    cause: new Error('enough'),
  })
})

test('a Runner runs one main after another on one loop, and close() closes the loop', async () => {
  const runner = new Runner()
  const loop = runner.getLoop()
  expect(await runner.run(async () => getRunningLoop())).toBe(loop)
  expect(await runner.run(async () => getRunningLoop())).toBe(loop)
  await runner.close()
  await runner.close()
  expect(loop.isClosed()).toBe(true)
  await expect(runner.run(async () => 1)).rejects.toBeInstanceOf(RuntimeError)
  expect(() => runner.getLoop()).toThrow(RuntimeError)
})

test('run uses the loop of its loop option and leaves it open', async () => {
  const loop = newEventLoop()
  expect(await run(async () => getRunningLoop(), { loop })).toBe(loop)
  expect(loop.isClosed()).toBe(false)
  loop.close()
})

test('run rejects with the task tree if nothing can wake main, after the clean-up of main', async () => {
  const { output, code } = await program(`
    await core.run(async () => {
      core.createTask(async () => { await new core.Future() }, { name: 'stuck' })
      try { await new core.Future() } finally { await core.sleep(1); console.log('cleanup') }
    }).catch((error) => console.log(error.name, error.message))`)
  expect(output).toContain('cleanup\nDeadlockError')
  expect(output).toMatch(/Task-1 {2}waiting on Future\n └─ stuck|Task-1 {2}waiting on Future/)
  expect(output).toContain('stuck  waiting on Future')
  expect(code).toBe(0)
})

test('run rejects with a DeadlockError even if main swallows the cancel and waits again', async () => {
  const { output } = await program(`
    await core.run(async () => { for (;;) try { await new core.Future() } catch {} })
      .catch((error) => { console.log(error.name); process.exit(3) })`)
  expect(output).toContain('DeadlockError')
})

test('DeadlockError is an Error', () => {
  expect(new DeadlockError('x')).toBeInstanceOf(Error)
})

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s cancels main, whose cleanup runs, and run rejects with KeyboardInterrupt',
  async (signal) => {
    const { output, code } = await program(
      `await core.run(async () => {
      try { console.log('ready'); await core.sleep(60_000) } finally { await core.sleep(1); console.log('cleanup') }
    }).catch((error) => console.log(error.name, error.signal))`,
      signal,
    )
    expect(output).toBe(`ready\ncleanup\nKeyboardInterrupt ${signal}\n`)
    expect(code).toBe(0)
  },
)

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('a second %s ends the process with %i', async (signal, expected) => {
  const { output, code } = await program(
    `await core.run(async () => {
      console.log('ready')
      for (;;) try { await core.sleep(60_000) } catch { console.log('ready again') }
    })`,
    signal,
  )
  expect(output).toBe('ready\nready again\n')
  expect(code).toBe(expected)
})

test('run leaves SIGINT to a program that handles it itself', async () => {
  const { output } = await program(
    `process.on('SIGINT', () => { console.log('mine'); process.exit(5) })
     await core.run(async () => { console.log('ready'); await core.sleep(60_000) })`,
    'SIGINT',
  )
  expect(output).toBe('ready\nmine\n')
})

test('run with handleSignals: false lets SIGINT end the process', async () => {
  const { signal } = await program(
    `await core.run(async () => { console.log('ready'); await core.sleep(60_000) }, { handleSignals: false })`,
    'SIGINT',
  )
  expect(signal).toBe('SIGINT')
})

test('two runs at once from plain code each have their own loop and tasks', async () => {
  const [a, b] = await Promise.all([
    run(async () => {
      await sleep(1)
      return [getRunningLoop(), currentTask()?.name] as const
    }),
    run(async () => [getRunningLoop(), currentTask()?.name] as const),
  ])
  expect(a[0]).not.toBe(b[0])
  expect([a[1], b[1]]).toEqual(['Task-1', 'Task-1'])
})

test('a main can await a future of another loop', async () => {
  const outer = new Future<string>()
  const inner = run(async () => outer)
  outer.setResult('across')
  expect(await inner).toBe('across')
})

test('Runner.run refuses a second main while the first runs, and the second never begins', async () => {
  const log: string[] = []
  await using runner = new Runner({ handleSignals: false })
  const first = runner.run(async () => {
    await sleep(1)
    return 'first'
  })
  const refused = runner.run(async () => void log.push('began'))
  await expect(refused).rejects.toThrow('this runner runs another main function')
  await expect(refused).rejects.toBeInstanceOf(RuntimeError)
  expect(await first).toBe('first')
  expect(await runner.run(async () => 'next')).toBe('next')
  expect(log).toEqual([])
})

test('a call that waits again after each cancel has no pending wait after its run', async () => {
  const waits: Future<void>[] = []
  const over = new AbortController()
  const patient = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const wait = new Future<void>()
      waits.push(wait)
      try {
        await wait
      } catch {}
    }
  }
  await runVirtual(async () => {
    void patient()
    await sleep(1)
  })
  over.abort()
  expect(waits.length).toBeGreaterThan(1)
  expect(waits.filter((wait) => !wait.done())).toEqual([])
})

test('a call that waits again after its run has settled does not end the process', async () => {
  const { code, output } = await program(`
    await core.run(async () => {
      const call = async () => {
        try { await core.sleep(60_000) } catch {}
        await new Promise((resolve) => setTimeout(resolve, 20))
        await core.sleep(60_000)
      }
      core.createTask(async () => void call())
      await core.sleep(1)
    })
    await new Promise((resolve) => setTimeout(resolve, 100))
    console.log('goes on')`)
  expect([code, output]).toEqual([0, 'goes on\n'])
})

test('a call that is cancelled in the second run on a loop does not end the process', async () => {
  const { code, output } = await program(`
    const loop = core.newEventLoop()
    loop.setExceptionHandler((_loop, { message }) => console.log(message.split(':')[0]))
    await core.run(async () => {}, { loop })
    await core.run(async () => {
      await core.sleep(5)
      const future = new core.Future()
      const call = async () => { await future }
      void call()
      future.cancel()
      await core.sleep(5)
    }, { loop })
    console.log('goes on')`)
  expect([code, output]).toEqual([0, 'A call that was not awaited was cancelled\ngoes on\n'])
})

test('closing a loop removes its listener for unhandled rejections from the process', async () => {
  const { output } = await program(`
    const loop = core.newEventLoop()
    const task = loop.createTask(() => core.sleepForever())
    await new Promise((resolve) => setTimeout(resolve, 1))
    task.cancel()
    await task.catch(() => {})
    console.log(process.listenerCount('unhandledRejection'))
    loop.close()
    await new Promise((resolve) => setTimeout(resolve, 1))
    console.log(process.listenerCount('unhandledRejection'))`)
  expect(output).toBe('1\n0\n')
})

// asyncio does the same with contextvars.copy_context().run(asyncio.run, main()), and with asyncio.get_running_loop.
test('a Context outside of every task has no running loop, and run works in it', async () => {
  const user = new ContextVar('user', { default: 'nobody' })
  const context = copyContext()
  const main = async (): Promise<string> => {
    await sleep(0)
    return user.get()
  }
  const result = context.run(() => {
    user.set('Ada')
    expect(() => getRunningLoop()).toThrow(RuntimeError)
    return run(main)
  })
  expect(await result).toBe('Ada')
  await context.run(async () => {
    await using runner = new Runner()
    await runner.run(async () => void createTask(() => sleep(60_000)))
  })
})

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)(
  'a second %s ends the process with its exit code while other tasks clean up',
  async (signal, exitCode) => {
    const { output, code } = await program(
      `process.on('exit', () => console.log('exit'))
       await core.run(async () => {
         core.createTask(async () => {
           try { await core.sleep(60_000) } finally {
             await core.sleep(1)
             console.log('ready for the second')
             await core.sleep(60_000)
           }
         })
         console.log('ready')
         await core.sleep(60_000)
       })`,
      signal,
    )
    expect([code, output]).toEqual([exitCode, 'ready\nready for the second\nexit\n'])
  },
)
