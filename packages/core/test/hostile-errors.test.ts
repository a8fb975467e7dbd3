// A task ends with the value that its code throws, whatever the value is. If a look at the value throws, core must still work.
import { inspect } from 'node:util'
import {
  CancelledError,
  createTask,
  ensureFuture,
  ExceptionGroup,
  Future,
  gather,
  getRunningLoop,
  newEventLoop,
  run,
  runMain,
  shield,
  sleep,
  snapshot,
  taskGroup,
  timeout,
  wait,
} from '@tasktree/core'
import { addSnapshotPart, DetailedFuture } from '@tasktree/core/lowlevel'
import { explore, ScheduleError, watchLeaks } from '@tasktree/core/testing'
import { expect, test, vi } from 'vitest'
import { hostile } from '../../../vitest.hostile.ts'
import { thrown } from '../../../vitest.thrown.ts'

/** Whether `promise` rejects with `value`. An async function could not return such a value, because it looks for `then`. */
async function failsWith(value: unknown, promise: PromiseLike<unknown>): Promise<boolean> {
  try {
    await promise
  } catch (error) {
    return Object.is(error, value)
  }
  return false
}

test.for(hostile)(
  'a task, shield, gather or timeout whose code throws %s fails with exactly this value',
  async ([, make]) => {
    await run(async () => {
      const value = make()
      const fail = async (): Promise<never> => {
        await sleep(0)
        throw value
      }
      const task = createTask(fail)
      expect(await failsWith(value, task)).toBe(true)
      expect(Object.is(task.exception(), value)).toBe(true)
      expect(await failsWith(value, shield(createTask(fail)))).toBe(true)
      expect(await failsWith(value, gather([fail(), fail()]))).toBe(true)
      expect(await failsWith(value, timeout(1000, fail))).toBe(true)
      const group = await thrown(
        taskGroup(async (tasks) => {
          tasks.createTask(fail)
        }),
      )
      expect(Object.is((group as AggregateError).errors[0], value)).toBe(true)
    })
  },
)

test.for(hostile)(
  'a task that throws %s after its cancel fails with exactly this value',
  async ([, make]) => {
    await run(async () => {
      const value = make()
      const task = createTask(async () => {
        try {
          await sleep(1000)
        } catch {
          throw value
        }
      })
      await sleep(0)
      task.cancel()
      expect(await failsWith(value, task)).toBe(true)
    })
  },
)

test('run reports the failures of all tasks, also those whose properties throw when they are read', async () => {
  const seen: unknown[] = []
  const values = [new Error('before'), ...hostile.map(([, make]) => make()), new Error('after')]
  await run(async () => {
    getRunningLoop().setExceptionHandler((_loop, { exception }) => seen.push(exception))
    const tasks = values.map((value) =>
      createTask(async () => {
        await sleep(0)
        throw value
      }),
    )
    await wait(tasks)
  })
  expect(seen.length).toBe(values.length)
  expect(values.every((value) => seen.some((each) => Object.is(each, value)))).toBe(true)
})

test.for(hostile)('an ExceptionGroup that holds %s can be split', ([, make]) => {
  const wrong = new TypeError('wrong')
  const group = new ExceptionGroup('both', [make(), wrong])
  const [matching, rest] = group.split(TypeError)
  expect(matching?.errors).toEqual([wrong])
  expect(rest?.errors.length).toBe(1)
})

test.for(hostile)('console.log prints a future that holds %s without an error', ([, make]) => {
  const finished = new Future()
  finished.setResult(make())
  expect(inspect(finished)).toMatch(/^<Future finished result=/)
  const failed = new Future()
  failed.setException(make())
  expect(inspect(failed)).toMatch(/^<Future finished exception=/)
  failed.exception()
})

test.for(hostile)(
  'ensureFuture reports a promise that rejects with %s after the cancel of its future',
  async ([, make]) => {
    const seen: unknown[] = []
    const value = make()
    await run(async () => {
      getRunningLoop().setExceptionHandler((_loop, { exception }) => seen.push(exception))
      const { promise, reject } = Promise.withResolvers()
      const future = ensureFuture(promise)
      future.cancel()
      reject(value)
      await sleep(1)
    })
    expect(seen.length).toBe(1)
    expect(Object.is(seen[0], value)).toBe(true)
  },
)

test('a future of a thenable whose `then` throws fails with the error, as a promise does', async () => {
  const error = new Error('from then')
  const thenable = {
    // oxlint-disable-next-line unicorn/no-thenable -- the test needs a thenable
    then(): never {
      throw error
    },
  }
  await run(async () => {
    expect(await thrown(Promise.resolve(thenable))).toBe(error)
    expect(await thrown(ensureFuture(thenable))).toBe(error)
  })
})

test.for(hostile)('a snapshot whose part throws %s shows an error for this part', ([, make]) => {
  const remove = addSnapshotPart('broken', () => {
    throw make()
  })
  try {
    expect(snapshot()['broken']).toEqual({ error: expect.any(String) })
  } finally {
    remove()
  }
})

test.for(hostile)(
  'a wait whose description throws %s is in the snapshot, as a future that cannot be described',
  async ([, make]) => {
    await run(async () => {
      const wait = new DetailedFuture(() => {
        throw make()
      })
      const task = createTask(() => wait)
      await sleep(0)
      const [shown] = snapshot().loops.flatMap(({ tasks }) =>
        tasks.filter(({ name }) => name === task.name),
      )
      expect(shown?.waitingOn[0]?.label).toMatch(/^a future that cannot be described/)
      task.cancel()
    })
  },
)

test('the constructor of CancelledError that throws leaves Error.stackTraceLimit as it was', () => {
  const { stackTraceLimit } = Error
  const refuse = (): never => {
    throw new TypeError('do not look at me')
  }
  expect(() => new CancelledError({ toString: refuse } as never)).toThrow(TypeError)
  const options = Object.defineProperty({}, 'cause', { get: refuse })
  expect(() => new CancelledError('x', options)).toThrow(TypeError)
  expect(Error.stackTraceLimit).toBe(stackTraceLimit)
  expect(new CancelledError('x', { cause: undefined })).toHaveProperty('cause', undefined)
  expect(new CancelledError('x')).not.toHaveProperty('cause')
})

const unchangeable: [string, () => CancelledError][] = [
  ['a read-only stack', () => Object.defineProperty(new CancelledError(), 'stack', { value: 'x' })],
  [
    'a message that throws',
    () =>
      Object.defineProperty(new CancelledError(), 'message', {
        get: () => {
          throw new Error('do not look at me')
        },
      }),
  ],
]
test.for(unchangeable)(
  'code that awaits a task gets the same CancelledError that the task threw, with %s',
  async ([, make]) => {
    await run(async () => {
      const error = make()
      const task = createTask(async () => {
        await sleep(0)
        throw error
      })
      expect(await thrown(task)).toBe(error)
      expect(task.cancelled()).toBe(true)
    })
  },
)

test.for(hostile)(
  'the default exception handler prints its message with %s as the exception',
  ([, make]) => {
    const print = vi.spyOn(console, 'error').mockImplementation((...values: unknown[]) => {
      inspect(values)
    })
    const loop = newEventLoop()
    loop.callExceptionHandler({ message: 'the message', exception: make() })
    expect(String(print.mock.lastCall?.[0])).toBe('the message')
    expect(print.mock.results.at(-1)?.type).toBe('return')
    print.mockRestore()
    loop.close()
  },
)

test.for(hostile)('runMain exits with 1 when main throws %s', async ([, make]) => {
  const print = vi.spyOn(console, 'error').mockImplementation((...values: unknown[]) => {
    inspect(values)
  })
  const exit = vi.spyOn(process, 'exit').mockImplementation(() => undefined as never)
  await runMain(async () => {
    throw make()
  })
  expect(print.mock.results.at(-1)?.type).toBe('return')
  expect(exit).toHaveBeenCalledExactlyOnceWith(1)
  print.mockRestore()
  exit.mockRestore()
})

test.for(hostile)(
  'explore throws a ScheduleError with the seed when the program throws %s',
  async ([, make]) => {
    const value = make()
    const program = async (): Promise<never> => {
      throw value
    }
    const error = await thrown(explore(program, { seed: 7 }))
    expect(error).toBeInstanceOf(ScheduleError)
    expect((error as ScheduleError).seed).toBe(7)
    expect(Object.is((error as ScheduleError).cause, value)).toBe(true)
  },
)

test.for(hostile)('watchLeaks finds an unretrieved exception that is %s', ([, make]) => {
  const loop = newEventLoop()
  const watch = watchLeaks()
  const future = new Future({ loop })
  future.setException(make())
  expect(watch.find()).toHaveLength(1)
  future.exception()
  loop.close()
})
