import {
  ALL_COMPLETED,
  asCompleted,
  CancelledError,
  coroutine,
  createTask,
  FIRST_COMPLETED,
  FIRST_EXCEPTION,
  Future,
  getRunningLoop,
  sleep,
  TimeoutError,
  wait,
} from '@tasktree/core'
import { expect } from 'vitest'
import { thrown, virtual } from '../support/virtual.ts'

// Behaviours of the wait and as_completed cases of Lib/test/test_asyncio/test_tasks.py (CPython 3.13);
// the name of each case there stands above its test.

const now = (): number => getRunningLoop().time()

function sleeper<R>(ms: number, result?: R): ReturnType<typeof createTask<R>> {
  return createTask(async () => (await sleep(ms, result)) as R)
}

/** Compares a set of futures with `members`. `toEqual` cannot do it, because it would iterate the futures. */
function same(set: Set<Future<unknown>>, ...members: Future<unknown>[]): boolean {
  return set.size === members.length && members.every((member) => set.has(member))
}

// test_wait
virtual(
  'wait ends when all tasks have ended, and a second wait for them takes no time',
  async () => {
    const a = sleeper(100)
    const b = sleeper(150)
    for (let i = 0; i < 2; i++) {
      const { done, pending } = await wait([b, a])
      expect(same(done, a, b)).toBe(true)
      expect(pending.size).toBe(0)
      expect(now()).toBe(150)
    }
  },
)

// test_wait_duplicate_coroutines
virtual('wait counts a task that is given twice once', async () => {
  const c = createTask(async () => 'test')
  const { done, pending } = await wait([c, c, createTask(async () => 'spam')])
  expect(pending.size).toBe(0)
  expect([...done].map((task) => task.result())).toEqual(['test', 'spam'])
})

// test_wait_errors, test_wait_invalid_args
virtual(
  'wait refuses an empty list, a bare future, a coroutine and an unknown returnWhen',
  async () => {
    const future = new Future<void>()
    const none = new RangeError('wait needs at least one future, got none')
    expect(() => wait(new Set<Future<void>>())).toThrow(none)
    expect(() => wait([])).toThrow(none)
    expect(() => wait([future], { returnWhen: -1 as never })).toThrow(
      new RangeError(
        'returnWhen must be one of FIRST_COMPLETED, FIRST_EXCEPTION, ALL_COMPLETED; got number -1',
      ),
    )
    expect(() => wait(future as never)).toThrow(
      new TypeError('wait takes an iterable of futures, got an object of class Future'),
    )
    const call = coroutine(async () => {})()
    expect(() => wait(call as never)).toThrow(
      new TypeError('wait takes an iterable of futures, got an object of class Coroutine'),
    )
    expect(() => wait([call] as never)).toThrow(
      new TypeError(
        'wait takes futures and tasks, got an object of class Coroutine: use createTask first',
      ),
    )
    call.close()
  },
)

// test_wait_first_completed
virtual('wait with FIRST_COMPLETED ends with the first task that ends', async () => {
  const a = sleeper(10_000)
  const b = sleeper(100)
  const { done, pending } = await wait([b, a], { returnWhen: FIRST_COMPLETED })
  expect(same(done, b)).toBe(true)
  expect(same(pending, a)).toBe(true)
  expect(a.done()).toBe(false)
  expect(b.result()).toBeUndefined()
  expect(now()).toBe(100)
})

// test_wait_really_done
virtual('wait with FIRST_COMPLETED puts each task that has ended by then into done', async () => {
  const a = createTask(async () => {
    await sleep(0)
  })
  const b = createTask(async () => {
    await sleep(0)
    await sleep(0)
  })
  const { done } = await createTask(() => wait([b, a], { returnWhen: FIRST_COMPLETED }))
  expect(same(done, a, b)).toBe(true)
})

// test_wait_first_exception
virtual('wait with FIRST_EXCEPTION ends at once if a task fails at its start', async () => {
  const a = sleeper(10_000)
  const b = createTask(async () => {
    throw new Error('err')
  })
  const { done, pending } = await wait([b, a], { returnWhen: FIRST_EXCEPTION })
  expect(same(done, b)).toBe(true)
  expect(same(pending, a)).toBe(true)
  expect(now()).toBe(0)
})

// test_wait_first_exception_in_wait
virtual('wait with FIRST_EXCEPTION ends when a task fails during the wait', async () => {
  const a = sleeper(10_000)
  const b = createTask(async () => {
    await sleep(10)
    throw new Error('err')
  })
  const { done, pending } = await wait([b, a], { returnWhen: FIRST_EXCEPTION })
  expect(same(done, b)).toBe(true)
  expect(same(pending, a)).toBe(true)
  expect(now()).toBe(10)
})

// test_wait_with_exception
virtual('wait does not throw the failure of a task, but puts the task into done', async () => {
  const a = sleeper(100)
  const b = createTask(async () => {
    await sleep(150)
    throw new Error('really')
  })
  for (let i = 0; i < 2; i++) {
    const { done, pending } = await wait([b, a])
    expect(done.size).toBe(2)
    expect(pending.size).toBe(0)
    expect([...done].find((task) => task.exception() !== null)).toBe(b)
    expect(a.exception()).toBeNull()
    expect(now()).toBe(150)
  }
})

// test_wait_with_timeout
virtual(
  'after its timeout wait gives the done and the pending tasks, and cancels nothing',
  async () => {
    const a = sleeper(100)
    const b = sleeper(150)
    const { done, pending } = await wait([b, a], { timeout: 110 })
    expect(same(done, a)).toBe(true)
    expect(same(pending, b)).toBe(true)
    expect(now()).toBe(110)
    await b
    expect(now()).toBe(150)
  },
)

// test_wait_concurrent_complete
virtual('wait puts a future that ends exactly at the timeout into done', async () => {
  const a = sleeper(100)
  const b = sleeper(150)
  await sleep(0)
  const { done, pending } = await wait([b, a], { timeout: 100 })
  expect(same(done, a)).toBe(true)
  expect(same(pending, b)).toBe(true)
  expect(now()).toBe(100)
})

// test_wait_with_iterator_of_tasks
virtual('wait accepts an iterator of tasks', async () => {
  const a = sleeper(100)
  const b = sleeper(150)
  const { done, pending } = await wait([b, a].values())
  expect(same(done, a, b)).toBe(true)
  expect(pending.size).toBe(0)
  expect(now()).toBe(150)
})

// test_wait_generator
virtual('wait accepts a generator of tasks', async () => {
  function* tasks(): Generator<Future<number>> {
    for (let i = 0; i < 10; i++) yield createTask(async () => i)
  }
  const { done, pending } = await wait(tasks(), { returnWhen: ALL_COMPLETED })
  expect(done.size).toBe(10)
  expect(pending.size).toBe(0)
})

// test_yield_wait_does_not_shield_cancel
virtual('a cancel of the task that calls wait leaves the other tasks running', async () => {
  let proof = 0
  const waiter = new Future<void>()
  const outer = createTask(async () => {
    await wait([
      createTask(async () => {
        await waiter
        proof += 1
      }),
    ])
    proof += 100
  })
  await sleep(1)
  outer.cancel()
  expect(await thrown(outer)).toBeInstanceOf(CancelledError)
  waiter.setResult()
  await sleep(1)
  expect(proof).toBe(1)
})

type Style = <T>(completions: ReturnType<typeof asCompleted<T>>) => AsyncIterable<T>

/** The two ways to iterate over the result of `asCompleted`: `for` and `for await`. */
const styles: [string, Style][] = [
  [
    'for',
    async function* (completions) {
      for (const next of completions) yield await next
    },
  ],
  ['for await', (completions) => completions],
]

async function collect<T>(iterable: AsyncIterable<T>): Promise<T[]> {
  const values: T[] = []
  for await (const value of iterable) values.push(value)
  return values
}

for (const [name, through] of styles) {
  // test_as_completed
  virtual(`asCompleted gives results in the order of their ends (${name})`, async () => {
    const call = (ms: number, x: string) => async () => sleep(ms, x)
    const values = await collect(
      through(asCompleted([call(11, 'b'), call(150, 'c'), call(10, 'a')])),
    )
    expect(values).toEqual(['a', 'b', 'c'])
    expect(now()).toBe(150)
  })

  // test_as_completed_with_timeout
  virtual(
    `after its timeout asCompleted throws TimeoutError, and cancels nothing (${name})`,
    async () => {
      const a = sleeper(100, 'a')
      const b = sleeper(150, 'b')
      const values: unknown[] = []
      try {
        for await (const value of through(asCompleted([a, b], { timeout: 120 }))) values.push(value)
      } catch (error) {
        values.push(error)
      }
      expect(values).toEqual(['a', expect.any(TimeoutError)])
      expect(now()).toBe(120)
      expect(await b).toBe('b')
    },
  )

  // test_as_completed_with_unused_timeout
  virtual(`asCompleted does not wait for a timeout that is not used up (${name})`, async () => {
    expect(await collect(through(asCompleted([sleep(10, 'a')], { timeout: 1000 })))).toEqual(['a'])
    expect(now()).toBe(10)
  })

  // test_as_completed_duplicate_coroutines
  virtual(
    `asCompleted gives a coroutine that stands twice in the list once (${name})`,
    async () => {
      const echo = coroutine(async (s: string) => s)
      const c = echo('ham')
      expect(await collect(through(asCompleted([c, c, echo('spam')])))).toEqual(['ham', 'spam'])
    },
  )

  // test_as_completed_resume_iterator
  virtual(
    `a second loop over an asCompleted continues where the first was left (${name})`,
    async () => {
      const completions = asCompleted([0, 1, 2, 3].map((i) => async () => i))
      const collected: number[] = []
      if (name === 'for') {
        for (const next of completions) {
          collected.push(await next)
          if (collected.length === 2) break
        }
        for (const next of completions) collected.push(await next)
      } else {
        for await (const value of completions) {
          collected.push(value)
          if (collected.length === 2) break
        }
        for await (const value of completions) collected.push(value)
      }
      expect(collected).toEqual([0, 1, 2, 3])
    },
  )
}

// test_as_completed_reverse_wait (differs: see docs/coming-from/differences-from-asyncio.md)
virtual(
  'the futures of asCompleted end in the order of completion, whichever is awaited first',
  async () => {
    const futures = [...asCompleted([sleep(100, 'b'), sleep(50, 'a')])]
    expect(futures.length).toBe(2)
    expect(await futures[1]).toBe('b')
    expect(now()).toBe(100)
    expect(await futures[0]).toBe('a')
  },
)

// test_as_completed_concurrent
virtual('the futures of asCompleted can be awaited at the same time', async () => {
  const futures = [...asCompleted([sleep(50, 'a'), sleep(50, 'b')])]
  const { done } = await wait(futures)
  expect(new Set([...done].map((future) => future.result()))).toEqual(new Set(['a', 'b']))
})

// test_as_completed_coroutine_use_running_loop
virtual('asCompleted runs functions on the running loop', async () => {
  const futures = [...asCompleted([async () => 42])]
  expect(futures.length).toBe(1)
  expect(futures[0]?.getLoop()).toBe(getRunningLoop())
  expect(await futures[0]).toBe(42)
})

// test_as_completed_invalid_args
virtual('asCompleted refuses a bare future and a coroutine', async () => {
  expect(() => asCompleted(new Future<void>() as never)).toThrow(TypeError)
  const call = coroutine(async () => {})()
  expect(() => asCompleted(call as never)).toThrow(TypeError)
  call.close()
})
