import {
  cancelScope,
  createTask,
  currentTask,
  Future,
  getRunningLoop,
  race,
  run,
  shield,
  sleep,
  type Task,
  taskGroup,
  timeout,
  why,
} from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { describe, expect, test } from 'vitest'
import { thrown, virtual } from './support/virtual.ts'

// JavaScript programs often write `await future.catch(…)`. This must be a wait of the task just like `await future`.

let start = 0
/** Milliseconds of virtual time since `start` was set. */
const elapsed = (): number => getRunningLoop().time() - start

const name = (error: unknown): string => (error as Error).name

/** Functions that return a chain of a future, and the outcome of each chain after a cancel of the future. */
const chains: Record<string, [(future: Future<unknown>) => PromiseLike<unknown>, string]> = {
  'then with one function': [(future) => future.then((value) => value), 'thrown CancelledError'],
  catch: [(future) => future.catch(name), 'CancelledError'],
  'catch that throws on': [
    (future) =>
      future.catch((error) => {
        throw error
      }),
    'thrown CancelledError',
  ],
  finally: [(future) => future.finally(() => {}), 'thrown CancelledError'],
  'then with two functions that have names': [
    (future) => {
      const onValue = (value: unknown): unknown => value
      return future.then(onValue, name)
    },
    'CancelledError',
  ],
  'three links': [
    (future) =>
      future
        .then((value) => value)
        .finally(() => {})
        .catch(name),
    'CancelledError',
  ],
  'in a Promise.all': [
    (future) => Promise.all([future.finally(() => {}), sleep(1)]),
    'thrown CancelledError',
  ],
  'in a Promise.race': [
    (future) => Promise.race([future.catch(name), new Promise<never>(() => {})]),
    'CancelledError',
  ],
  'in an async function': [async (future) => future.catch(name), 'CancelledError'],
  'in race': [(future) => race([() => future.finally(() => {})]), 'thrown CancelledError'],
}

async function outcome(awaitable: () => PromiseLike<unknown>): Promise<unknown> {
  try {
    return await awaitable()
  } catch (error) {
    return `thrown ${name(error)}`
  }
}

describe.each(Object.keys(chains))(
  'a wait for a chain of a future (then, catch, finally): %s',
  (kind) => {
    const [chain, expected] = chains[kind] as (typeof chains)[string]

    virtual('is ended by a cancel of its task', async () => {
      start = getRunningLoop().time()
      let seen: unknown
      const sleeping = createTask(() => sleep(60_000))
      const task = createTask(async () => {
        seen = await outcome(() => chain(sleeping))
      })
      await sleep(10)
      task.cancel()
      await task
      expect(seen).toBe(expected)
      expect(sleeping.cancelled()).toBe(true)
      expect(elapsed()).toBeLessThan(1_000)
    })

    virtual('is ended by a timeout around it, while a wait beside it goes on', async () => {
      start = getRunningLoop().time()
      const beside = createTask(() => sleep(100))
      const [first, second] = await Promise.all([
        timeout(10, () => outcome(() => chain(sleep(60_000)))).catch(name),
        outcome(() => chain(beside)),
      ])
      // The timeout throws its own error if its body has rethrown the CancelledError.
      expect(first).toBe(expected.startsWith('thrown') ? 'thrown CancelledError' : expected)
      expect(String(second)).not.toContain('Cancelled')
      expect(elapsed()).toBe(100)
    })

    virtual('ends at once in a scope that is cancelled already', async () => {
      start = getRunningLoop().time()
      const { cancelled } = await cancelScope(async (scope) => {
        scope.cancel()
        await outcome(() => chain(sleep(60_000)))
        await sleep(60_000)
      })
      expect([cancelled, elapsed()]).toEqual([true, 0])
    })

    virtual(
      'can be the body of a task or a scope, and ends with its cancel or timeout',
      async () => {
        start = getRunningLoop().time()
        const task = createTask(() => chain(sleep(60_000)))
        const scope = cancelScope(() => chain(sleep(60_000)), { timeout: 10 })
        const timed = timeout(10, () => chain(sleep(60_000)))
        await sleep(1)
        task.cancel()
        const swallows = !expected.startsWith('thrown')
        expect(await outcome(() => task)).toBe(expected)
        expect(await scope).toMatchObject(
          swallows ? { value: expect.anything() } : { cancelled: true },
        )
        expect(await outcome(() => timed)).toEqual(
          swallows ? expect.anything() : 'thrown TimeoutError',
        )
        expect(elapsed()).toBe(10)
      },
    )

    virtual('gives the outcome of the chain when the future fails', async () => {
      const future = new Future<number>()
      const task = createTask(() => outcome(() => chain(future)))
      await sleep(1)
      future.setException(new TypeError('x'))
      expect(await task).toBe(expected.replace('CancelledError', 'TypeError'))
    })
  },
)

/** The same program written as a chain and with `try`. Both write what happens into `log`. */
const twins: [string, (future: Future<unknown>, log: string[]) => PromiseLike<void>][] = [
  [
    'chain',
    (future, log) =>
      future
        .then(
          function onValue(value) {
            log.push(`value ${String(value)}`)
          },
          function onError(error) {
            log.push(`error ${name(error)}`)
          },
        )
        .finally(() => {
          log.push('finally')
        }),
  ],
  [
    'try',
    async (future, log) => {
      try {
        log.push(`value ${String(await future)}`)
      } catch (error) {
        log.push(`error ${name(error)}`)
      } finally {
        log.push('finally')
      }
    },
  ],
]

/** These tests cancel the waiting task, or the future, some microtasks before or after the future ends. */
describe('a chain and the same code with try do the same', () => {
  const ends = {
    result: (future: Future<unknown>) => future.setResult(1),
    error: (future: Future<unknown>) => future.setException(new TypeError('x')),
    cancel: (future: Future<unknown>) => void future.cancel(),
  }
  for (const [end, act] of Object.entries(ends)) {
    for (const distance of [-3, -2, -1, 1, 2, 3]) {
      virtual(
        `when the future gets a ${end} and the task is cancelled ${distance} turns after it`,
        async () => {
          const logs: string[][] = []
          for (const [, program] of twins) {
            const log: string[] = []
            logs.push(log)
            const future = new Future<unknown>()
            const task = createTask(async () => {
              await program(future, log)
              log.push('next')
              await sleep(5)
              log.push('end')
            })
            await sleep(1)
            const first = distance < 0 ? () => task.cancel() : () => act(future)
            const second = distance < 0 ? () => !future.done() && act(future) : () => task.cancel()
            first()
            for (let i = 0; i < Math.abs(distance); i++) await sleep(0)
            second()
            log.push(await task.then(() => 'ended', name))
          }
          expect(logs[0]).toEqual(logs[1])
        },
      )
    }
  }
})

describe('a cancel that comes when the future has ended', () => {
  virtual('keeps the result, and is thrown at the next wait', async () => {
    const log: unknown[] = []
    const future = new Future<number>()
    const task = createTask(async () => {
      log.push(await future.then((value) => value + 1))
      await sleep(10)
      log.push('not reached')
    })
    await sleep(1)
    future.setResult(1)
    task.cancel('now')
    expect(String(await thrown(task))).toContain('now')
    expect(log).toEqual([2])
  })

  virtual('waits for a callback that returns a promise, and is delivered after it', async () => {
    const log: unknown[] = []
    const task = createTask(async () => {
      log.push(
        await sleep(1).then(() => new Promise((resolve) => setTimeout(resolve, 5, 'foreign'))),
      )
      await sleep(10)
      log.push('not reached')
    })
    await sleep(2)
    task.cancel()
    await thrown(task)
    expect(log).toEqual(['foreign'])
  })
})

describe('a chain that no code awaits is not a wait', () => {
  virtual('a cancel of the task that called catch on it does not reach the future', async () => {
    const errors: unknown[] = []
    const work = createTask(async () => {
      await sleep(20)
      return 'done'
    })
    const task = createTask(async () => {
      work.catch((error: unknown) => errors.push(error))
      void work.then(() => {})
      await sleep(60_000)
    })
    await sleep(10)
    task.cancel()
    await thrown(task)
    expect(await work).toBe('done')
    expect(errors).toEqual([])
  })

  test('its rejection is reported as an unhandled rejection', async () => {
    const seen: unknown[] = []
    const listener = (error: unknown): number => seen.push(error)
    process.on('unhandledRejection', listener)
    try {
      await run(async () => {
        const future = new Future<void>()
        void future.then(() => {
          throw new Error('in a callback')
        })
        future.setResult()
        await sleep(5)
      })
      await new Promise((resolve) => setTimeout(resolve, 5))
    } finally {
      process.off('unhandledRejection', listener)
    }
    expect(seen.map(String)).toEqual(['Error: in a callback'])
  })
})

test('a shielded future goes on when the wait for its chain is cancelled', () =>
  runVirtual(async () => {
    const work = createTask(() => sleep(100).then(() => 'done'))
    const task = createTask(() => shield(work).catch(name))
    await sleep(10)
    task.cancel()
    expect(await task).toBe('CancelledError')
    expect(await work).toBe('done')
  }))

test('a failing group cancels its tasks that wait for chains', () =>
  runVirtual(async () => {
    start = getRunningLoop().time()
    const log: string[] = []
    await thrown(
      taskGroup(async (group) => {
        group.createTask(() =>
          sleep(60_000).finally(() => {
            log.push('cleaned up')
          }),
        )
        await sleep(5)
        throw new Error('x')
      }),
    )
    expect([log, elapsed()]).toEqual([['cleaned up'], 5])
  }))

test('a chain of a future is a native promise, also outside of a loop', async () => {
  const failing = async (): Promise<void> => {
    await Promise.reject(new Error('of finally'))
  }
  const future = new Future<number>()
  const chain = future.catch(() => 0)
  expect(chain).toBeInstanceOf(Promise)
  expect(Object.prototype.toString.call(chain)).toBe('[object Promise]')
  expect(chain.finally(() => {})).toBeInstanceOf(Promise)
  expect((await import('node:util')).inspect(chain)).toBe('Promise { <pending> }')
  future.setResult(1)
  expect(await chain).toBe(1)
  expect(await chain.then(String).finally(() => 'ignored')).toBe('1')
  expect(await thrown(chain.finally(failing as () => void))).toMatchObject({
    message: 'of finally',
  })
  expect(await chain.finally(undefined)).toBe(1)
})

test('why() names the task whose chain a task waits for', () =>
  runVirtual(async () => {
    const work: Task = createTask(() => sleep(50), { name: 'work' })
    const task = createTask(() => work.catch(name), { name: 'waiting' })
    await sleep(1)
    expect(why(task)).toContain("task 'work'")
    await task
  }))

test('a task that calls catch on itself without awaiting it is not cancelled', () =>
  runVirtual(async () => {
    const task: Task<string> = createTask(async () => {
      void (currentTask() as Task).catch(() => {})
      await sleep(1)
      return 'done'
    })
    expect(await task).toBe('done')
  }))

test('after the end of the run, an await of a chain throws CancelledError and nothing is reported', async () => {
  const seen: unknown[] = []
  const listener = (error: unknown): number => seen.push(error)
  process.on('unhandledRejection', listener)
  const future = new Future<void>()
  let late: Promise<unknown> = Promise.resolve()
  await run(async () => {
    late = (async () => {
      await new Promise((resolve) => setTimeout(resolve, 20))
      return outcome(() => future.then(() => 'value'))
    })()
  })
  expect(await late).toBe('thrown CancelledError')
  expect(future.cancelled()).toBe(true)
  await new Promise((resolve) => setTimeout(resolve, 5))
  process.off('unhandledRejection', listener)
  expect(seen).toEqual([])
})

virtual(
  'a chain passed to the resolve and reject of a promise can be chained further, as a native promise can',
  async () => {
    const settled = (source: PromiseLike<unknown>, steps: unknown[]): Promise<unknown> =>
      new Promise((resolve, reject) => {
        const chained = source.then((value) => value) as Promise<unknown>
        void chained
          .then(resolve, reject)
          .finally(() => steps.push('finally'))
          .then((value) => steps.push(value))
      })
    const steps: unknown[] = []
    expect(await settled(sleep(5, 'slept'), steps)).toBe('slept')
    const control: unknown[] = []
    expect(await settled(Promise.resolve('slept'), control)).toBe('slept')
    await sleep(1)
    expect(steps).toEqual(['finally', undefined])
    expect(control).toEqual(steps)
  },
)
