import { setTimeout as nodeSleep } from 'node:timers/promises'
import {
  any,
  asCompleted,
  type CancelledError,
  cancelScope,
  createTask,
  currentTask,
  ensureFuture,
  ExceptionGroup,
  failAfter,
  gather,
  getRunningLoop,
  iterate,
  moveOnAfter,
  race,
  run,
  shield,
  shielded,
  sleep,
  sleepForever,
  staggeredRace,
  taskGroup,
  taskSignal,
  timeout,
  wait,
  waitFor,
} from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { describe, expect, test, vi } from 'vitest'
import { sweepLevelCancel } from './support/level-sweep.ts'
import { program } from './support/program.ts'
import { thrown, virtual } from './support/virtual.ts'

// An API of Node that was given `taskSignal()` throws an AbortError when a cancel aborts the signal. Tasktree must treat this
// error as a cancel and not as a failure, like the CancelledError that a wait of Tasktree throws.

type Work = (signal?: AbortSignal) => Promise<unknown>

const minute = 60_000
const ownWait: Work = async () => sleep(minute)
const nodeWait: Work = async (signal = taskSignal()) => nodeSleep(minute, null, { signal })
/** Rejects with an AbortError that does not name its cause, as some libraries do. */
const bareAbort: Work = async (signal = taskSignal()) =>
  new Promise((_resolve, reject) => {
    const abort = (): void => reject(new DOMException('aborted', 'AbortError'))
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort)
  })

const bodies: Record<string, (work: Work) => PromiseLike<unknown>> = {
  'the body itself': async (work) => work(),
  'the body of a group': (work) => taskGroup(async () => work()),
  'a task of a group': (work) => taskGroup(async (group) => void group.createTask(work)),
  'a task of a group with the signal of the scope': (work) => {
    const signal = taskSignal()
    return taskGroup(async (group) => void group.createTask(() => work(signal)))
  },
  'the body and the tasks of a group': (work) =>
    taskGroup(async (group) => {
      group.createTask(() => work())
      group.createTask(() => sleepForever())
      await work()
    }),
  'a group in a task of a group': (work) =>
    taskGroup(async (outer) => {
      outer.createTask(() => taskGroup(async (inner) => void inner.createTask(() => work())))
    }),
  'a group with a limit': (work) =>
    taskGroup(
      async (group) => {
        group.createTask(() => work())
        group.createTask(() => work())
      },
      { limit: 1 },
    ),
  'group.start': (work) =>
    taskGroup(async (group) => {
      await group.start(async (started) => {
        started()
        await work()
      })
    }),
  'group.start before started()': (work) =>
    taskGroup(async (group) => {
      await group.start(async () => {
        await work()
      })
    }),
  'Promise.all': async (work) => Promise.all([work(), work(), sleep(minute)]),
  gather: (work) => gather([() => work(), () => work()]),
  race: (work) => race([() => work(), () => work()]),
  any: (work) => any([() => work(), () => work()]),
  staggeredRace: (work) => staggeredRace([() => work(), () => work()], 1),
  asCompleted: async (work) => {
    for await (const _ of asCompleted([() => work(), () => work()]));
  },
  iterate: async (work) => {
    const source = async function* (signal: AbortSignal): AsyncGenerator {
      yield await work(signal)
    }
    for await (const _ of iterate(source(taskSignal())));
  },
  shield: (work) => shield(() => work()),
  'a task that is awaited': async (work) => createTask(() => work()),
  ensureFuture: async (work) => ensureFuture(work()),
  waitFor: (work) => waitFor(() => work(), minute),
  'a timeout': (work) => timeout(minute, async () => work()),
  'a timeout around a group': (work) =>
    timeout(minute, () => taskGroup(async (group) => void group.createTask(() => work()))),
  'a timeout in a task of a group': (work) =>
    taskGroup(async (group) => {
      group.createTask(() => timeout(minute, async () => work()))
    }),
  failAfter: (work) => failAfter(minute, async () => work()),
  cancelScope: (work) => cancelScope(async () => work()),
  'a shield whose grace is over': (work) => shielded(async () => work(), { grace: 1 }),
}

const cancels: Record<string, (body: () => PromiseLike<unknown>) => PromiseLike<unknown>> = {
  moveOnAfter: (body) => moveOnAfter(20, body),
  failAfter: (body) => failAfter(20, body),
  timeout: (body) => timeout(20, body),
  'task.cancel': async (body) => {
    const task = createTask(async () => body())
    await sleep(20)
    task.cancel('enough')
    await wait([task])
    return task.cancelled() ? task.exception() : task.result()
  },
  'group.cancel': (body) =>
    taskGroup(async (group) => {
      group.createTask(async () => {
        await sleep(20)
        group.cancel('enough')
      })
      await body()
    }),
  'a failure of another task of the group': (body) =>
    taskGroup(async (group) => {
      group.createTask(async () => {
        await sleep(20)
        throw new Error('broken')
      })
      await body()
    }),
}

/** Returns the value of `promise`, or the name of its error without the message. */
async function outcome(promise: PromiseLike<unknown>): Promise<unknown> {
  try {
    return nameOf(await promise)
  } catch (error) {
    return { thrown: nameOf(error) }
  }
}

function nameOf(value: unknown): unknown {
  if (value instanceof ExceptionGroup) return value.errors.map(nameOf)
  if (value instanceof Error) return value.name
  return typeof value === 'object' && value !== null
    ? Object.fromEntries(Object.entries(value).map(([key, each]) => [key, nameOf(each)]))
    : value
}

/** Runs `body` in a scope that ends by `cancel`. Returns its outcome, the time that it took, and what the loop has reported. */
function runIn(
  cancel: keyof typeof cancels,
  body: keyof typeof bodies,
  work: Work,
): Promise<unknown> {
  return runVirtual(async () => {
    const loop = getRunningLoop()
    const reports: unknown[] = []
    loop.setExceptionHandler((_loop, context) => reports.push(context))
    const ended = await outcome(cancels[cancel]!(() => bodies[body]!(work)))
    return { ended, reports, time: loop.time(), cancelling: currentTask()?.cancelling() }
  })
}

for (const cancel of Object.keys(cancels)) {
  describe(`an AbortError that ${cancel} has caused has the same outcome as a CancelledError`, () => {
    for (const body of Object.keys(bodies)) {
      test(`in ${body}`, async () => {
        const control = await runIn(cancel, body, ownWait)
        expect(JSON.stringify(control)).not.toContain('AbortError')
        expect(await runIn(cancel, body, nodeWait)).toEqual(control)
        expect(await runIn(cancel, body, bareAbort)).toEqual(control)
      })
    }
  })
}

describe('an AbortError in an ExceptionGroup', () => {
  const both = async (): Promise<never> => {
    const aborted: unknown = await thrown(nodeWait())
    throw new ExceptionGroup('two', [aborted, new Error('real')])
  }

  virtual('is left out of the group that a cancelled scope throws, as in Trio', async () => {
    const error = await thrown(moveOnAfter(5, both))
    expect(nameOf(error)).toEqual(['Error'])
  })

  virtual('that holds nothing else counts as the cancel of the scope', async () => {
    const alone = async (): Promise<never> => {
      throw new ExceptionGroup('one', [await thrown(nodeWait())])
    }
    expect(await moveOnAfter(5, alone)).toMatchObject({ cancelled: true })
  })
})

describe('an AbortError that no cancel has caused is a failure', () => {
  const abortedByProgram = (): Promise<unknown> => {
    const controller = new AbortController()
    const work = nodeSleep(minute, null, { signal: controller.signal })
    controller.abort()
    return work
  }

  virtual('of a task in a group, and the group throws it', async () => {
    const group = (): Promise<void> =>
      taskGroup(async (tasks) => {
        taskSignal()
        tasks.createTask(abortedByProgram)
        await sleepForever()
      })
    expect(nameOf(await thrown(group()))).toEqual(['AbortError'])
    expect(nameOf(await thrown(moveOnAfter(5, group)))).toEqual(['AbortError'])
  })

  virtual(
    'of the body of a group, and the group cancels its other calls and throws it',
    async () => {
      const group = (): Promise<void> =>
        taskGroup(async () => {
          taskSignal()
          const other = sleep(minute).catch(() => {})
          await abortedByProgram()
          await other
        })
      expect(nameOf(await thrown(group()))).toEqual(['AbortError'])
    },
  )

  virtual('inside shielded, while a cancel of the outer scope is kept out', async () => {
    const signals: AbortSignal[] = []
    const failing = taskGroup.bind(null, async (tasks) => {
      tasks.createTask(async () => {
        await sleep(20)
        await abortedByProgram()
      })
    })
    const result = moveOnAfter(5, async () => {
      signals.push(taskSignal())
      await shielded(failing)
    })
    expect(nameOf(await thrown(result))).toEqual(['AbortError'])
    expect(signals.map((signal) => signal.aborted)).toEqual([true])
  })

  virtual('inside shielded, if the cancel of another task has caused it', async () => {
    const other = createTask(async () => {
      taskSignal()
      await sleepForever()
    })
    await sleep(1)
    const { signal } = other
    const failing = taskGroup.bind(null, async (tasks) => {
      tasks.createTask(() => nodeSleep(minute, null, { signal }))
    })
    const task = createTask(() => shielded(failing))
    await sleep(1)
    task.cancel()
    other.cancel()
    expect(nameOf(await thrown(task))).toEqual(['AbortError'])
  })

  virtual('after uncancel() has taken the cancel back', async () => {
    const error = await thrown(
      taskGroup(async (tasks) => {
        tasks.createTask(async () => {
          const signal = taskSignal()
          currentTask()?.cancel()
          await sleep(1).catch(() => {})
          currentTask()?.uncancel()
          expect(signal.aborted).toBe(true)
          await abortedByProgram()
        })
      }),
    )
    expect(nameOf(error)).toEqual(['AbortError'])
  })
})

virtual(
  'the CancelledError that a timeout throws after an AbortError has the message of the cancel',
  async () => {
    for (const work of [nodeWait, bareAbort]) {
      const errors: unknown[] = []
      const task = createTask(async () => {
        try {
          await timeout(minute, async () => work())
        } catch (error) {
          errors.push(error)
          throw error
        }
      })
      await sleep(5)
      task.cancel('enough')
      await wait([task])
      expect(errors.map((error) => [nameOf(error), (error as CancelledError).message])).toEqual([
        ['CancelledError', 'enough'],
      ])
    }
  },
)

virtual(
  'an AbortError from the disposal of an `await using` that a cancel interrupts counts as the cancel',
  async () => {
    const result = await moveOnAfter(5, () =>
      taskGroup(async () => {
        const signal = taskSignal()
        await using _ = { [Symbol.asyncDispose]: () => nodeWait(signal) as Promise<void> }
        throw new Error('the reason to leave the block')
      }),
    )
    expect(result.cancelled).toBe(true)
  },
)

describe('a cancel at every turn', () => {
  const group = (work: Work) => (): Promise<void> =>
    taskGroup(async (tasks) => {
      tasks.createTask(async () => {
        await sleep(0)
        await work()
      })
      tasks.createTask(() => taskGroup(async (inner) => void inner.createTask(() => work())))
      await sleep(0)
      await timeout(minute, () => taskGroup(async () => work()))
    })

  for (const [name, work] of Object.entries({ nodeWait, bareAbort })) {
    virtual(`ends a scope around nested groups as cancelled: ${name}`, async () => {
      expect(await sweepLevelCancel({ operate: group(work), moments: 8 })).toBe(8)
    })

    virtual(`ends a task around nested groups as cancelled: ${name}`, async () => {
      for (let turns = 0; turns < 8; turns++) {
        const task = createTask(group(work))
        for (let i = 0; i < turns; i++) await sleep(0)
        task.cancel()
        await wait([task])
        expect(task.cancelled(), `after ${turns} turns`).toBe(true)
      }
    })
  }
})

describe('an AbortError of a call that was not awaited', () => {
  test('is reported, and does not end the process', async () => {
    const { code, output } = await program(`
      import { setTimeout as nodeSleep } from 'node:timers/promises'
      const { createTask, getRunningLoop, run, sleep, taskSignal, wait } = core
      await run(async () => {
        getRunningLoop().setExceptionHandler((_, { message, exception }) => console.log(exception.name, message))
        const task = createTask(async () => {
          void nodeSleep(60_000, null, { signal: taskSignal() })
          await sleep(60_000)
        })
        await sleep(1)
        task.cancel()
        await wait([task])
        await nodeSleep(1)
        console.log('cancelled', task.cancelled())
      })
    `)
    expect({ code, output }).toEqual({
      code: 0,
      output:
        'AbortError A call that was not awaited was cancelled: await it, or catch its CancelledError\ncancelled true\n',
    })
  })
})

describe('work that was begun outside of the scope that waits for its promise', () => {
  const spied = (): { signals: AbortSignal[]; work: () => Promise<unknown> } => {
    const signals: AbortSignal[] = []
    const work = async (): Promise<unknown> => {
      const signal = taskSignal()
      signals.push(signal)
      const promise = nodeSleep(minute, null, { signal })
      return timeout(minute, () => promise)
    }
    return { signals, work }
  }

  for (const cancel of Object.keys(cancels)) {
    virtual(`is ended by ${cancel}, and its AbortError is not reported`, async () => {
      const report = vi.fn()
      getRunningLoop().setExceptionHandler(report)
      const { signals, work } = spied()
      const ended = await outcome(cancels[cancel]!(work))
      expect(ended).toEqual(await outcome(cancels[cancel]!(() => sleep(minute))))
      await sleep(minute)
      expect(signals.map((signal) => signal.aborted)).toEqual([true])
      expect(report).not.toHaveBeenCalled()
    })
  }

  const later = (late: Error, signal: AbortSignal): Promise<never> =>
    new Promise((_resolve, reject) => {
      const loop = getRunningLoop()
      signal.addEventListener('abort', () => loop.callLater(20, () => reject(late)))
    })
  const waits: Record<string, (promise: Promise<never>) => PromiseLike<unknown>> = {
    timeout: (promise) => timeout(minute, () => promise),
    failAfter: (promise) => failAfter(minute, () => promise),
    ensureFuture: (promise) => ensureFuture(promise),
    waitFor: (promise) => waitFor(promise, minute),
  }
  for (const [name, abandon] of Object.entries(waits)) {
    for (const cancel of ['timeout', 'moveOnAfter', 'task.cancel'] as const) {
      virtual(
        `${name}, after ${cancel}: a late AbortError is not reported, but another late error is`,
        async () => {
          const report = vi.fn()
          getRunningLoop().setExceptionHandler((_loop, context) =>
            report(nameOf(context.exception)),
          )
          const aborted = new DOMException('aborted', 'AbortError')
          await outcome(cancels[cancel]!(async () => abandon(later(aborted, taskSignal()))))
          await sleep(100)
          expect(report).not.toHaveBeenCalled()
          await outcome(cancels[cancel]!(async () => abandon(later(new Error('no'), taskSignal()))))
          await sleep(100)
          expect(report.mock.calls).toEqual([['Error']])
        },
      )
    }
  }
})

describe('taskSignal() inside shielded', () => {
  virtual('is not aborted by a cancel that came before the shield', async () => {
    const seen: unknown[] = []
    const task = createTask(async () => {
      try {
        await sleepForever()
      } finally {
        await shielded(async () => {
          seen.push(taskSignal().aborted, await nodeSleep(1, 'sent', { signal: taskSignal() }))
        })
      }
    })
    await sleep(1)
    task.cancel()
    await wait([task])
    expect([seen, task.cancelled()]).toEqual([[false, 'sent'], true])
  })

  virtual(
    'aborts when the grace is over, and ends work that was begun outside of the inner scope',
    async () => {
      const signals: AbortSignal[] = []
      const task = createTask(() =>
        shielded(
          async () => {
            signals.push(taskSignal())
            const work = nodeWait(taskSignal())
            await timeout(minute, () => work)
          },
          { grace: 10 },
        ),
      )
      await sleep(1)
      task.cancel()
      expect(signals.map((signal) => signal.aborted)).toEqual([false])
      await wait([task])
      expect([getRunningLoop().time(), task.cancelled()]).toEqual([11, true])
      expect(signals.map((signal) => signal.aborted)).toEqual([true])
    },
  )
})

test('run rejects with a CancelledError when its signal aborts foreign work in a group', async () => {
  const controller = new AbortController()
  const running = run(() => taskGroup(async (group) => void group.createTask(() => nodeWait())), {
    signal: controller.signal,
  })
  await nodeSleep(1)
  controller.abort()
  expect(await outcome(running)).toEqual({ thrown: 'CancelledError' })
})
