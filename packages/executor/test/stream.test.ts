import { createTask, gather, isCancelled, shield, sleep, wait, waitFor } from '@tasktree/core'
import type { JobFuture } from '@tasktree/executor'
import { describe, expect, test, vi } from 'vitest'
import { kinds, refs } from './support/kinds.ts'

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const value of values) all.push(value)
  return all
}

const waits: Record<string, (job: JobFuture<unknown, unknown>) => PromiseLike<unknown>> = {
  await: async (job) => job,
  gather: (job) => gather([job]),
  wait: (job) => wait([job]),
  waitFor: (job) => waitFor(job, 60_000),
  shield: (job) => shield(job),
  catch: (job) => job.catch(() => {}),
  finally: (job) => job.finally(() => {}),
  'yield*': (job) =>
    createTask(function* () {
      return yield* job
    }),
  addDoneCallback: (job) =>
    new Promise((resolve) => {
      job.addDoneCallback(resolve)
    }),
}

describe.for(kinds)('a pool of $name', { tags: ['slow'] }, ({ make }) => {
  test('a generator job streams the values that it yields, and its future resolves with its return value', async () => {
    await using pool = make({ maxWorkers: 1 })
    for (const job of [refs.count, refs.countLater]) {
      const future = pool.submit(job, 100)
      expect(await collect(future)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1))
      expect(await future).toMatch(/counted/)
    }
  })

  test('a generator job that is awaited and not iterated runs to its end', async () => {
    await using pool = make({ maxWorkers: 1 })
    expect(await pool.submit(refs.count, 1_000)).toBe('counted')
  })

  test.for(Object.entries(waits))(
    'a generator job paused for lack of a reader runs to its end when it is waited for by %s',
    async ([, waitForEnd]) => {
      await using pool = make({ maxWorkers: 1 })
      const job = pool.submit(refs.count, 100)
      const deliver = vi.spyOn(job, 'deliver')
      while (deliver.mock.calls.length < 16) await sleep(1)
      expect(job.done()).toBe(false)
      await waitForEnd(job)
      expect(job.done()).toBe(true)
      expect(await collect(pool.submit(refs.count, 2))).toEqual([1, 2])
    },
  )

  test('a generator job runs at most a few values ahead of its reader', async () => {
    await using pool = make({ maxWorkers: 1 })
    let seen = 0
    const future = pool.submit(function* () {
      for (let i = 1; ; i++) {
        reportProgress(i)
        yield i
      }
    })
    future.onProgress((value) => {
      seen = value as number
    })
    const values = future[Symbol.asyncIterator]()
    await values.next()
    await sleep(50)
    expect(seen).toBeGreaterThan(1)
    expect(seen).toBeLessThan(40)
    await values.return?.()
    expect(future.cancelled()).toBe(true)
  })

  test('leaving the loop over a generator job runs its finally block, and its worker takes the next job', async () => {
    await using pool = make({ maxWorkers: 1, cancelGrace: 2_000 })
    const worker = await pool.submit(refs.myWorker)
    const future = pool.submit(function* () {
      try {
        for (;;) yield 1
      } finally {
        Object.assign(globalThis, { cleaned: true })
      }
    })
    for await (const value of future) {
      expect(value).toBe(1)
      break
    }
    expect(await pool.submit(() => 'cleaned' in globalThis)).toBe(true)
    expect(await pool.submit(refs.myWorker)).toBe(worker)
  })

  test('the error of a generator job is thrown after the values that it has yielded', async () => {
    await using pool = make({ maxWorkers: 1 })
    const future = pool.submit(function* () {
      yield 1
      throw new RangeError('no more')
    })
    const values: number[] = []
    const reading = async (): Promise<void> => {
      for await (const value of future) values.push(value)
    }
    await expect(reading).rejects.toThrow('no more')
    expect(values).toEqual([1])
  })

  test('an iterator job whose next() returns a number fails', async () => {
    await using pool = make({ maxWorkers: 1 })
    const job = pool.submit((): Generator<number> => {
      const iterator = { [Symbol.iterator]: () => iterator, next: () => 5 }
      return iterator as unknown as Generator<number>
    })
    await expect(collect(job)).rejects.toThrow('must give an object, got number 5')
  })

  test('a cancel of the task that reads a generator job cancels the job', async () => {
    await using pool = make({ maxWorkers: 1 })
    const future = pool.submit(async function* () {
      yield 1
      await new Promise((resolve) => {
        setTimeout(resolve, 60_000)
      })
    })
    const task = createTask(() => collect(future))
    await sleep(150)
    task.cancel()
    await expect(async () => task).rejects.toSatisfy(isCancelled)
    expect(future.cancelled()).toBe(true)
  })

  test('progress callbacks are called in order, and a callback that throws does not end the job', async () => {
    await using pool = make({ maxWorkers: 1 })
    const heard: unknown[] = []
    const future = pool.submit(refs.steps, 3).onProgress((value) => heard.push(value))
    expect(await future).toBe('done')
    expect(heard).toEqual([{ step: 1 }, { step: 2 }, { step: 3 }])
    const loop = future.getLoop()
    const reported: unknown[] = []
    loop.setExceptionHandler((_loop, { exception }) => reported.push(exception))
    try {
      const noisy = pool.submit(refs.steps, 1).onProgress(() => {
        throw new RangeError('in the listener')
      })
      expect(await noisy).toBe('done')
      expect(reported).toMatchObject([{ message: 'in the listener' }])
    } finally {
      loop.setExceptionHandler(null)
    }
  })
})

// A worker defines these globals.
declare function reportProgress(value: unknown): void
