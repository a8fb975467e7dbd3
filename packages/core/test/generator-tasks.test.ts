import { AsyncLocalStorage } from 'node:async_hooks'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import {
  ContextVar,
  coroutine,
  type CoroutineGenerator,
  createTask,
  currentTask,
  ensureFuture,
  formatTaskTree,
  Future,
  gather,
  getRunningLoop,
  isCancelled,
  run,
  RuntimeError,
  sleep,
  type Task,
  taskGroup,
  type TaskGroup,
  timeout,
  wait,
} from '@tasktree/core'
import { Claim } from '@tasktree/core/lowlevel'
import { runVirtual } from '@tasktree/core/testing'
import { describe, expect, test } from 'vitest'
import { thrown, virtual } from './support/virtual.ts'

/** Yields a value that the types forbid. Returns the value or the error that the generator gets for it. */
function* yieldAny(what: unknown): CoroutineGenerator<unknown> {
  try {
    return ['value', yield what as Future<unknown>]
  } catch (error) {
    return ['error', error]
  }
}

virtual('a generator task resumes in the turn that wakes it, before any microtask', async () => {
  const log: string[] = []
  const future = new Future<void>()
  const task = createTask(function* (): CoroutineGenerator<void> {
    yield* future
    log.push('task')
    yield* sleep(1)
    log.push('end')
  })
  await sleep(0)
  getRunningLoop().callSoon(() => {
    future.setResult()
    getRunningLoop().callSoon(() => log.push('next turn'))
    queueMicrotask(() => log.push('microtask'))
  })
  await task
  expect(log).toEqual(['task', 'next turn', 'microtask', 'end'])
})

virtual('yield* of a done future in a generator task gives the result without a wait', async () => {
  const done = new Future<number>()
  done.setResult(1)
  const log: unknown[] = []
  const task = createTask(
    function* (): CoroutineGenerator<void> {
      log.push(yield* done, yield* done)
    },
    { eager: true },
  )
  expect(log).toEqual([1, 1])
  expect(task.done()).toBe(true)
})

describe('a generator task that uses yield without a star', () => {
  virtual('waits for a pending future, and gets the result of a done future', async () => {
    expect(await createTask(() => yieldAny(sleep(5, 'slept')))).toEqual(['value', 'slept'])
    const done = new Future<number>()
    done.setResult(3)
    expect(await createTask(() => yieldAny(done))).toEqual(['value', 3])
  })

  virtual(
    'gets the exception of a failed future, and the exception counts as retrieved',
    async () => {
      const failed = new Future<number>()
      failed.setException(new Error('failed'))
      expect(await createTask(() => yieldAny(failed))).toEqual(['error', new Error('failed')])
      const failing = new Future<number>()
      getRunningLoop().callLater(1, () => failing.setException(new Error('later')))
      expect(await createTask(() => yieldAny(failing))).toEqual(['error', new Error('later')])
    },
  )

  virtual('waits for a promise, and gets its value or its error', async () => {
    expect(await createTask(() => yieldAny(Promise.resolve(2)))).toEqual(['value', 2])
    const rejected = Promise.reject(new Error('rejected'))
    expect(await createTask(() => yieldAny(rejected))).toEqual(['error', new Error('rejected')])
  })

  virtual(
    'gets a RuntimeError for a value that cannot be awaited, and for its own task',
    async () => {
      for (const what of [undefined, null, 5, 'text', {}, () => {}]) {
        const outcome = await createTask(() => yieldAny(what))
        expect(outcome).toEqual(['error', expect.any(RuntimeError)])
      }
      const task: Task = createTask(() => yieldAny(task))
      expect(await task).toEqual(['error', new RuntimeError(`${task.name} cannot await itself`)])
    },
  )
})

virtual(
  'a generator task that throws before or after its first yield fails with the error',
  async () => {
    // oxlint-disable-next-line eslint/require-yield -- this generator fails before it yields
    const early = createTask(function* (): CoroutineGenerator<void> {
      throw new Error('early')
    })
    const late = createTask(function* (): CoroutineGenerator<void> {
      yield* sleep(1)
      throw new Error('late')
    })
    expect(await gather([early, late], { returnExceptions: true })).toEqual([
      new Error('early'),
      new Error('late'),
    ])
  },
)

describe('a cancel of a generator task', () => {
  /** A body with two waits and a clean-up with two more waits, some of them in nested generators. Logs what it does. */
  function* body(log: string[]): CoroutineGenerator<string> {
    const inner = function* (): CoroutineGenerator<void> {
      yield* sleep(10)
    }
    try {
      log.push('one')
      yield* sleep(10)
      log.push('two')
      yield* inner()
      log.push('three')
      yield* coroutine(async () => sleep(10))()
      return 'done'
    } finally {
      log.push('cleanup')
      yield* sleep(10)
      log.push('clean')
    }
  }

  test.each([
    [5, ['one', 'cleanup', 'clean'], 15],
    [15, ['one', 'two', 'cleanup', 'clean'], 25],
    [25, ['one', 'two', 'three', 'cleanup', 'clean'], 35],
    [35, ['one', 'two', 'three', 'cleanup'], 35],
  ])('at %i ms runs the clean-up, with the waits in it', (at, expected, end) =>
    runVirtual(async () => {
      const log: string[] = []
      const task = createTask(() => body(log))
      await sleep(at)
      task.cancel()
      expect(isCancelled(await thrown(task))).toBe(true)
      expect(log).toEqual(expected)
      expect(getRunningLoop().time()).toBe(end)
      expect(task.waitingOn.size).toBe(0)
    }),
  )

  virtual('before the first step keeps the body from running', async () => {
    const log: string[] = []
    const task = createTask(() => body(log))
    task.cancel()
    expect(isCancelled(await thrown(task))).toBe(true)
    expect(log).toEqual([])
  })

  virtual('in the turn in which its future has ended wins, with its message', async () => {
    const future = new Future<string>()
    const task = createTask(() => yieldAny(future))
    await sleep(0)
    future.setResult('result')
    task.cancel('too late')
    const [kind, error] = (await task) as [string, Error]
    expect([kind, isCancelled(error), error.message]).toEqual(['error', true, 'too late'])
  })

  virtual('by the task itself is delivered at its next wait for a pending future', async () => {
    const log: string[] = []
    const done = new Future<void>()
    done.setResult()
    const task = createTask(function* (): CoroutineGenerator<void> {
      currentTask()?.cancel()
      yield* done
      log.push('a done future is none')
      try {
        yield* sleep(10)
      } catch (error) {
        log.push(isCancelled(error) ? 'cancelled' : 'other')
        currentTask()?.uncancel()
      }
      yield* sleep(10)
      log.push('goes on')
    })
    await task
    expect(log).toEqual(['a done future is none', 'cancelled', 'goes on'])
  })

  virtual('reaches an async function that the generator awaits, through a timeout', async () => {
    const log: string[] = []
    const slow = coroutine(async () => {
      try {
        await sleep(1_000)
      } finally {
        log.push('inner')
      }
    })
    const task = createTask(function* (): CoroutineGenerator<void> {
      yield* slow()
    })
    expect(await thrown(timeout(5, () => task))).toMatchObject({ name: 'TimeoutError' })
    expect(log).toEqual(['inner'])
    expect(task.cancelled()).toBe(true)
  })
})

/** A claim that logs whether its waiter took or declined it. */
class Place extends Claim<string> {
  log: string[] = []
  protected override claim(): void {
    this.log.push('claimed')
    this.fulfill('taken')
  }
  protected override decline(): void {
    this.log.push('declined')
  }
}

describe('a Claim that a generator task waits for', () => {
  virtual('is claimed when the generator resumes, and gives its value', async () => {
    const place = new Place()
    const task = createTask(() => yieldAny(place))
    await sleep(0)
    place.wake()
    expect(await task).toEqual(['value', 'taken'])
  })

  virtual('is declined and cancelled if the generator is cancelled after the wake-up', async () => {
    const place = new Place()
    const seen: unknown[] = []
    const task = createTask(function* (): CoroutineGenerator<void> {
      try {
        yield* place
      } catch (error) {
        seen.push(place.cancelled(), place.log, (error as Error).message)
        throw error
      }
    })
    await sleep(0)
    place.wake()
    task.cancel('gone')
    expect(isCancelled(await thrown(task))).toBe(true)
    expect(seen).toEqual([true, ['declined'], 'gone'])
  })

  virtual('together with other tasks wakes the tasks in their order', async () => {
    const place = new Place()
    const log: string[] = []
    const tasks = ['a', 'b', 'c'].map((name, i) =>
      i === 1
        ? createTask(async () => void log.push(`${name} ${await place}`))
        : createTask(function* (): CoroutineGenerator<void> {
            log.push(`${name} ${yield* place}`)
          }),
    )
    await sleep(0)
    place.wake()
    await wait(tasks)
    expect(log).toEqual(['a taken', 'b taken', 'c taken'])
  })
})

virtual(
  'a generator task keeps its task, context variables and AsyncLocalStorages across every kind of yield',
  async () => {
    const storage = new AsyncLocalStorage<string>()
    const variable = new ContextVar<string>('variable')
    const seen: unknown[] = []
    const look = (): void =>
      void seen.push([currentTask()?.name, storage.getStore(), variable.get('none')])
    const task = storage.run('outer', () =>
      createTask(
        function* (): CoroutineGenerator<void> {
          look()
          yield* sleep(1)
          look()
          storage.enterWith('entered')
          variable.set('set')
          look()
          yield* sleep(1)
          look()
          yield* coroutine(async () => sleep(1))()
          look()
          storage.run('inner', look)
          yield* sleep(1)
          look()
        },
        { name: 'generator' },
      ),
    )
    await task
    expect(seen).toEqual([
      ['generator', 'outer', 'none'],
      ['generator', 'outer', 'none'],
      ['generator', 'entered', 'set'],
      ['generator', 'entered', 'set'],
      ['generator', 'entered', 'set'],
      ['generator', 'inner', 'set'],
      ['generator', 'entered', 'set'],
    ])
    expect([storage.getStore(), variable.get('none')]).toEqual([undefined, 'none'])
  },
)

virtual(
  'an eager generator task runs to its first wait inside createTask, as a task of its own',
  async () => {
    const log: unknown[] = []
    const outer = currentTask()
    const task = createTask(
      function* (): CoroutineGenerator<string> {
        log.push(currentTask() === outer)
        yield* sleep(1)
        return 'end'
      },
      { eager: true },
    )
    expect(log).toEqual([false])
    expect(currentTask()).toBe(outer)
    expect(task.waitingOn.size).toBe(1)
    expect(formatTaskTree()).toContain(`${task.name}  waiting on Sleep`)
    expect(await task).toBe('end')
  },
)

virtual('generator tasks and async tasks can wait for each other', async () => {
  const inner = createTask(function* (): CoroutineGenerator<number> {
    yield* sleep(1)
    return 1
  })
  const middle = createTask(async () => (await inner) + 1)
  const outer = createTask(function* (): CoroutineGenerator<number> {
    const more = yield* ensureFuture(async () => 10)
    return (yield* middle) + more
  })
  expect(await outer).toBe(12)
})

test('the iterator of a future is closed after its end, after throw() and after return()', () => {
  const future = new Future<number>()
  future.setResult(7)
  const read = future[Symbol.iterator]()
  expect(read[Symbol.iterator]()).toBe(read)
  expect({ ...read.next() }).toEqual({ done: true, value: 7 })
  expect({ ...read.next() }).toEqual({ done: true, value: undefined })
  const pending = new Future<number>()
  const thrownInto = pending[Symbol.iterator]()
  expect(thrownInto.next().value).toBe(pending)
  expect(() => thrownInto.throw(new Error('in'))).toThrow('in')
  expect({ ...thrownInto.next() }).toEqual({ done: true, value: undefined })
  const returned = pending[Symbol.iterator]()
  expect({ ...returned.return(9) }).toEqual({ done: true, value: 9 })
  expect({ ...returned.next() }).toEqual({ done: true, value: undefined })
})

test('two generator tasks that wake each other without end let timers, sockets and promises have their turn', () =>
  run(async () => {
    let ping = new Future<void>()
    let pong = new Future<void>()
    let turns = 0
    const players = [
      createTask(function* (): CoroutineGenerator<void> {
        for (;;) {
          yield* ping
          ping = new Future()
          turns++
          pong.setResult()
        }
      }),
      createTask(function* (): CoroutineGenerator<void> {
        for (;;) {
          yield* pong
          pong = new Future()
          ping.setResult()
        }
      }),
    ]
    ping.setResult()
    const server = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const socket = connect((server.address() as { port: number }).port, '127.0.0.1')
    await once(socket, 'connect')
    for (let round = 0; round < 5; round++) {
      await sleep(1)
      socket.write('x')
      await once(socket, 'data')
      await Promise.resolve()
    }
    expect(turns).toBeGreaterThan(0)
    for (const player of players) player.cancel()
    await wait(players)
    socket.destroy()
    server.close()
  }))

virtual('a finished group refuses a generator object with a RuntimeError', async () => {
  let group: TaskGroup | null = null
  await taskGroup(async (opened) => void (group = opened))
  const late = yieldAny(sleep(1)) as never
  expect(() => (group as unknown as TaskGroup).createTask(late)).toThrow(RuntimeError)
})

virtual(
  'a second task for the same generator object fails with a RuntimeError, and the first goes on',
  async () => {
    const generator = (function* (): CoroutineGenerator<number> {
      yield* sleep(1)
      return 1
    })()
    const first = createTask(generator)
    const second = createTask(generator)
    expect(await thrown(second)).toBeInstanceOf(RuntimeError)
    expect(await first).toBe(1)
    expect(String(await thrown(createTask(generator)))).toMatch('cannot reuse a generator')
  },
)

describe('a task whose function begins a wait and returns a future or a generator', () => {
  virtual('runs both, and ends with the returned future', async () => {
    const other = new Future<string>()
    const seen: unknown[] = []
    const task = createTask(() => {
      void (async () => {
        await Promise.resolve()
        seen.push(await other)
      })()
      return sleep(10, 'result')
    })
    await sleep(5)
    expect(task.waitingOn.size).toBe(2)
    other.setResult('other')
    expect(await task).toBe('result')
    expect(seen).toEqual(['other'])
  })

  virtual('cancels both when it is cancelled', async () => {
    const own = new Future<number>()
    const begun = new Future<string>()
    const seen: unknown[] = []
    const wait = async (): Promise<void> => {
      try {
        await begun
      } catch (error) {
        seen.push(isCancelled(error))
      }
    }
    const task = createTask(() => {
      void wait()
      return (function* (): CoroutineGenerator<number> {
        return yield* own
      })()
    })
    await sleep(1)
    expect(task.waitingOn).toEqual(new Set([begun, own]))
    task.cancel()
    await thrown(task)
    expect([task.cancelled(), own.cancelled(), begun.cancelled(), ...seen]).toEqual([
      true,
      true,
      true,
      true,
    ])
  })

  virtual('calls the callbacks that the function has added with then', async () => {
    const begun = new Future<string>()
    const own = new Future<number>()
    const chained: unknown[] = []
    const task = createTask(() => {
      void begun.then(
        (value) => chained.push(value),
        () => {},
      )
      return (function* (): CoroutineGenerator<number> {
        return yield* own
      })()
    })
    await sleep(1)
    expect(task.waitingOn).toEqual(new Set([own]))
    begun.setResult('begun')
    own.setResult(2)
    expect([await task, ...chained]).toEqual([2, 'begun'])
  })

  for (const kind of ['a generator', 'a future'] as const) {
    virtual(
      `calls its function only once if the other wait has ended already, and returns ${kind}`,
      async () => {
        let bodies = 0
        const future = new Future<number>()
        const ended: unknown[] = []
        const task = createTask((): CoroutineGenerator<string> | Future<string> => {
          bodies++
          void future.then(
            (value) => ended.push(value),
            () => {},
          )
          future.setResult(1)
          const body = function* (): CoroutineGenerator<string> {
            return yield* sleep(5, 'end')
          }
          return kind === 'a generator' ? body() : sleep(5, 'end')
        })
        expect([await task, bodies, ...ended]).toEqual(['end', 1, 1])
      },
    )
  }

  virtual('fails with a RuntimeError if the function returns the task itself', async () => {
    const task: Task = createTask(() => task)
    expect(String(await thrown(task))).toMatch('cannot await itself')
    expect(task.started).toBe(true)
  })
})
