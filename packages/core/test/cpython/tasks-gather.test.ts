import {
  CancelledError,
  coroutine,
  createTask,
  Future,
  gather,
  getRunningLoop,
  isCancelled,
  newEventLoop,
  RuntimeError,
  shield,
  sleep,
  wait,
} from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { expect, test, vi } from 'vitest'
import { thrown, virtual } from '../support/virtual.ts'

// Behaviours of the gather cases of Lib/test/test_asyncio/test_tasks.py (CPython 3.13); the name of
// each case there stands above its test.

function futures(count: number): Future<number>[] {
  return Array.from({ length: count }, () => new Future<number>())
}

// test_success, test_result_exception_success
virtual(
  'gather ends when its last item has ended, with the results in the order of the list',
  async () => {
    for (const options of [undefined, { returnExceptions: false }, { returnExceptions: true }]) {
      for (const wrap of [
        (f: Future<number>) => f,
        (f: Future<number>) => createTask(async () => f),
      ]) {
        const [a, b, c] = futures(3) as [Future<number>, Future<number>, Future<number>]
        const gathering = gather(
          [wrap(a), wrap(b), wrap(c)],
          options as { returnExceptions?: boolean },
        )
        const ended = vi.fn()
        gathering.addDoneCallback(ended)
        b.setResult(1)
        a.setResult(2)
        await sleep(1)
        expect(ended).not.toHaveBeenCalled()
        expect(gathering.done()).toBe(false)
        c.setResult(3)
        await sleep(1)
        expect(ended).toHaveBeenCalledOnce()
        expect(ended.mock.calls[0]?.[0] === gathering).toBe(true)
        expect(gathering.result()).toEqual([2, 1, 3])
      }
    }
  },
)

// test_one_exception
virtual(
  'gather fails with the first failure, and later outcomes of other items change nothing',
  async () => {
    const [a, b, c, d, e] = futures(5)
    const gathering = gather([a!, b!, c!, d!, e!])
    const ended = vi.fn()
    gathering.addDoneCallback(ended)
    const failure = new Error('b failed')
    a!.setResult(1)
    b!.setException(failure)
    await sleep(1)
    expect(ended).toHaveBeenCalledOnce()
    expect(ended.mock.calls[0]?.[0] === gathering).toBe(true)
    expect(gathering.exception()).toBe(failure)
    c!.setResult(3)
    d!.cancel()
    e!.setException(new Error('late'))
    await sleep(1)
    expect(gathering.exception()).toBe(failure)
    expect(ended).toHaveBeenCalledOnce()
  },
)

// test_return_exceptions
virtual(
  'gather with returnExceptions gives failures in their places among the results',
  async () => {
    const [a, b, c, d] = futures(4)
    const gathering = gather([a!, b!, c!, d!], { returnExceptions: true })
    const first = new Error('first')
    const second = new Error('second')
    b!.setResult(1)
    c!.setException(first)
    a!.setResult(3)
    await sleep(1)
    expect(gathering.done()).toBe(false)
    d!.setException(second)
    expect(await gathering).toEqual([3, 1, first, second])
  },
)

// test_constructor_empty_sequence_use_running_loop
virtual('gather of an empty list gives an empty list, on the running loop', async () => {
  const gathering = gather([])
  expect(gathering).toBeInstanceOf(Future)
  expect(gathering.getLoop()).toBe(getRunningLoop())
  expect(await gathering).toEqual([])
})

// test_constructor_heterogenous_futures, test_constructor_homogenous_futures (differ: see
// docs/coming-from/differences-from-asyncio.md)
virtual('gather in a running loop accepts futures of other loops', async () => {
  const one = newEventLoop().createFuture<number>()
  const other = newEventLoop().createFuture<number>()
  const gathering = gather([one, other])
  expect(gathering.getLoop()).toBe(getRunningLoop())
  one.cancel()
  other.cancel()
  expect(await thrown(gathering)).toBeInstanceOf(CancelledError)
})

// test_one_cancellation
virtual(
  'a cancelled item makes a gather fail with CancelledError, but the gather is not cancelled',
  async () => {
    const [a, b, c, d, e] = futures(5)
    const gathering = gather([a!, b!, c!, d!, e!])
    a!.setResult(1)
    b!.cancel()
    await sleep(1)
    expect(gathering.done()).toBe(true)
    expect(gathering.cancelled()).toBe(false)
    expect(gathering.exception()).toBeInstanceOf(CancelledError)
    c!.setResult(3)
    d!.cancel()
    e!.setException(new Error('late'))
    await sleep(1)
  },
)

// test_result_exception_one_cancellation
virtual('gather with returnExceptions gives a CancelledError for a cancelled item', async () => {
  const [a, b, c, d, e, f] = futures(6)
  const gathering = gather([a!, b!, c!, d!, e!, f!], { returnExceptions: true })
  const first = new Error('first')
  const last = new Error('last')
  a!.setResult(1)
  b!.setException(first)
  c!.cancel()
  await sleep(1)
  expect(gathering.done()).toBe(false)
  d!.setResult(3)
  e!.cancel()
  f!.setException(last)
  const results = await gathering
  expect(results[2]).toBeInstanceOf(CancelledError)
  expect(results[4]).toBeInstanceOf(CancelledError)
  expect(results.filter((result) => !isCancelled(result))).toEqual([1, first, 3, last])
})

// test_constructor_empty_sequence_use_global_loop
test('in plain code gather of an empty list gives an empty list', async () => {
  expect(await gather([])).toEqual([])
})

// CoroutineGatherTests.test_constructor_use_running_loop
virtual('gather runs functions as tasks of the running loop', async () => {
  const gathering = gather([async () => 'abc', async () => 'def'])
  expect(gathering.getLoop()).toBe(getRunningLoop())
  expect(await gathering).toEqual(['abc', 'def'])
})

// CoroutineGatherTests.test_constructor_use_global_loop
test('in plain code gather runs functions on the default loop', async () => {
  expect(await gather([async () => 'abc', async () => 'def'])).toEqual(['abc', 'def'])
})

// test_duplicate_coroutines
virtual(
  'a coroutine that stands twice in the list of gather runs once and gives its result twice',
  async () => {
    let runs = 0
    const echo = coroutine(async (s: string) => {
      runs++
      return s
    })
    const c = echo('abc')
    expect(await gather([c, c, echo('def'), c])).toEqual(['abc', 'abc', 'def', 'abc'])
    expect(runs).toBe(2)
  },
)

// test_cancellation_broadcast
virtual('a cancel of the task that awaits a gather cancels every task of the gather', async () => {
  let proof = 0
  const waiter = new Future<void>()
  const inner = async (): Promise<void> => {
    await waiter
    proof += 1
  }
  const children = [createTask(inner), createTask(inner)]
  let gathering: Future<unknown> | undefined
  const outer = createTask(async () => {
    gathering = gather(children)
    await gathering
    proof += 100
  })
  await sleep(1)
  expect(outer.cancel()).toBe(true)
  expect(await thrown(outer)).toBeInstanceOf(CancelledError)
  expect(gathering?.cancel()).toBe(false)
  expect(waiter.cancelled()).toBe(true)
  expect(children.map((child) => child.cancelled())).toEqual([true, true])
  expect(proof).toBe(0)
})

// test_exception_marking
test('a second failure in a gather is not reported as never retrieved', async () => {
  const reported = vi.fn()
  await runVirtual(async () => {
    getRunningLoop().setExceptionHandler(reported)
    const [a, b] = futures(2)
    const inner = async (future: Future<number>): Promise<void> => {
      await future
      throw new RuntimeError('should not be ignored')
    }
    const outer = createTask(async () => gather([() => inner(a!), () => inner(b!)]))
    await sleep(1)
    a!.setResult(0)
    await sleep(1)
    b!.setResult(0)
    await sleep(1)
    expect(outer.exception()).toBeInstanceOf(RuntimeError)
  })
  // The loop would have reported an unretrieved failure at the end of the run.
  expect(reported).not.toHaveBeenCalled()
})

// test_issue46672
test('gather throws for an item that cannot be awaited, and leaves nothing to report for the items before', async () => {
  const reported = vi.fn()
  await runVirtual(async () => {
    getRunningLoop().setExceptionHandler(reported)
    expect(() => gather([async () => 'abc', {} as never])).toThrow(TypeError)
    await sleep(1)
  })
  expect(reported).not.toHaveBeenCalled()
})

// test_cancel_gather_1
virtual('cancel() of a gather whose items have all ended returns false', async () => {
  const future = new Future<number>()
  const gathering = gather([async () => future])
  await sleep(1)
  const answers: boolean[] = []
  // In this turn the child has ended, and the gather does not know it yet.
  future.addDoneCallback(() => answers.push(gathering.cancel()))
  future.setResult(42)
  await sleep(1)
  expect(answers).toEqual([false])
  expect(gathering.result()).toEqual([42])
})

// test_cancel_gather_2
virtual(
  'a cancel of a task that awaits a gather with returnExceptions is thrown with its message',
  async () => {
    for (const message of [undefined, 'my message']) {
      const task = createTask(async () => {
        for (;;) await gather([sleep(50)], { returnExceptions: true })
      })
      await sleep(200)
      task.cancel(message)
      const error = await thrown(task)
      expect(error).toBeInstanceOf(CancelledError)
      expect((error as CancelledError).message).toBe(message ?? '')
    }
  },
)

// test_shield_gather
virtual('a gather inside a shield goes on when the shield is cancelled', async () => {
  const [a, b] = futures(2)
  const parent = gather([a!, b!])
  const outer = shield(parent)
  await sleep(1)
  outer.cancel()
  await sleep(1)
  expect(outer.cancelled()).toBe(true)
  a!.setResult(1)
  b!.setResult(2)
  await sleep(1)
  expect(parent.result()).toEqual([1, 2])
})

// test_gather_shield
virtual(
  'a cancel of a gather of shields cancels the shields, but not the futures inside them',
  async () => {
    const [a, b] = futures(2)
    const shields = [shield(a!), shield(b!)]
    const parent = gather(shields)
    await sleep(1)
    parent.cancel()
    await sleep(1)
    expect(parent.exception()).toBeInstanceOf(CancelledError)
    expect(shields.map((each) => each.cancelled())).toEqual([true, true])
    expect(a!.done() || b!.done()).toBe(false)
    a!.setResult(1)
    b!.setResult(2)
    await wait([a!, b!])
  },
)
