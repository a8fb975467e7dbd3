import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTask, isCancelled, RuntimeError, sleep, TimeoutError } from '@tasktree/core'
import { describe, expect, test } from 'vitest'
import { kinds, refs } from './support/kinds.ts'

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const value of values) all.push(value)
  return all
}

function* numbers(to: number): Generator<number> {
  for (let i = 0; i < to; i++) yield i
}

const jobCount = Number(process.env['EXECUTOR_TEST_JOBS'] ?? 20_000)

describe.for(kinds)('a pool of $name', { tags: ['slow'] }, ({ name, make }) => {
  test('map gives results in the order of the items, whichever job ends first', async () => {
    await using pool = make({ maxWorkers: 2 })
    const wait = async (ms: number): Promise<number> => {
      await new Promise((resolve) => {
        setTimeout(resolve, ms)
      })
      return ms
    }
    await collect(pool.map(wait, [20, 20]))
    expect(await collect(pool.map(wait, [60, 1, 30, 2]))).toEqual([60, 1, 30, 2])
    const folder = await mkdtemp(join(tmpdir(), 'tasktree-map-'))
    const signal = join(folder, 'signal')
    const job = async (path: string | null): Promise<string> => {
      if (path === null) return 'second'
      const { existsSync } = await import('node:fs')
      while (!existsSync(path)) {
        await new Promise((resolve) => {
          setTimeout(resolve, 1)
        })
      }
      return 'first'
    }
    try {
      const ended: string[] = []
      for await (const result of pool.map(job, [signal, null], { ordered: false })) {
        ended.push(result)
        // The first job ends only after this file is written.
        await writeFile(signal, '')
      }
      expect(ended).toEqual(['second', 'first'])
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  test('map gives the results of many small jobs in order', async () => {
    await using pool = make({ maxWorkers: 2 })
    const count = name === 'threads' ? jobCount : jobCount / 4
    let next = 0
    for await (const value of pool.map(refs.echo, numbers(count))) {
      if (value !== next++) throw new Error(`${value} came after ${next - 2}`)
    }
    expect(next).toBe(count)
    expect(pool.stats).toMatchObject({ completed: count, failed: 0, queued: 0 })
  })

  test('map throws the first failure after the results before it, in chunks as well', async () => {
    await using pool = make({ maxWorkers: 1 })
    for (const chunksize of [1, 4]) {
      const results: number[] = []
      const reading = async (): Promise<void> => {
        for await (const n of pool.map(refs.failOnOdd, [0, 2, 4, 5, 6], { chunksize }))
          results.push(n)
      }
      await expect(reading).rejects.toThrow('odd 5')
      expect(results).toEqual([0, 20, 40])
    }
  })

  test.for(['sync', 'async'])(
    'map takes the items of an endless %s iterator only as the results are read',
    async (which) => {
      await using pool = make({ maxWorkers: 1 })
      let taken = 0
      let closed = false
      function* endless(): Generator<number> {
        try {
          for (;;) yield taken++
        } finally {
          closed = true
        }
      }
      async function* endlessLater(): AsyncGenerator<number> {
        yield* endless()
      }
      const items = which === 'sync' ? endless() : endlessLater()
      let read = 0
      for await (const value of pool.map(refs.echo, items, { buffer: 5 })) {
        expect(value).toBe(read++)
        expect(taken - read).toBeLessThanOrEqual(5)
        if (read === 50) break
      }
      expect(closed).toBe(true)
      expect(pool.stats.queued).toBe(0)
    },
  )

  test('map with a chunksize gives the same results as without', async () => {
    await using pool = make({ maxWorkers: 2 })
    const results = await collect(pool.map((n: number) => n * n, numbers(100), { chunksize: 7 }))
    expect(results).toEqual(Array.from({ length: 100 }, (_, i) => i * i))
  })

  test('map throws TimeoutError when the results do not come in time, and cancels the running job', async () => {
    await using pool = make({ maxWorkers: 1 })
    await pool.submit(refs.add, 1, 1)
    const results = pool.map(refs.pause, [1, 60_000], { timeout: 60 })
    const iterator = results[Symbol.asyncIterator]()
    expect(await iterator.next()).toMatchObject({ value: 1 })
    await expect(iterator.next()).rejects.toBeInstanceOf(TimeoutError)
    while (pool.stats.running > 0) await sleep(5)
  })

  // Python's `map` with a buffersize does the same. If the shutdown waited for the reader, a reader that calls it would hang.
  test('map throws when the pool was shut down before map has taken all items, and closes the items', async () => {
    await using pool = make({ maxWorkers: 1 })
    let closed = false
    function* endless(): Generator<number> {
      try {
        for (let i = 0; ; i++) yield i
      } finally {
        closed = true
      }
    }
    const results = pool.map(refs.echo, endless(), { buffer: 3 })[Symbol.asyncIterator]()
    expect(await results.next()).toMatchObject({ value: 0 })
    await pool.shutdown()
    await expect(results.next()).rejects.toBeInstanceOf(RuntimeError)
    expect(closed).toBe(true)
  })

  test('map gives its remaining results after a shutdown if it has already taken all items', async () => {
    await using pool = make({ maxWorkers: 1 })
    const results = pool.map(refs.echo, [0, 1, 2])[Symbol.asyncIterator]()
    expect(await results.next()).toMatchObject({ value: 0 })
    await pool.shutdown()
    expect(await results.next()).toMatchObject({ value: 1 })
    expect(await results.next()).toMatchObject({ value: 2 })
    expect(await results.next()).toMatchObject({ done: true })
  })

  test.for([0, 1, 3])(
    'several maps over one pool with maxQueue %i all give their results',
    async (maxQueue) => {
      await using pool = make({ maxWorkers: 1, maxQueue })
      const wanted = Array.from({ length: 10 }, (_, i) => i)
      const inner = pool.map(refs.echo, wanted, { buffer: 4 })
      const maps = [
        collect(pool.map(refs.echo, wanted)),
        collect(pool.map(refs.echo, wanted, { buffer: 4, chunksize: 2 })),
        // The items of this map are the results of another map over the same pool.
        collect(pool.map(refs.echo, inner)),
      ]
      expect(await Promise.all(maps)).toEqual([wanted, wanted, wanted])
    },
  )

  test('map takes no item while the queue is full, and a cancel or its timeout ends the wait', async () => {
    await using pool = make({ maxWorkers: 1, maxQueue: 1 })
    await pool.submit(refs.echo, 0)
    const [running, waiting] = [refs.waitUntilAborted, refs.echo].map((job) => pool.submit(job, 0))
    let read = 0
    function* items(): Generator<number> {
      for (;;) yield read++
    }
    const late = collect(pool.map(refs.echo, items(), { timeout: 20 }))
    const cancelled = createTask(() => collect(pool.map(refs.echo, items())))
    const left = createTask(() => collect(pool.map(refs.echo, [7, 8])))
    await expect(late).rejects.toBeInstanceOf(TimeoutError)
    cancelled.cancel()
    await expect(cancelled).rejects.toSatisfy(isCancelled)
    expect(read).toBe(0)
    waiting?.cancel()
    running?.cancel()
    expect(await left).toEqual([7, 8])
  })

  test('map that waits for room in the queue fails when the pool is shut down', async () => {
    const pool = make({ maxWorkers: 1, maxQueue: 1 })
    await pool.submit(refs.echo, 0)
    for (const job of [refs.waitUntilAborted, refs.echo]) pool.submit(job, 0).catch(() => {})
    const ended = collect(pool.map(refs.echo, [1])).catch((error: unknown) => error)
    await pool.shutdown({ cancelFutures: true })
    expect(await ended).toBeInstanceOf(RuntimeError)
  })

  test('map of no items gives no results', async () => {
    await using pool = make({ maxWorkers: 1 })
    expect(await collect(pool.map(refs.failOnOdd, []))).toEqual([])
  })
})

test('a map alone uses all workers, even if no job may wait', async () => {
  const [{ make }] = kinds as [(typeof kinds)[0]]
  const pool = make({ maxWorkers: 2, maxQueue: 0 })
  let read = 0
  function* items(): Generator<number> {
    for (;;) yield read++
  }
  const first = pool.map(refs.echo, items())[Symbol.asyncIterator]().next()
  expect(read).toBe(2)
  await pool.shutdown({ cancelFutures: true })
  await expect(first).rejects.toSatisfy(isCancelled)
})
