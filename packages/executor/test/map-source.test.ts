// Tests the sources from which `map` takes its items: any iterable that `for await` accepts. `map` must close it in the same cases.
import { createTask, Future, getEventLoop, run, sleep, TimeoutError } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { completed } from '@tasktree/core/lowlevel'
import type { MapOptions } from '@tasktree/executor'
import { type MappedJob, mapJobs } from '@tasktree/executor/lowlevel'
import { expect, test } from 'vitest'
import { createContext, runInContext } from 'node:vm'

/** Acts as a pool: a job doubles its item, and fails if the item is negative. */
function submit([item]: readonly unknown[]): MappedJob {
  const future = completed((item as number) * 2)
  if ((item as number) >= 0) return { future, isStarted: true, submitted: {} }
  const failed = new Future<number>()
  failed.setException(new RangeError('the job failed'))
  return { future: failed, isStarted: true, submitted: {} }
}

async function readAll(
  items: Iterable<number> | AsyncIterable<number>,
  options: MapOptions = {},
  submitting: Parameters<typeof mapJobs>[0] = submit,
): Promise<unknown[]> {
  const ends: unknown[] = []
  try {
    for await (const result of mapJobs<number, number>(submitting, items, options, 4)) {
      ends.push(result)
      if (ends.length > 10) return ends
    }
  } catch (error) {
    ends.push((error as Error).message)
  }
  return ends
}

interface Counting {
  /** Makes the value that `next()` returns from a step of the iteration. */
  readonly wrap?: (step: IteratorResult<number>) => unknown
  readonly values?: readonly number[]
  /** What `next()` does after the values. */
  readonly last?: () => unknown
  readonly close?: () => unknown
}

function makeItems({ wrap = (step) => step, values = [1, 2, 3], last, close }: Counting) {
  const left = [...values]
  const iterator = {
    next: () => {
      const value = left.shift()
      if (value !== undefined) return wrap({ done: false, value })
      return last === undefined ? wrap({ done: true, value: undefined }) : last()
    },
    ...(close !== undefined && { return: close }),
  }
  return { [Symbol.asyncIterator]: () => iterator } as unknown as AsyncIterable<number>
}

const OtherPromise = runInContext('Promise', createContext()) as PromiseConstructor

test.for<[string, (step: IteratorResult<number>) => unknown]>([
  ['a promise', async (step) => step],
  ['a promise of another realm', (step) => OtherPromise.resolve(step)],
  ['a future that is done', (step) => completed(step)],
  [
    'a future',
    (step) => {
      const future = new Future<unknown>()
      getEventLoop().callSoon(() => future.setResult(step))
      return future
    },
  ],
  // oxlint-disable-next-line unicorn/no-thenable -- the test needs a thenable
  ['a thenable', (step) => ({ then: (resolve: (value: unknown) => void) => resolve(step) })],
  ['a plain result', (step) => step],
])('map reads the items of an iterator whose next() returns %s', async ([, wrap]) => {
  expect(await run(async () => readAll(makeItems({ wrap })))).toEqual([2, 4, 6])
})

test('map does not close an iterator of items that has failed', async () => {
  let closed = 0
  const close = (): unknown => closed++
  const last = (): never => {
    throw new Error('the items failed')
  }
  const ends = [2, 4, 6, 'the items failed']
  expect(await run(async () => readAll(makeItems({ last, close })))).toEqual(ends)
  const later = async (): Promise<never> => last()
  expect(await run(async () => readAll(makeItems({ last: later, close })))).toEqual(ends)
  expect(closed).toBe(0)
})

/** Returns items that fail after `values`. */
function makeFailing(values: readonly number[]): AsyncIterable<number> {
  const last = (): never => {
    throw new Error('the items failed')
  }
  return makeItems({ values, last })
}

test.for([1, 2, 3, 8].flatMap((buffer) => [1, 2, 3].map((chunksize) => ({ buffer, chunksize }))))(
  'map gives the same results before a failed item with buffer $buffer and chunksize $chunksize',
  async (options) => {
    const chunks = ([items]: readonly unknown[], isChunked: boolean): MappedJob => {
      if (!isChunked) return submit([items])
      const results = (items as number[]).map((item) => item * 2)
      return { future: completed({ results, error: null }), isStarted: true, submitted: {} }
    }
    for (const ordered of [true, false]) {
      const reading = async (): Promise<unknown[]> =>
        readAll(makeFailing([1, 2, 3, 4]), { ...options, ordered }, chunks)
      expect(await run(reading)).toEqual([2, 4, 6, 8, 'the items failed'])
    }
  },
)

test.for<[string, readonly number[], (results: AsyncIterable<number>) => Promise<void>]>([
  [
    'a job has failed first',
    [1, -1, 3],
    async (results) => {
      const reading = async (): Promise<void> => {
        for await (const result of results) expect(result).toBe(2)
      }
      await expect(reading).rejects.toThrow('the job failed')
    },
  ],
  [
    'the reader has left',
    [1, 2],
    async (results) => {
      for await (const result of results) {
        expect(result).toBe(2)
        break
      }
    },
  ],
])('a failure of the iterator of items is reported once when %s', async ([, values, read]) => {
  const reported: unknown[] = []
  await run(async () => {
    getEventLoop().setExceptionHandler((_loop, { exception }) => reported.push(exception))
    await read(mapJobs<number, number>(submit, makeFailing(values), {}, 4))
  })
  expect(reported).toMatchObject([{ message: 'the items failed' }])
})

test('after the reader of map has left, a late failure of the items is reported, and a cancel is not', async () => {
  const reported: unknown[] = []
  await run(async () => {
    getEventLoop().setExceptionHandler((_loop, { exception }) => reported.push(exception))
    async function* slow(): AsyncGenerator<number> {
      yield 1
      await sleep(60_000)
    }
    const cancelled = createTask(async () => {
      for await (const _ of mapJobs<number, number>(submit, slow(), {}, 4));
    })
    await sleep(1)
    cancelled.cancel()
    await expect(cancelled).rejects.toMatchObject({ name: 'CancelledError' })
    const late = new Future<never>()
    const items = makeItems({ values: [1], last: () => late })
    for await (const _ of mapJobs<number, number>(submit, items, {}, 4)) break
    late.setException(new Error('the items failed'))
    await sleep(1)
  })
  expect(reported).toMatchObject([{ message: 'the items failed' }])
})

test('map throws the failure of a job, and reports what the closing of the items throws', async () => {
  const reported: unknown[] = []
  const close = (): never => {
    throw new Error('the closing failed')
  }
  await run(async () => {
    getEventLoop().setExceptionHandler((_loop, { exception }) => reported.push(exception))
    const items = makeItems({ values: [1, -1, 3, 4, 5, 6, 7], close })
    expect(await readAll(items)).toEqual([2, 'the job failed'])
  })
  expect(reported).toMatchObject([{ message: 'the closing failed' }])
})

test('leaving the loop over map throws the error that the closing of the items throws', async () => {
  const close = (): never => {
    throw new Error('the closing failed')
  }
  await run(async () => {
    const items = makeItems({ values: [1, 2, 3, 4, 5, 6, 7], close })
    const results = mapJobs<number, number>(submit, items, {}, 4)[Symbol.asyncIterator]()
    expect(await results.next()).toEqual({ done: false, value: 2 })
    await expect(results.return?.()).rejects.toThrow('the closing failed')
  })
})

/** Makes a pool's answers for a map: there is room the first `count` times that the map asks. Each later answer is a new wait. */
function makeRoom(count: number): {
  readonly waits: Future<void>[]
  readonly whenRoom: () => Future<void> | null
} {
  const waits: Future<void>[] = []
  let left = count
  const whenRoom = (): Future<void> | null => {
    if (left-- > 0) return null
    const wait = new Future<void>()
    waits.push(wait)
    return wait
  }
  return { waits, whenRoom }
}

test('a map that has read all its items ends although there is no room for another job', async () => {
  // The map asks three times: before each of its two items, and before it finds that its items have ended.
  const { waits, whenRoom } = makeRoom(3)
  const results: number[] = []
  await run(async () => {
    for await (const n of mapJobs<number, number>(submit, [1, 2], {}, 4, whenRoom)) results.push(n)
  })
  expect(results).toEqual([2, 4])
  expect(waits).toEqual([])
})

test('a map whose reader leaves no longer waits for room', async () => {
  const { waits, whenRoom } = makeRoom(0)
  await runVirtual(async () => {
    const results = mapJobs<number, number>(submit, [1], { timeout: 10 }, 4, whenRoom)
    await expect(results[Symbol.asyncIterator]().next()).rejects.toBeInstanceOf(TimeoutError)
  })
  expect(waits.map((wait) => wait.cancelled())).toEqual([true])
})
