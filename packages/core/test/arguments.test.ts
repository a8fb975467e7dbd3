import {
  asCompleted,
  cancelTasks,
  Context,
  ContextVar,
  createTask,
  ExceptionGroup,
  Future,
  gather,
  getEventLoop,
  moveOnAfter,
  newEventLoop,
  run,
  Runner,
  sleep,
  Sleeper,
  staggeredRace,
  type Task,
  taskGroup,
  TaskManager,
  timeout,
  timeoutAt,
  wait,
  waitFor,
} from '@tasktree/core'
import { explore, runVirtual, VirtualClock } from '@tasktree/core/testing'
import { describe, expect, test } from 'vitest'
import { virtual } from './support/virtual.ts'

/** Lets a test pass a value that the types forbid. */
const wrong = (value: unknown): never => value as never

const noop = async (): Promise<void> => {}

describe('a call with a wrong argument throws an error that says what it expects and what it got', () => {
  test.each<[call: () => unknown, message: string]>([
    [() => timeout(5, wrong(null)), 'timeout takes a function as its body, got null'],
    [() => timeoutAt(5, wrong('x')), 'timeoutAt takes a function as its body, got string x'],
    [() => moveOnAfter(5, wrong(5)), 'moveOnAfter takes a function as its body, got number 5'],
    [
      () => taskGroup(wrong(Promise.resolve())),
      'taskGroup takes a function as its body, got an object of class Promise',
    ],
    [() => explore(wrong(null)), 'explore takes a function as its body, got null'],
  ])('a body that is not a function: %s', (call, message) => {
    expect(call).toThrow(new TypeError(message))
  })

  test.each<[call: () => unknown, message: string]>([
    [() => run(wrong(5)), 'run takes a function or a Coroutine, got number 5'],
    [
      () => new Runner().run(wrong(undefined)),
      'Runner.run takes a function or a Coroutine, got undefined',
    ],
    [
      () => runVirtual(wrong(Promise.resolve())),
      'runVirtual takes a function or a Coroutine, got an object of class Promise',
    ],
  ])('a main that is not a function: %s', (call, message) => {
    expect(call).toThrow(new TypeError(message))
  })

  test.each<[call: () => unknown, came: string]>([
    [() => timeout(NaN, noop), 'number NaN'],
    [() => timeout(wrong(undefined), noop), 'undefined'],
    [() => moveOnAfter(wrong('5'), noop), 'string 5'],
    [() => waitFor(noop, NaN), 'number NaN'],
    [() => waitFor(noop, wrong({})), 'an object of class Object'],
    [() => wait([new Future()], { timeout: NaN }), 'number NaN'],
    [() => asCompleted([noop], { timeout: wrong('1') }), 'string 1'],
    [() => staggeredRace([noop], NaN), 'number NaN'],
    [() => new Sleeper().sleep('key', wrong('1')), 'string 1'],
    [() => new Sleeper().sleep('key', NaN), 'number NaN'],
  ])('a delay that is not a number: %s', (call, came) => {
    expect(call).toThrow(new TypeError(`a delay must be a number of milliseconds, got ${came}`))
  })

  test.each([NaN, wrong('soon'), wrong(undefined)])(
    'a deadline that is neither a number nor null: %s',
    (when) => {
      expect(() => timeoutAt(when, noop)).toThrow(TypeError)
      expect(() => timeoutAt(when, noop)).toThrow(
        'a deadline must be a number of milliseconds or null, got ',
      )
    },
  )

  test.each<[call: () => unknown, message: string]>([
    [() => wait(wrong(null)), 'wait takes an iterable of futures, got null'],
    [() => cancelTasks(wrong(5)), 'cancelTasks takes an iterable of tasks, got number 5'],
    [
      () => cancelTasks(wrong(new Future())),
      'cancelTasks takes an iterable of tasks, got an object of class Future',
    ],
    [() => cancelTasks([wrong('x')]), 'cancelTasks takes tasks, got string x'],
    [
      () => staggeredRace(wrong('x'), null),
      'staggeredRace takes an iterable of functions, got string x',
    ],
    [
      () => staggeredRace([wrong(null)], null),
      'staggeredRace takes functions, got null among them',
    ],
    [() => asCompleted(wrong(5)), 'asCompleted takes an iterable of awaitables, got number 5'],
    [
      () => waitFor(wrong(5), 10),
      'expected a future, coroutine, promise or function, got number 5',
    ],
    [() => waitFor(wrong(null), 0), 'expected a future, coroutine, promise or function, got null'],
  ])('a list that is not iterable, or that has a wrong item: %s', (call, message) => {
    expect(call).toThrow(new TypeError(message))
  })

  test('ExceptionGroup with errors that are not a list', () => {
    expect(() => new ExceptionGroup('m', wrong('errors'))).toThrow('got string errors')
    expect(() => new ExceptionGroup('m', wrong(undefined))).toThrow('got undefined')
  })

  test('Context.run without a function, and ContextVar.reset without a token', () => {
    expect(() => new Context().run(wrong(5))).toThrow('Context.run takes a function, got number 5')
    expect(() => new ContextVar('v').reset(wrong(null))).toThrow('set() returned, got null')
  })

  test.each<[call: () => unknown, came: string]>([
    [() => new Runner(wrong(null)), 'null'],
    [() => run(noop, wrong('debug')), 'string debug'],
    [() => new Runner().run(noop, wrong(5)), 'number 5'],
    [() => wait([new Future()], wrong(5)), 'number 5'],
    [() => asCompleted([noop], wrong(5)), 'number 5'],
    [() => new TaskManager(wrong(5)), 'number 5'],
    [() => gather([noop], wrong(true)), 'boolean true'],
    [() => newEventLoop(wrong(5)), 'number 5'],
    [() => new ContextVar('v', wrong(5)), 'number 5'],
    [() => getEventLoop().callSoon(() => {}, wrong(5)), 'number 5'],
    [() => new Future().addDoneCallback(() => {}, wrong('x')), 'string x'],
    [() => gather([noop], wrong(null)), 'null'],
    [() => runVirtual(noop, wrong(null)), 'null'],
    [() => explore(noop, wrong(5)), 'number 5'],
  ])('options that are not an object: %s', (call, came) => {
    expect(call).toThrow(new TypeError(`the options must be an object, got ${came}`))
  })

  test.each([Symbol('why'), Object.create(null) as object, 5, null, new Error('why')])(
    'a cancel message that is neither a string nor a CancelledError: %o',
    (message) => {
      const expected = 'the message of a cancel must be a string or a CancelledError'
      const future = new Future()
      expect(() => future.cancel(wrong(message))).toThrow(expected)
      expect(future.cancelled()).toBe(false)
      const sleeping = sleep(1e9)
      expect(() => sleeping.cancel(wrong(message))).toThrow(expected)
      expect(sleeping.cancel()).toBe(true)
      const gathering = gather([future])
      expect(() => gathering.cancel(wrong(message))).toThrow(expected)
      expect(gathering.cancel('why')).toBe(true)
      gathering.catch(() => {})
    },
  )

  test('a context option that is not a Context', () => {
    const context = wrong({})
    const refusal = new TypeError(
      'the option context must be a Context, got an object of class Object',
    )
    const loop = getEventLoop()
    expect(() => loop.callSoon(() => {}, { context })).toThrow(refusal)
    expect(() => loop.callLater(1, () => {}, { context })).toThrow(refusal)
    expect(() => loop.callAt(1, () => {}, { context })).toThrow(refusal)
    expect(() => new Future().addDoneCallback(() => {}, { context })).toThrow(refusal)
  })

  test.each([undefined, null, 5, {}, { message: 5 }])(
    'callExceptionHandler with a context that has no message: %o',
    (context) => {
      expect(() => getEventLoop().callExceptionHandler(wrong(context))).toThrow(
        'callExceptionHandler takes { message, … } with a string, got ',
      )
    },
  )

  test('a returnExceptions option that is not a boolean', () => {
    expect(() => gather([noop], { returnExceptions: wrong('yes') })).toThrow(
      new TypeError('the option returnExceptions must be true or false, got string yes'),
    )
  })

  test('a signal that is not an AbortSignal, and a loop that is not an EventLoop', () => {
    const signal = wrong('abort')
    const refusal = new TypeError('the option signal must be an AbortSignal, got string abort')
    expect(() => run(noop, { signal })).toThrow(refusal)
    expect(() => new Runner().run(noop, { signal })).toThrow(refusal)
    expect(() => new Runner({ loop: wrong({}) })).toThrow('must be an EventLoop, got an object')
    expect(() => run(noop, { loop: wrong({}) })).toThrow('must be an EventLoop, got an object')
  })

  test('a start of virtual time that is not a number, and a seed that is not an integer', () => {
    const start = 'start must be a number of milliseconds, got '
    expect(() => new VirtualClock({ start: NaN })).toThrow(new TypeError(`${start}number NaN`))
    expect(() => runVirtual(noop, { start: wrong('1') })).toThrow(new TypeError(`${start}string 1`))
    const seed = new TypeError('a seed must be an integer, got number NaN')
    expect(() => runVirtual(noop, { seed: NaN })).toThrow(seed)
    expect(() => explore(noop, { seed: NaN, seeds: 1 })).toThrow(seed)
    expect(() => explore(noop, { seeds: wrong(Symbol('s')) })).toThrow(
      new RangeError('seeds must be a positive integer, got Symbol(s)'),
    )
  })
})

describe('the check of the arguments', () => {
  virtual('starts no task and changes no loop when it refuses a call', async () => {
    const ran: string[] = []
    const body = async (): Promise<void> => void ran.push('body')
    const main = getEventLoop()
    const loop = newEventLoop()
    const before = main.tasks.list().length
    const refused = [
      () => asCompleted([body, wrong(5)]),
      () => asCompleted([body], { timeout: NaN }),
      () => staggeredRace([body, wrong(5)], 0),
      () => staggeredRace([body], NaN),
      () => timeout(NaN, body),
      () => waitFor(body, NaN),
      () => run(body, { loop, signal: wrong(5) }),
      () => run(wrong(5), { loop, debug: true }),
      () => explore(body, { seed: NaN }),
    ]
    for (const call of refused) expect(call).toThrow(TypeError)
    expect([main.tasks.list().length, loop.tasks.list().length]).toEqual([before, 0])
    expect(loop.getDebug()).toBe(false)
    await Promise.resolve()
    expect(ran).toEqual([])
  })

  virtual('cancels no task when it refuses a call', async () => {
    const task = createTask(noop)
    expect(() => cancelTasks([task, wrong(5)])).toThrow(TypeError)
    expect(task.cancelling()).toBe(0)
    await task
  })

  virtual('iterates a list only once, so that a generator can be passed', async () => {
    const once = function* <T>(...items: T[]): Generator<T> {
      yield* items
    }
    const task = (): Task<void> => createTask(noop)
    expect((await wait(once(task(), task()))).done.size).toBe(2)
    await cancelTasks(once<Task>(task(), task()))
    expect(
      (
        await staggeredRace(
          once(async () => 1),
          null,
        )
      ).value,
    ).toBe(1)
    expect([...asCompleted(once(noop, noop))].length).toBe(2)
  })
})

test('run on a closed runner or in a running loop returns a rejected promise instead of throwing', async () => {
  const runner = new Runner()
  await runner.close()
  await expect(runner.run(noop)).rejects.toThrow('the runner is closed')
  await runVirtual(async () => {
    await expect(run(noop)).rejects.toThrow('cannot be called from a running event loop')
  })
})
