import { gather, getEventLoop, sleep } from '@tasktree/core'
import {
  BrokenExecutor,
  ExecutorQueueFull,
  type Job,
  ProcessPoolExecutor,
  ThreadPoolExecutor,
  WorkerCrashedError,
} from '@tasktree/executor'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { kinds, refs } from './support/kinds.ts'

interface Crash {
  name: string
  job: Job<[], unknown>
  expected: object
  only?: string
}

const crashes: Crash[] = [
  { name: 'exits', job: () => process.exit(7), expected: { exitCode: 7, signal: null } },
  { name: 'throws outside the job', job: refs.throwLater, expected: { exitCode: 1 } },
  { name: 'leaves a rejection unhandled', job: refs.rejectLater, expected: { exitCode: 1 } },
  { name: 'runs out of memory', job: refs.exhaustHeap, expected: {} },
  { name: 'aborts', job: refs.abort, expected: { signal: 'SIGABRT' }, only: 'processes' },
  { name: 'is killed', job: refs.killSelf, expected: { signal: 'SIGKILL' }, only: 'processes' },
]

describe.for(kinds)('a pool of $name', { tags: ['slow'] }, ({ name: kind, make }) => {
  test.for(crashes.filter(({ only }) => only === undefined || only === kind))(
    'when a worker $name, its running job fails, and the queued and later jobs run',
    async ({ job, expected }) => {
      await using pool = make({
        maxWorkers: 1,
        resourceLimits: { maxOldGenerationSizeMb: 24, maxYoungGenerationSizeMb: 4 },
      })
      // After short jobs the pool sends a worker several jobs ahead.
      await gather([pool.submit(refs.add, 0, 0), pool.submit(refs.add, 0, 0)])
      const running = pool.submit(job)
      const queued = Array.from({ length: 10 }, (_, i) => pool.submit(refs.echo, i))
      const failure = await running.catch((error: unknown) => error)
      expect(failure).toBeInstanceOf(WorkerCrashedError)
      expect(failure).toMatchObject(expected)
      const later = pool.submit(refs.add, 1, 2)
      expect(await gather(queued)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
      expect(await later).toBe(3)
      expect(pool.stats).toMatchObject({ failed: 1, completed: 13, crashed: 1, queued: 0 })
    },
  )

  test('a job that crashes its worker fails, and the jobs sent with it run', async () => {
    await using pool = make({ maxWorkers: 1 })
    await gather([1, 2, 3].map((n) => pool.submit(refs.add, n, n)))
    const before = [1, 2, 3].map((n) => pool.submit(refs.echo, n))
    const culprit = pool.submit(refs.exit, 3)
    const after = [4, 5, 6].map((n) => pool.submit(refs.echo, n))
    await expect(culprit).rejects.toMatchObject({ name: 'WorkerCrashedError', exitCode: 3 })
    expect(await gather([...before, ...after])).toEqual([1, 2, 3, 4, 5, 6])
  })

  test('a worker that dies while it is idle is replaced', async () => {
    await using pool = make({ maxWorkers: 1 })
    expect(await pool.submit(refs.exitSoon, 4)).toBe('answered')
    while (pool.stats.crashed === 0) await sleep(5)
    expect(await pool.submit(refs.add, 1, 1)).toBe(2)
    expect(pool.stats).toMatchObject({ crashed: 1, failed: 0 })
  })

  test('workers that die on start break the pool, and all waiting jobs fail with BrokenExecutor', async () => {
    const pool = make({ maxWorkers: 2, initializer: () => process.exit(5) })
    const futures = Array.from({ length: 4 }, () => pool.submit(refs.add, 1, 1))
    for (const future of futures) {
      await expect(future).rejects.toBeInstanceOf(BrokenExecutor)
      await expect(future).rejects.toThrow(/died on start \(exit code 5\)/)
    }
    expect(() => pool.submit(refs.add, 1, 1)).toThrow(BrokenExecutor)
    await pool.shutdown()
    expect(pool.stats.workers).toBe(0)
  })

  test('a worker that dies on start fails no running, queued or later job', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'executor-'))
    const initializer = async (path: string): Promise<void> => {
      const { mkdtempSync: mark, readdirSync } = await import('node:fs')
      const started = readdirSync(path).length
      mark(`${path}/start-`)
      if (started === 1) process.exit(9)
    }
    try {
      await using pool = make({ maxWorkers: 2, initializer, initargs: [folder] })
      expect(await pool.submit(refs.echo, 0)).toBe(0)
      const running = pool.submit(refs.pause, 300)
      const queued = Array.from({ length: 10 }, (_, i) => pool.submit(refs.pause, i))
      while (pool.stats.crashed === 0) await sleep(5)
      const later = pool.submit(refs.echo, 5)
      await gather([running, ...queued])
      expect(await later).toBe(5)
      expect(pool.stats).toMatchObject({ crashed: 1, failed: 0, completed: 13, queued: 0 })
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('a worker that dies while it is idle fails no running, queued or later job', async () => {
    await using pool = make({ maxWorkers: 2, minWorkers: 2 })
    while (pool.stats.idle < 2) await sleep(5)
    const running = pool.submit(refs.pause, 400)
    expect(await pool.submit(refs.exitSoon, 4)).toBe('answered')
    while (pool.stats.crashed === 0) await sleep(5)
    const queued = Array.from({ length: 10 }, (_, i) => pool.submit(refs.echo, i))
    const later = pool.submit(refs.echo, 10)
    expect(await gather([...queued, later])).toEqual(Array.from({ length: 11 }, (_, i) => i))
    expect(await running).toBeGreaterThan(0)
    expect(pool.stats).toMatchObject({ crashed: 1, failed: 0 })
  })

  test.for<{ name: string; initializer: Job<[], unknown> }>([
    { name: 'throws outside', initializer: refs.throwLater },
    { name: 'leaves a rejection unhandled', initializer: refs.rejectLater },
    { name: 'runs out of memory', initializer: refs.exhaustHeap },
  ])(
    'an initializer that $name breaks the pool for a reader of map and a shutdown too',
    async ({ initializer }) => {
      const pool = make({
        maxWorkers: 2,
        initializer,
        resourceLimits: { maxOldGenerationSizeMb: 24, maxYoungGenerationSizeMb: 4 },
      })
      const reading = pool.map(refs.echo, [1, 2, 3])[Symbol.asyncIterator]().next()
      const waiting = Array.from({ length: 10 }, (_, i) => pool.submit(refs.echo, i))
      await sleep(0)
      const ended = pool.shutdown()
      for (const each of [reading, ...waiting]) {
        await expect(each).rejects.toBeInstanceOf(BrokenExecutor)
      }
      await ended
      expect(pool.stats.workers).toBe(0)
    },
  )

  test('no job fails when a worker dies on its first start and not on its second', async () => {
    const initializer = async (file: string): Promise<void> => {
      const fs = await import('node:fs')
      if (fs.existsSync(file)) return
      fs.writeFileSync(file, '')
      process.exit(1)
    }
    const folder = mkdtempSync(join(tmpdir(), 'executor-'))
    try {
      await using pool = make({ maxWorkers: 1, initializer, initargs: [`${folder}/started`] })
      expect(await gather([1, 2].map((n) => pool.submit(refs.add, n, n)))).toEqual([2, 4])
      expect(pool.stats.crashed).toBe(1)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

test(
  'a process that cannot start breaks the pool, and the jobs fail with the reason',
  { tags: ['slow'] },
  async () => {
    const flag = new ProcessPoolExecutor({ maxWorkers: 1, execArgv: ['--no-such-flag'] })
    await expect(flag.submit(refs.echo, 1)).rejects.toThrow(/died on start \(exit code 9\)/)
    await flag.shutdown()
    const { execPath } = process
    process.execPath = '/no/such/node'
    try {
      const missing = new ProcessPoolExecutor({ maxWorkers: 2 })
      const waiting = [1, 2, 3].map((n) => missing.submit(refs.echo, n))
      for (const each of waiting) {
        await expect(each).rejects.toMatchObject({
          name: 'BrokenExecutor',
          cause: { code: 'ENOENT' },
        })
      }
      await missing.shutdown()
    } finally {
      process.execPath = execPath
    }
  },
)

test('a pool whose workers cannot be started fails every job that it has accepted', async () => {
  const pool = new ThreadPoolExecutor({
    maxWorkers: 1,
    maxQueue: 1,
    workerEntry: 'https://example.org/worker.js',
  })
  const jobs = [1, 2].map((n) => pool.submit(refs.echo, n))
  expect(() => pool.submit(refs.echo, 3)).toThrow(ExecutorQueueFull)
  for (const job of jobs) await expect(job).rejects.toBeInstanceOf(BrokenExecutor)
  await pool.shutdown()
})

test('a broken pool keeps no worker', async () => {
  const [{ make }] = kinds as [(typeof kinds)[0]]
  const pool = make({
    maxWorkers: 3,
    initializer: refs.identity,
    initargs: [() => {}],
  })
  const jobs = [1, 2, 3].map((n) => pool.submit(refs.echo, n))
  for (const job of jobs) await expect(job).rejects.toBeInstanceOf(BrokenExecutor)
  // The pool terminates its first worker, and starts no other.
  expect(pool.stats.workers).toBeLessThan(2)
  await pool.shutdown()
})

test('a job that calls process.abort(), which Node refuses in a thread, fails and does not end its worker', async () => {
  const [{ make }] = kinds as [(typeof kinds)[0]]
  await using pool = make({ maxWorkers: 1 })
  await expect(pool.submit(refs.abort)).rejects.toBeInstanceOf(TypeError)
  expect(await pool.submit(refs.myWorker)).toBe(1)
  expect(pool.stats).toMatchObject({ crashed: 0, failed: 1 })
})

test(
  'the error that ends an idle thread goes to the exception handler',
  { tags: ['slow'] },
  async () => {
    const [{ make }] = kinds as [(typeof kinds)[0]]
    const loop = getEventLoop()
    const reported: unknown[] = []
    loop.setExceptionHandler((_loop, { exception }) => reported.push(exception))
    try {
      await using pool = make({ maxWorkers: 1 })
      await pool.submit(() => {
        setTimeout(() => {
          throw new RangeError('left behind')
        }, 10)
      })
      while (pool.stats.crashed === 0) await sleep(5)
      expect(reported).toMatchObject([{ name: 'RangeError', message: 'left behind' }])
    } finally {
      loop.setExceptionHandler(null)
    }
  },
)
