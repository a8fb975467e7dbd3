// Tests `bodyWaitsFor`, which says whether the body of a task still waits for a future. V8 knows this, because it follows the
// promises that wait for each other.
import {
  type CoroutineGenerator,
  createTask,
  Future,
  gather,
  sleep,
  type Task,
} from '@tasktree/core'
import { bodyWaitsFor } from '@tasktree/core/lowlevel'
import { runVirtual } from '@tasktree/core/testing'
import { describe, expect, test } from 'vitest'

type Body = (
  future: Future<string>,
  native: Promise<void>,
) => PromiseLike<unknown> | CoroutineGenerator<unknown>

async function inner(future: Future<string>): Promise<string> {
  return (await future) + '!'
}

const waiting: Record<string, Body> = {
  'an await': async (future) => future,
  'two async functions': async (future) => [await inner(future)],
  'a chain of then': (future) => Promise.resolve(future).then((value) => value),
  'Promise.all': async (future) => Promise.all([future, sleep(5)]),
  'Promise.all with the same future twice': async (future) => Promise.all([future, future]),
  'Promise.allSettled': async (future) => Promise.allSettled([future, sleep(5)]),
  'an open Promise.race': async (future, native) => Promise.race([native, inner(future)]),
  'an open Promise.any': async (future) => Promise.any([Promise.reject(new Error('no')), future]),
  'a generator': function* (future) {
    return yield* future
  },
  'the future itself': (future) => future,
}

const leaving: Record<string, Body> = {
  'a lost Promise.race': async (future, native) => {
    await Promise.race([future, sleep(5)])
    await native
  },
  'a lost Promise.race of an async function': async (future, native) => {
    await Promise.race([inner(future), sleep(5)])
    await native
  },
  'a Promise.all that has failed': async (future, native) => {
    await Promise.all([future, Promise.reject(new Error('no'))]).catch(() => {})
    await native
  },
  'a call that no code awaits': async (future, native) => {
    void inner(future)
    await native
  },
}

async function begin(body: Body): Promise<[Future<string>, Task, () => void]> {
  const future = new Future<string>()
  const native = Promise.withResolvers<void>()
  const task = createTask(() => body(future, native.promise) as PromiseLike<unknown>)
  await sleep(10)
  expect(task.waitingOn.has(future)).toBe(true)
  return [future, task, native.resolve]
}

describe.for(Object.entries(waiting))(
  'bodyWaitsFor is true for a body that waits by %s',
  ([, body]) => {
    test('and the body gets the result after several calls of bodyWaitsFor', () =>
      runVirtual(async () => {
        const [future, task] = await begin(body)
        expect(await bodyWaitsFor(task, future)).toBe(true)
        expect(await bodyWaitsFor(task, future)).toBe(true)
        expect(await bodyWaitsFor(task, future)).toBe(true)
        future.setResult('value')
        expect(JSON.stringify(await task)).toContain('value')
      }))

    test('and the body gets the failure of the future', () =>
      runVirtual(async () => {
        const [future, task] = await begin(body)
        expect(await bodyWaitsFor(task, future)).toBe(true)
        future.setException(new Error('broken'))
        const [outcome] = await gather([task], { returnExceptions: true })
        const text = outcome instanceof AggregateError ? outcome.errors.at(-1) : outcome
        expect(text instanceof Error ? String(text) : JSON.stringify(text)).toMatch(
          /broken|rejected/,
        )
      }))

    test('and a cancel of the task cancels the future, also in the turn of the call', () =>
      runVirtual(async () => {
        for (const atOnce of [true, false]) {
          const [future, task] = await begin(body)
          const answer = bodyWaitsFor(task, future)
          if (!atOnce) await answer
          task.cancel('stop')
          await gather([task], { returnExceptions: true })
          expect(future.cancelled()).toBe(true)
        }
      }))
  },
)

test.for(Object.entries(leaving))(
  'bodyWaitsFor is false for a future that the body no longer awaits, after %s',
  ([, body]) =>
    runVirtual(async () => {
      const [future, task, endNative] = await begin(body)
      expect(await bodyWaitsFor(task, future)).toBe(false)
      future.setResult('late')
      await sleep(10)
      expect(task.done()).toBe(false)
      endNative()
      await task
    }),
)

describe('bodyWaitsFor is false for a future beside the only wait of the body', () => {
  const bodies: Record<string, Body> = {
    'a generator after a lost Promise.race': function* (future) {
      yield Promise.race([future, sleep(5)]) as never
      yield* sleep(1_000)
    },
    'a generator that has called an async function': function* (future) {
      void inner(future)
      yield* sleep(1_000)
    },
    'a function that has returned another future': (future) => {
      void inner(future)
      return sleep(1_000)
    },
  }
  test.each(Object.entries(bodies))('%s', (_, body) =>
    runVirtual(async () => {
      const [future, task] = await begin(body)
      expect(await bodyWaitsFor(task, future)).toBe(false)
      future.setResult('late')
      await task
    }),
  )
})

test.each<[string, (future: Future<string>) => Promise<unknown>]>([
  ['catch', (future) => future.catch(() => {})],
  ['then with a callback', (future) => future.then((text) => text)],
  ['finally', (future) => future.finally(() => {})],
])('bodyWaitsFor is true for a future if the body awaits its %s', (_, chain) =>
  runVirtual(async () => {
    const future = new Future<string>()
    const task = createTask(async () => chain(future))
    await sleep(1)
    expect(await bodyWaitsFor(task, future)).toBe(true)
    const [awaited] = task.waitingOn
    expect(await bodyWaitsFor(task, awaited!)).toBe(true)
    future.setResult('done')
    await task
  }),
)

test('bodyWaitsFor is false when the body has ended, although a call of the body still waits', () =>
  runVirtual(async () => {
    const future = new Future<string>()
    const task = createTask(async () => {
      void inner(future)
    })
    await task
    expect([task.waitingOn.has(future), await bodyWaitsFor(task, future)]).toEqual([true, false])
    future.setResult('value')
  }))

test('bodyWaitsFor is false for a future that ends in the turn of the call, and the body gets the result', () =>
  runVirtual(async () => {
    const [future, task] = await begin(async (each) => each)
    const answer = bodyWaitsFor(task, future)
    future.setResult('value')
    expect([await task, await answer]).toEqual(['value', false])
  }))

test('bodyWaitsFor neither calls nor changes the Error.prepareStackTrace of the program', () =>
  runVirtual(async () => {
    const [future, task] = await begin(async (each) => each)
    // oxlint-disable-next-line typescript/unbound-method -- the test restores this value at its end
    const { prepareStackTrace, stackTraceLimit } = Error
    let calls = 0
    Error.prepareStackTrace = () => {
      calls++
      return ''
    }
    Error.stackTraceLimit = 0
    try {
      expect(await bodyWaitsFor(task, future)).toBe(true)
      expect([calls, Error.stackTraceLimit]).toEqual([0, 0])
    } finally {
      Error.prepareStackTrace = prepareStackTrace
      Error.stackTraceLimit = stackTraceLimit
    }
    future.setResult('value')
    await task
  }))
