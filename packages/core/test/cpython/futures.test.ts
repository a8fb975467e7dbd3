import {
  CancelledError,
  ContextVar,
  createTask,
  ensureFuture,
  Future,
  getEventLoop,
  getRunningLoop,
  InvalidStateError,
  isFuture,
  newEventLoop,
  run,
  RuntimeError,
  sleep,
} from '@tasktree/core'
import { describe, expect, test } from 'vitest'
import { thrown, virtual } from '../support/virtual.ts'

// Behaviours of Lib/test/test_asyncio/test_futures.py and test_futures2.py (CPython 3.13); the name of
// each case there stands above its test.

// test_ensure_future
test('ensureFuture returns the same future when it gets a future', () => {
  const future = new Future()
  expect(ensureFuture(future)).toBe(future)
})

// test_isfuture
test('isFuture is true for futures and tasks, and false for promises and other values', () => {
  expect(isFuture(new Future())).toBe(true)
  expect(isFuture(createTask(async () => {}))).toBe(true)
  for (const other of [Future, 1, null, undefined, Promise.resolve(), { done: true }]) {
    expect(isFuture(other)).toBe(false)
  }
})

// test_initial_state
test('a new future is pending', () => {
  const future = new Future()
  expect([future.done(), future.cancelled()]).toEqual([false, false])
})

// test_constructor_use_running_loop, test_constructor_use_global_loop
test('a future belongs to its loop option, else to the running loop, else to the default loop', async () => {
  await run(async () => {
    expect(new Future().getLoop()).toBe(getRunningLoop())
  })
  expect(new Future().getLoop()).toBe(getEventLoop())
  const loop = newEventLoop()
  expect(new Future({ loop }).getLoop()).toBe(loop)
  expect(loop.createFuture().getLoop()).toBe(loop)
  loop.close()
})

// test_constructor_positional
test('new Future refuses an argument that is not an options object', () => {
  expect(() => new Future(42 as never)).toThrow(TypeError)
})

// test_cancel
test('a cancelled future is done, and can be neither set nor cancelled again', () => {
  const future = new Future<number>()
  expect(future.cancel()).toBe(true)
  expect([future.done(), future.cancelled()]).toEqual([true, true])
  expect(() => future.result()).toThrow(CancelledError)
  expect(() => future.exception()).toThrow(CancelledError)
  expect(() => future.setResult(1)).toThrow(InvalidStateError)
  expect(() => future.setException(new Error('x'))).toThrow(InvalidStateError)
  expect(future.cancel()).toBe(false)
})

// test_future_cancel_message_getter
test('the message of a cancel reaches the code that awaits the future', async () => {
  const future = new Future()
  future.cancel('my message')
  await expect(Promise.resolve(future)).rejects.toMatchObject({
    name: 'CancelledError',
    message: 'my message',
  })
  expect(() => future.result()).toThrow('my message')
})

// test_result
test('a future with a result is done, and cannot be set or cancelled again', () => {
  const future = new Future<number>()
  expect(() => future.result()).toThrow(InvalidStateError)
  future.setResult(42)
  expect([future.done(), future.cancelled()]).toEqual([true, false])
  expect(future.result()).toBe(42)
  expect(future.exception()).toBeNull()
  expect(() => future.setResult(1)).toThrow(InvalidStateError)
  expect(() => future.setException(new Error('x'))).toThrow(InvalidStateError)
  expect(future.cancel()).toBe(false)
})

// test_exception
test('a failed future throws its exception, and cannot be set or cancelled again', () => {
  const future = new Future<number>()
  const error = new Error('boom')
  expect(() => future.exception()).toThrow(InvalidStateError)
  future.setException(error)
  expect([future.done(), future.cancelled()]).toEqual([true, false])
  expect(() => future.result()).toThrow(error)
  expect(future.exception()).toBe(error)
  expect(() => future.setResult(1)).toThrow(InvalidStateError)
  expect(future.cancel()).toBe(false)
})

test('setException wraps undefined and null in a RuntimeError', () => {
  for (const nothing of [undefined, null]) {
    const future = new Future()
    future.setException(nothing)
    expect(future.exception()).toBeInstanceOf(RuntimeError)
  }
})

// test_yield_from_twice, test_iter
test('yield* of a future yields the future once while it is pending, and not at all when it is done', () => {
  const future = new Future<number>()
  function* fixture(): Generator<unknown, void, unknown> {
    yield 'A'
    const x = yield* future
    yield ['B', x]
    const y = yield* future
    yield ['C', y]
  }
  const generator = fixture()
  expect(generator.next().value).toBe('A')
  expect(generator.next().value).toBe(future)
  future.setResult(42)
  expect(generator.next().value).toEqual(['B', 42])
  expect(generator.next().value).toEqual(['C', 42])
})

// test_future_iter_throw
test('an exception thrown into the iterator of a future is thrown on', () => {
  const iteration = new Future()[Symbol.iterator]()
  iteration.next()
  expect(() => iteration.throw(new Error('thrown in'))).toThrow('thrown in')
})

describe('an exception that no code has retrieved', () => {
  const reportsOf = async (body: () => void | Promise<void>): Promise<string[]> => {
    const reports: string[] = []
    await run(async () => {
      getRunningLoop().setExceptionHandler((_, context) => reports.push(context.message))
      await body()
    })
    return reports
  }

  // test_tb_logger_abandoned, test_tb_logger_result_unretrieved, _retrieved
  test('is not reported for a future that is pending or has a result', async () => {
    expect(
      await reportsOf(() => {
        void new Future()
        new Future<number>().setResult(1)
      }),
    ).toEqual([])
  })

  // test_tb_logger_not_called_after_cancel
  test('is not reported after a later call of cancel()', async () => {
    expect(
      await reportsOf(() => {
        const future = new Future()
        future.setException(new Error('x'))
        future.cancel()
      }),
    ).toEqual([])
  })

  // test_tb_logger_exception_unretrieved, test_future_exception_never_retrieved
  test('is reported when the run ends', async () => {
    expect(await reportsOf(() => new Future().setException(new Error('x')))).toEqual([
      'Future exception was never retrieved',
    ])
  })

  // test_tb_logger_exception_retrieved, test_tb_logger_exception_result_retrieved
  test('is not reported after exception(), result() or an await has retrieved it', async () => {
    expect(
      await reportsOf(async () => {
        for (const look of [
          (future: Future<unknown>) => void future.exception(),
          (future: Future<unknown>) => expect(() => future.result()).toThrow('x'),
          (future: Future<unknown>) => thrown(future),
          (future: Future<unknown>) => future.catch(() => {}),
        ]) {
          const future = new Future()
          future.setException(new Error('x'))
          await Promise.resolve(look(future))
        }
      }),
    ).toEqual([])
  })
})

describe('done callbacks', () => {
  const bagOf = (future: Future<unknown>): { bag: number[]; add: (n: number) => () => void } => {
    const bag: number[] = []
    return {
      bag,
      add(n) {
        const callback = (): void => void bag.push(n)
        future.addDoneCallback(callback)
        return callback
      },
    }
  }

  // test_callbacks_invoked_on_set_result, test_callbacks_invoked_on_set_exception
  virtual(
    'run in the order in which they were added, in the turn after the end of the future',
    async () => {
      for (const end of ['result', 'exception', 'cancel']) {
        const future = new Future<string>()
        const { bag, add } = bagOf(future)
        add(42)
        add(17)
        if (end === 'result') future.setResult('foo')
        else if (end === 'exception') future.setException(new Error('x'))
        else future.cancel()
        expect(bag).toEqual([])
        await sleep(0)
        expect(bag).toEqual([42, 17])
        if (end === 'exception') future.exception()
      }
    },
  )

  // test_callbacks_remove_first_callback, _first_and_second_, _third_
  virtual('do not run after their removal, which may be repeated', async () => {
    for (const [removed, left] of [
      [
        [0, 0],
        [17, 100],
      ],
      [[0, 1, 0], [100]],
      [
        [2, 2],
        [42, 17],
      ],
    ] as const) {
      const future = new Future<void>()
      const { bag, add } = bagOf(future)
      const callbacks = [add(42), add(17), add(100)]
      for (const index of removed) future.removeDoneCallback(callbacks[index] as () => void)
      future.setResult()
      await sleep(0)
      expect(bag).toEqual(left)
    }
  })

  // test_remove_done_callback
  virtual(
    'with the same function are all removed by one call, which returns their number',
    async () => {
      const future = new Future<void>()
      const { bag, add } = bagOf(future)
      const first = add(1)
      const second = add(2)
      expect(future.removeDoneCallback(second)).toBe(1)
      expect(future.removeDoneCallback(() => {})).toBe(0)
      future.addDoneCallback(second)
      for (let i = 0; i < 5; i++) future.addDoneCallback(first)
      expect(future.removeDoneCallback(first)).toBe(6)
      future.setResult()
      await sleep(0)
      expect(bag).toEqual([2])
    },
  )

  // test_schedule_callbacks_list_mutation_1
  virtual('that remove other callbacks while they run do not keep them from running', async () => {
    const future = new Future<void>()
    const bag: string[] = []
    const other = (): void => void bag.push('other')
    future.addDoneCallback((self) => {
      bag.push('first', `${self.removeDoneCallback(other)} removed`)
    })
    future.addDoneCallback(other)
    future.addDoneCallback(other)
    future.setResult()
    await sleep(0)
    expect(bag).toEqual(['first', '0 removed', 'other', 'other'])
  })

  virtual('that are added to a done future run in the next turn', async () => {
    const future = new Future<void>()
    future.setResult()
    const { bag, add } = bagOf(future)
    add(1)
    expect(bag).toEqual([])
    await sleep(0)
    expect(bag).toEqual([1])
  })

  test('that throw are reported to the exception handler, and the others run', () =>
    run(async () => {
      const reports: unknown[] = []
      getRunningLoop().setExceptionHandler((_, context) => reports.push(context.exception))
      const future = new Future<void>()
      const { bag, add } = bagOf(future)
      future.addDoneCallback(() => {
        throw new Error('in callback')
      })
      add(1)
      future.setResult()
      await sleep(0)
      expect(reports).toEqual([new Error('in callback')])
      expect(bag).toEqual([1])
    }))

  test('must be functions', () => {
    expect(() => new Future().addDoneCallback(1 as never)).toThrow(TypeError)
  })
})

describe('chaining works as with promises', () => {
  test('then gives a promise of the value that its callback returns', async () => {
    const future = new Future<number>()
    const chained = future.then((n) => n + 1).then((n) => n * 2)
    future.setResult(1)
    expect(await chained).toBe(4)
    expect(await future.then((n) => n + 1)).toBe(2)
  })

  test('then calls two nameless functions in a later turn, and chains their results', async () => {
    for (const early of [true, false]) {
      const log: string[] = []
      const future = new Future<number>()
      if (early) future.setResult(1)
      const chained = future
        .then(
          (n) => `value ${(log.push('called'), n)}`,
          () => 'never',
        )
        .then((text) => `${text}!`)
      log.push('after then')
      if (!early) future.setResult(1)
      expect(await chained).toBe('value 1!')
      expect(log).toEqual(['after then', 'called'])
    }
  })

  test('an error that a callback throws rejects the chain', async () => {
    const future = new Future<number>()
    const thrower = (): never => {
      throw new Error('in then')
    }
    const one = future.then(thrower)
    const two = future.then(
      () => thrower(),
      () => 1,
    )
    const caught = future
      .then(
        () => thrower(),
        () => 1,
      )
      .catch((error: unknown) => String(error))
    future.setResult(1)
    await expect(one).rejects.toThrow('in then')
    await expect(two).rejects.toThrow('in then')
    expect(await caught).toBe('Error: in then')
  })

  test('catch gets the error of the future, and finally runs after it', async () => {
    const future = new Future<number>()
    const log: string[] = []
    const done = future
      .catch((error: unknown) => log.push(String(error)))
      .finally(() => log.push('finally'))
    future.setException(new Error('x'))
    await done
    expect(log).toEqual(['Error: x', 'finally'])
  })

  virtual(
    'a chain that is not awaited is not a wait: a cancel of the task does not touch the future',
    async () => {
      const future = new Future<void>()
      const task = createTask(async () => {
        void future.then(() => {})
        void future.catch(() => {})
        await sleep(1_000)
      })
      await sleep(0)
      expect(task.waitingOn.has(future)).toBe(false)
      task.cancel()
      await thrown(task)
      expect(future.done()).toBe(false)
    },
  )
})

// test_task_exc_handler_correct_context, test_handle_exc_handler_correct_context
test('the exception handler runs in the context of the callback that has failed', () =>
  run(async () => {
    const name = new ContextVar('name', { default: 'foo' })
    const seen: string[] = []
    const loop = getRunningLoop()
    loop.setExceptionHandler(() => seen.push(name.get()))
    loop.callSoon(() => {
      name.set('bar')
      throw new Error('x')
    })
    await sleep(0)
    expect(seen).toEqual(['bar'])
  }))
