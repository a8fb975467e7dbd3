// Where `map` takes its items from: any iterable that a `for await` accepts, with the same end.
import { Future, getEventLoop, run } from '@tasktree/core'
import { completed } from '@tasktree/core/lowlevel'
import { type MappedJob, mapJobs } from '@tasktree/executor/lowlevel'
import { expect, test } from 'vitest'
import { createContext, runInContext } from 'node:vm'

/** Runs in place of a pool: a job doubles its item, and fails for a negative one. */
function submit([item]: readonly unknown[]): MappedJob {
  const future = completed((item as number) * 2)
  if ((item as number) >= 0) return { future, isStarted: true, submitted: {} }
  const failed = new Future<number>()
  failed.setException(new RangeError('the job failed'))
  return { future: failed, isStarted: true, submitted: {} }
}

async function readAll(items: Iterable<number> | AsyncIterable<number>): Promise<unknown[]> {
  const ends: unknown[] = []
  try {
    for await (const result of mapJobs<number, number>(submit, items, {}, 4)) {
      ends.push(result)
      if (ends.length > 10) return ends
    }
  } catch (error) {
    ends.push((error as Error).message)
  }
  return ends
}

interface Counting {
  /** Makes what `next()` returns of a step. */
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
  // oxlint-disable-next-line unicorn/no-thenable -- a thenable is meant
  ['a thenable', (step) => ({ then: (resolve: (value: unknown) => void) => resolve(step) })],
  ['a plain result', (step) => step],
])('items come from an iterator whose next() returns %s', async ([, wrap]) => {
  expect(await run(async () => readAll(makeItems({ wrap })))).toEqual([2, 4, 6])
})

test('an iterator that has failed is not closed', async () => {
  let closed = 0
  const close = (): unknown => closed++
  const last = (): never => {
    throw new Error('the items failed')
  }
  expect(await run(async () => readAll(makeItems({ last, close })))).toEqual(['the items failed'])
  const later = async (): Promise<never> => last()
  const ends = await run(async () => readAll(makeItems({ last: later, close })))
  expect(ends.at(-1)).toBe('the items failed')
  expect(closed).toBe(0)
})

test('the failure of a job is not replaced by what the closing of the items throws', async () => {
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

test('what the closing of the items throws ends an iteration that was left', async () => {
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
