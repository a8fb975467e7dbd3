import { gather, run, RuntimeError, sleep } from '@tasktree/core'
import {
  BrokenExecutor,
  ExecutorQueueFull,
  JobSerializationError,
  jobs,
  type PoolOptions,
  reportProgress,
  runInExecutor,
  ThreadPoolExecutor,
  toThread,
  transfer,
  workerId,
  workerSignal,
} from '@tasktree/executor'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { kinds, refs, sourceRefs } from './support/kinds.ts'

const outer = 5

describe.for(kinds)('a pool of $name', { tags: ['slow'] }, ({ make }) => {
  test('a function that uses nothing from outside runs with its arguments', async () => {
    await using pool = make({ maxWorkers: 1 })
    expect(await pool.submit((a: number, b: number) => a * b, 6, 7)).toBe(42)
    expect(await pool.submit(async (text: string) => text.toUpperCase(), 'later')).toBe('LATER')
    const methods = {
      twice(n: number): number {
        return n * 2
      },
    }
    // oxlint-disable-next-line typescript/unbound-method
    expect(await pool.submit(methods.twice, 4)).toBe(8)
  })

  test('a function of a module runs by reference, even if the reference names the .ts file as .js', async () => {
    await using pool = make({ maxWorkers: 1 })
    expect(await pool.submit(sourceRefs.add, 3, 4)).toBe(7)
    expect(await pool.submit(sourceRefs.pause, 1)).toBe(1)
  })

  test("a function that uses a variable of its module fails with the variable's name and a hint to jobs()", async () => {
    await using pool = make({ maxWorkers: 1 })
    const failure = await pool.submit(() => outer).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(JobSerializationError)
    expect(failure).toHaveProperty('message', expect.stringMatching(/outer.*jobs\(\)/))
    const later = pool.submit(async () => {
      await Promise.resolve()
      return outer
    })
    await expect(later).rejects.toBeInstanceOf(JobSerializationError)
    await expect(pool.submit(Math.max.bind(null), 1)).rejects.toBeInstanceOf(JobSerializationError)
  })

  test('a function that is sent as source may use workerSignal and dynamic imports', async () => {
    await using pool = make({ maxWorkers: 1 })
    expect(await pool.submit(() => workerSignal().aborted)).toBe(false)
    expect(
      await pool.submit(async () => {
        const path = await import('node:path')
        return path.basename('/a/b')
      }),
    ).toBe('b')
  })

  test('a job whose module lacks the function fails with the names that the module has', async () => {
    await using pool = make({ maxWorkers: 1 })
    const missing = jobs<{ nothing(): void }>(new URL('./fixtures/work.ts', import.meta.url))
    await expect(pool.submit(missing.nothing)).rejects.toThrow(/no function nothing.*add/)
    const nowhere = jobs<{ f(): void }>(new URL('./fixtures/none.js', import.meta.url))
    await expect(pool.submit(nowhere.f)).rejects.toThrow(/none\.js/)
    expect(await pool.submit(refs.add, 1, 1)).toBe(2)
  })

  test('an argument that cannot be cloned fails only its job, with the path to the value', async () => {
    await using pool = make({ maxWorkers: 1 })
    const value = { list: [1, { callback: () => 1 }] }
    const bad = pool.submit(refs.identity, value)
    const good = pool.submit(refs.add, 1, 2)
    await expect(bad).rejects.toThrow(/args\[0\]\.list\[1\]\.callback is function callback/)
    await expect(bad).rejects.toBeInstanceOf(JobSerializationError)
    expect(await good).toBe(3)
    await expect(pool.submit(refs.giveUncloneable)).rejects.toThrow(/result\.list\[1\]\.callback/)
    expect(await pool.submit(refs.add, 2, 2)).toBe(4)
  })

  test('a pool of one worker runs jobs in the order of their submission', async () => {
    await using pool = make({ maxWorkers: 1 })
    const order: number[] = []
    const futures = Array.from({ length: 200 }, (_, i) => pool.submit(refs.echo, i))
    for (const future of futures) future.addDoneCallback((done) => order.push(done.result()))
    expect(await gather(futures)).toEqual(Array.from({ length: 200 }, (_, i) => i))
    await sleep(0)
    expect(order).toEqual(order.toSorted((a, b) => a - b))
  })

  test('shutdown waits for submitted jobs, refuses later jobs, and can be called twice', async () => {
    const pool = make({ maxWorkers: 1 })
    const futures = Array.from({ length: 5 }, () => pool.submit(refs.pause, 5))
    await pool.shutdown()
    expect(futures.every((future) => future.done() && future.exception() === null)).toBe(true)
    expect(pool.stats).toMatchObject({ workers: 0, completed: 5, queued: 0, running: 0 })
    expect(() => pool.submit(refs.add, 1, 1)).toThrow(RuntimeError)
    expect(() => pool.map(refs.failOnOdd, [1])).toThrow(RuntimeError)
    await pool.shutdown()
  })

  test('jobs run to their end after a shutdown that does not wait', async () => {
    const pool = make({ maxWorkers: 1 })
    const futures = Array.from({ length: 3 }, (_, i) => pool.submit(refs.echo, i))
    await pool.shutdown({ wait: false })
    expect(await gather(futures)).toEqual([0, 1, 2])
    await pool.shutdown()
  })

  test('a pool that has run nothing shuts down', async () => {
    await make().shutdown()
    await make({ minWorkers: 2, maxWorkers: 2 }).shutdown()
  })

  test('shutdown({ cancelFutures }) cancels waiting jobs and lets running jobs end', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'executor-'))
    try {
      const gate = join(folder, 'gate')
      const pool = make({ maxWorkers: 1, cancelGrace: 60_000 })
      const running = pool.submit(refs.waitForFile, gate)
      const waiting = Array.from({ length: 10 }, () => pool.submit(refs.pause, 50))
      while (pool.stats.running === 0) await sleep(5)
      const ended = pool.shutdown({ cancelFutures: true })
      writeFileSync(gate, '')
      await ended
      expect(await running).toBe(gate)
      expect(waiting.every((future) => future.cancelled())).toBe(true)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('shutdown({ cancelFutures }) cancels a running job that would never end', async () => {
    const pool = make({ maxWorkers: 1 })
    const running = pool.submit(refs.spin)
    while (pool.stats.running === 0) await sleep(5)
    await pool.shutdown({ cancelFutures: true })
    expect(running.cancelled()).toBe(true)
    expect(pool.stats.workers).toBe(0)
  })

  test('the initializer runs with its arguments before the first job of each worker', async () => {
    const initializer = (key: string, value: number): void => {
      Object.assign(globalThis, { [key]: value })
    }
    await using pool = make({ maxWorkers: 1, initializer, initargs: ['prepared', 11] })
    const read = (): unknown => (globalThis as { prepared?: unknown }).prepared
    expect(await pool.submit(read)).toBe(11)
  })

  test('a change of initargs or env after the creation of a pool has no effect on its workers', async () => {
    const initializer = (value: number): void => {
      Object.assign(globalThis, { prepared: value })
    }
    const initargs = [11]
    const env = { ...process.env, EXECUTOR_TEST: 'first' }
    await using pool = make({ maxWorkers: 1, initializer, initargs, env })
    initargs[0] = 12
    env.EXECUTOR_TEST = 'second'
    const read = (): unknown[] => [
      (globalThis as { prepared?: unknown }).prepared,
      process.env['EXECUTOR_TEST'],
    ]
    expect(await pool.submit(read)).toEqual([11, 'first'])
  })

  test('an initializer that throws breaks the pool, and all waiting jobs fail with BrokenExecutor', async () => {
    const initializer = (): void => {
      throw new RangeError('not today')
    }
    const pool = make({ maxWorkers: 2, initializer })
    const futures = [pool.submit(refs.add, 1, 1), pool.submit(refs.add, 1, 1)]
    for (const future of futures) {
      await expect(future).rejects.toBeInstanceOf(BrokenExecutor)
      await expect(future).rejects.toThrow(/initializer.*not today/)
    }
    expect(() => pool.submit(refs.add, 1, 1)).toThrow(BrokenExecutor)
    await pool.shutdown()
    expect(pool.stats.workers).toBe(0)
  })

  test('a worker is replaced after it has run maxTasksPerWorker jobs', async () => {
    await using pool = make({ maxWorkers: 1, maxTasksPerWorker: 2 })
    const ids: (number | null)[] = []
    for (let i = 0; i < 5; i++) ids.push(await pool.submit(refs.myWorker))
    expect(ids).toEqual([1, 1, 2, 2, 3])
    expect(pool.stats.crashed).toBe(0)
  })

  test('an idle worker ends after idleTimeout unless minWorkers keeps it', async () => {
    await using pool = make({ maxWorkers: 2, minWorkers: 1, idleTimeout: 20 })
    await gather([pool.submit(refs.pause, 30), pool.submit(refs.pause, 30)])
    while (pool.stats.workers > 1) await sleep(5)
    await sleep(60)
    expect(pool.stats.workers).toBe(1)
    expect(await pool.submit(refs.add, 1, 1)).toBe(2)
  })

  test('submit throws ExecutorQueueFull when maxQueue jobs already wait', async () => {
    await using pool = make({ maxWorkers: 1, maxQueue: 2 })
    await pool.submit(refs.add, 1, 1)
    const futures = [1, 2, 3].map(() => pool.submit(refs.pause, 20))
    expect(() => pool.submit(refs.pause, 20)).toThrow(ExecutorQueueFull)
    await gather(futures)
    // Short jobs wait in the worker, and not in the queue of the pool.
    for (let i = 0; i < 10; i++) await pool.submit(refs.echo, i)
    const short = [1, 2, 3].map((n) => pool.submit(refs.echo, n))
    expect(() => pool.submit(refs.echo, 4)).toThrow(ExecutorQueueFull)
    expect(await gather(short)).toEqual([1, 2, 3])
  })

  test('with maxQueue: 0, submit throws ExecutorQueueFull unless a worker is idle or can be started', async () => {
    await using pool = make({ maxWorkers: 1, maxQueue: 0 })
    expect(await pool.submit(refs.add, 1, 1)).toBe(2)
    const running = pool.submit(refs.pause, 20)
    expect(() => pool.submit(refs.add, 1, 1)).toThrow(ExecutorQueueFull)
    await running
    expect(await pool.submit(refs.add, 1, 1)).toBe(2)
  })

  test('workers have the environment that the option env gives', async () => {
    const read = (): string | undefined => process.env['GIVEN']
    await using pool = make({ maxWorkers: 1, env: { ...process.env, GIVEN: 'yes' } })
    expect(await pool.submit(read)).toBe('yes')
  })

  test('a large argument and a large result arrive whole', async () => {
    await using pool = make({ maxWorkers: 1 })
    const bytes = new Uint8Array(3_000_000).fill(9)
    const back = (await pool.submit(refs.identity, bytes)) as Uint8Array
    expect(back.length).toBe(bytes.length)
    expect(back.every((byte) => byte === 9)).toBe(true)
  })
})

test('with maxQueue: 0 a job is taken while an idle worker ends', async () => {
  const [{ make }] = kinds as [(typeof kinds)[0]]
  await using pool = make({ maxWorkers: 1, maxQueue: 0, maxTasksPerWorker: 1 })
  expect(await pool.submit(() => 1)).toBe(1)
  expect(await pool.submit(() => 2)).toBe(2)
})

test('a pool refuses wrong options and arguments at once', async () => {
  await using pool = new ThreadPoolExecutor({ maxWorkers: 1 })
  expect(() => pool.submit(1 as never)).toThrow(/a job must be a function.*got number 1/)
  expect(() => pool.map(refs.failOnOdd, 3 as never)).toThrow(TypeError)
  expect(() => pool.map(refs.failOnOdd, [], { buffer: 0 })).toThrow(RangeError)
  expect(() => pool.map(refs.failOnOdd, [], { timeout: -1 })).toThrow(RangeError)
  expect(() => new ThreadPoolExecutor({ maxWorkers: 0 })).toThrow(RangeError)
  expect(() => new ThreadPoolExecutor({ minWorkers: 3, maxWorkers: 2 })).toThrow(RangeError)
  expect(() => new ThreadPoolExecutor({ maxWorkers: '2' as never })).toThrow(TypeError)
  expect(() => new ThreadPoolExecutor({ initializer: 3 as never })).toThrow(TypeError)
  expect(() => new ThreadPoolExecutor({ idleTimeout: NaN } satisfies PoolOptions)).toThrow(
    RangeError,
  )
  expect(() => jobs('./jobs.js')).toThrow(/new URL/)
  expect(() => transfer(1, [])).toThrow(TypeError)
  expect(() => runInExecutor({} as never, refs.add, 1, 2)).toThrow(TypeError)
})

test('outside of a worker, workerId is null, and workerSignal and reportProgress throw', () => {
  expect(workerId).toBeNull()
  expect(() => workerSignal()).toThrow(RuntimeError)
  expect(() => reportProgress(1)).toThrow(RuntimeError)
})

test(
  'runInExecutor runs jobs in the default pool, a thread pool and a process pool',
  { tags: ['slow'] },
  async () => {
    await run(async () => {
      expect(await runInExecutor(null, refs.add, 1, 2)).toBe(3)
      for (const { make } of kinds) {
        await using pool = make({ maxWorkers: 1 })
        expect(await runInExecutor(pool, refs.add, 1, 2)).toBe(3)
      }
    })
  },
)

test('toThread gives what the function returns or throws, and the default pool ends with its run', async () => {
  const main = async (): Promise<number> => {
    await expect(toThread(refs.failOddly)).rejects.toThrow('odd')
    return toThread((n: number) => n + 1, 41)
  }
  expect(await run(main)).toBe(42)
  expect(await run(main)).toBe(42)
})

test('a transferred buffer moves to the worker and back', { tags: ['slow'] }, async () => {
  await using pool = new ThreadPoolExecutor({ maxWorkers: 1 })
  const size = 256 * 2 ** 20
  const buffer = new ArrayBuffer(size)
  const back = await pool.submit(refs.fillFirst, transfer(buffer, [buffer]))
  expect(buffer.byteLength).toBe(0)
  expect(back.byteLength).toBe(size)
  expect(new Uint8Array(back)[0]).toBe(7)
})
