import {
  createTask,
  DeadlockError,
  detached,
  type EventLoop,
  Future,
  getRunningLoop,
  newEventLoop,
  run,
  Runner,
  RuntimeError,
  sleep,
  sleepForever,
} from '@tasktree/core'
import { runVirtual, VirtualClock } from '@tasktree/core/testing'
import { describe, expect, test } from 'vitest'
import { program } from './support/program.ts'
import { thrown } from './support/virtual.ts'

/** Makes a runner whose loop runs in virtual time. The loop stays open when the runner is closed. */
function virtualRunner(): { runner: Runner; loop: EventLoop } {
  const loop = newEventLoop({ clock: new VirtualClock() })
  return { runner: new Runner({ loop }), loop }
}

/** Waits for ever. After a cancel, it cleans up for `ms` milliseconds and then adds `name` to `log`. */
async function slowEnd(log: string[], name: string, ms = 5): Promise<void> {
  let cancels = 0
  try {
    await sleepForever()
  } finally {
    cancels++
    await sleep(ms).catch(() => cancels++)
    log.push(`${name} has ended after ${cancels} cancel`)
  }
}

describe('a stop of the loop', () => {
  // asyncio.Runner does the same: its close() cancels a main that stop() has left, and waits for it.
  test('during a main does not keep close() from ending that main', async () => {
    const log: string[] = []
    const { runner, loop } = virtualRunner()
    const running = runner.run(() => {
      loop.callLater(20, () => loop.stop())
      return slowEnd(log, 'main')
    })
    expect(await thrown(running)).toBeInstanceOf(RuntimeError)
    expect(await runner.run(async () => sleep(1, 'a second main'))).toBe('a second main')
    expect(log).toEqual([])
    await runner.close()
    expect(log).toEqual(['main has ended after 1 cancel'])
    loop.close()
  })

  test('during a main does not keep run() from cancelling main and each task once', async () => {
    const log: string[] = []
    const loop = newEventLoop({ clock: new VirtualClock() })
    const main = async (): Promise<void> => {
      loop.callLater(20, () => loop.stop())
      createTask(() => slowEnd(log, 'the task', 20))
      loop.addShutdownHook(async () => void log.push('hook'))
      await slowEnd(log, 'main')
    }
    expect(String(await thrown(run(main, { loop })))).toContain('was stopped before')
    expect(log).toEqual([
      'main has ended after 1 cancel',
      'the task has ended after 1 cancel',
      'hook',
    ])
    loop.close()
  })

  test('during the clean-up of the run does not end the clean-up', async () => {
    const log: string[] = []
    let loop: EventLoop | null = null
    const stopAndEnd = async (name: string): Promise<void> => {
      try {
        await sleepForever()
      } finally {
        for (let i = 0; i < 3; i++) {
          await sleep(1)
          loop?.stop()
        }
        log.push(name)
      }
    }
    const result = await runVirtual(async () => {
      loop = getRunningLoop()
      createTask(() => stopAndEnd('task'))
      void stopAndEnd('call')
      loop.addShutdownHook(async () => {
        loop?.stop()
        await sleep(5)
        log.push('hook')
      })
      await sleep(1)
      return 'the result of main'
    })
    expect(result).toBe('the result of main')
    expect(log).toEqual(['task', 'call', 'hook'])
  })
})

test('Runner.close leaves two mains alone that were given up because of a deadlock', async () => {
  const { output } = await program(`
    const runner = new core.Runner()
    for (let i = 0; i < 2; i++) {
      await runner.run(async () => {
        await new core.Future().catch(() => {})
        await new core.Future().finally(() => console.log('main', i, 'has got a second cancel'))
      }).catch((error) => console.log(error.name))
    }
    await runner.close()
    console.log('closed')`)
  expect(output).toBe('DeadlockError\nDeadlockError\nclosed\n')
})

describe('a call that is refused changes nothing:', () => {
  test('run inside a task of a loop that no code runs', async () => {
    let began = false
    const inner = createTask(() =>
      run(async () => {
        began = true
      }),
    )
    expect(await thrown(inner)).toBeInstanceOf(RuntimeError)
    await sleep(0)
    expect(began).toBe(false)
  })

  test('run on a loop that runs another main', async () => {
    const reports: string[] = []
    const loop = newEventLoop({ clock: new VirtualClock() })
    loop.setExceptionHandler((_loop, { message }) => reports.push(message))
    const outer = run(
      async () => {
        expect(await thrown(run(async () => {}, { loop }))).toBeInstanceOf(RuntimeError)
        return sleep(10, 'the result of main')
      },
      { loop },
    )
    expect(await thrown(run(async () => {}, { loop }))).toBeInstanceOf(RuntimeError)
    expect(await outer).toBe('the result of main')
    expect(reports).toEqual([])
    loop.close()
  })

  // asyncio.Runner does the same: its close() throws while main runs, and can be called again later.
  test('close while a main function runs', async () => {
    const { runner, loop } = virtualRunner()
    const running = runner.run(async () => sleep(10, 'the result of main'))
    expect(await thrown(runner.close())).toBeInstanceOf(RuntimeError)
    expect(await running).toBe('the result of main')
    expect(runner.getLoop()).toBe(loop)
    await runner.close()
    expect(() => runner.getLoop()).toThrow('closed')
    loop.close()
  })

  test('close inside a task, while there is work to end', async () => {
    const log: string[] = []
    const { runner, loop } = virtualRunner()
    await runner.run(async () => {
      createTask(() => slowEnd(log, 'the task'))
      await sleep(1)
    })
    expect(await thrown(createTask(() => runner.close()))).toBeInstanceOf(RuntimeError)
    await runner.close()
    expect(log).toEqual(['the task has ended after 1 cancel'])
    loop.close()
  })
})

test('Runner.close inside a task closes a runner that has no tasks left', async () => {
  const runner = new Runner()
  const loop = runner.getLoop()
  await createTask(() => runner.close())
  expect(loop.isClosed()).toBe(true)
})

test('a second call of Runner.close waits until the first has ended', async () => {
  const log: string[] = []
  const { runner, loop } = virtualRunner()
  await runner.run(async () => {
    createTask(() => slowEnd(log, 'the task'))
    await sleep(1)
  })
  const first = runner.close()
  await runner.close()
  expect(log).toEqual(['the task has ended after 1 cancel'])
  await first
  loop.close()
})

test('after a run, detached code can wait again, in a shutdown hook and in the next run', async () => {
  const log: string[] = []
  const loop = newEventLoop({ clock: new VirtualClock() })
  const wait = (name: string): Promise<void> =>
    detached(async () => {
      log.push(await sleep(5, name).catch((error: unknown) => `${name}: ${String(error)}`))
    })
  await run(
    async () => {
      void wait('in main')
      loop.addShutdownHook(() => wait('in a hook'))
      await sleep(1)
    },
    { loop },
  )
  await run(
    async () => {
      await wait('in the next main')
      loop.callSoon(() => void wait('in a callback'))
      await sleep(10)
    },
    { loop },
  )
  expect(log).toEqual([
    'in main: CancelledError: the run has ended',
    'in a hook',
    'in the next main',
    'in a callback',
  ])
  loop.close()
})

describe('shutdown hooks', () => {
  test('a task that a hook leaves behind is cancelled, and its clean-up is awaited', async () => {
    const log: string[] = []
    await runVirtual(async () => {
      getRunningLoop().addShutdownHook(async () => {
        createTask(() => slowEnd(log, 'the task'))
        await sleep(1)
      })
    })
    expect(log).toEqual(['the task has ended after 1 cancel'])
  })

  test('a hook that is added in a hook, or in the clean-up after a hook, is called too', async () => {
    const log: string[] = []
    await runVirtual(async () => {
      const loop = getRunningLoop()
      const add = (name: string): void => void loop.addShutdownHook(async () => void log.push(name))
      loop.addShutdownHook(async () => {
        add('added in a hook')
        createTask(() => sleepForever().finally(() => add('added in a clean-up')))
        await sleep(1)
      })
    })
    expect(log).toEqual(['added in a hook', 'added in a clean-up'])
  })

  test('a hook that adds itself again is called once in each run', async () => {
    const loop = newEventLoop()
    let calls = 0
    const hook = async (): Promise<void> => {
      calls++
      loop.addShutdownHook(hook)
    }
    loop.addShutdownHook(hook)
    await run(async () => {}, { loop })
    expect(calls).toBe(1)
    await run(async () => {}, { loop })
    expect(calls).toBe(2)
    loop.close()
  })

  test('a hook that another hook removes is not called', async () => {
    const log: string[] = []
    await run(async () => {
      const loop = getRunningLoop()
      const remove = loop.addShutdownHook(async () => void log.push('removed'))
      loop.addShutdownHook(async () => {
        remove()
        log.push('remover')
      })
    })
    expect(log).toEqual(['remover'])
  })

  test('a hook that nothing can wake is reported and cancelled, and the run ends', async () => {
    const log: string[] = []
    await runVirtual(async () => {
      const loop = getRunningLoop()
      loop.setExceptionHandler((_, { message, exception }) => {
        expect(exception).toBeInstanceOf(DeadlockError)
        log.push(`${message}: ${(exception as Error).message.split('\n')[0]}`)
      })
      loop.addShutdownHook(async () => void log.push('the other hook'))
      loop.addShutdownHook(async () => {
        try {
          await new Future()
        } finally {
          log.push('clean-up of the hook')
        }
      })
    })
    expect(log).toEqual([
      'Exception in a shutdown hook: nothing is left that could wake a shutdown hook:',
      'the other hook',
      'clean-up of the hook',
    ])
  })
})
