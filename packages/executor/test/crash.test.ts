import { gather, getEventLoop, sleep } from '@tasktree/core'
import { BrokenExecutor, type Job, WorkerCrashedError } from '@tasktree/executor'
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

describe.for(kinds)('$name', { tags: ['slow'] }, ({ name: kind, make }) => {
  test.for(crashes.filter(({ only }) => only === undefined || only === kind))(
    'when a worker $name, its running job fails, the queued and the later ones run',
    async ({ job, expected }) => {
      await using pool = make({
        maxWorkers: 1,
        resourceLimits: { maxOldGenerationSizeMb: 24, maxYoungGenerationSizeMb: 4 },
      })
      // A worker that is used to short jobs gets several ahead.
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

  test('a crash in the middle of a batch fails the job that did it', async () => {
    await using pool = make({ maxWorkers: 1 })
    await gather([1, 2, 3].map((n) => pool.submit(refs.add, n, n)))
    const before = [1, 2, 3].map((n) => pool.submit(refs.echo, n))
    const culprit = pool.submit(refs.exit, 3)
    const after = [4, 5, 6].map((n) => pool.submit(refs.echo, n))
    await expect(culprit).rejects.toMatchObject({ name: 'WorkerCrashedError', exitCode: 3 })
    expect(await gather([...before, ...after])).toEqual([1, 2, 3, 4, 5, 6])
  })

  test('a worker that dies idle is replaced', async () => {
    await using pool = make({ maxWorkers: 1 })
    expect(await pool.submit(refs.exitSoon, 4)).toBe('answered')
    while (pool.stats.crashed === 0) await sleep(5)
    expect(await pool.submit(refs.add, 1, 1)).toBe(2)
    expect(pool.stats).toMatchObject({ crashed: 1, failed: 0 })
  })

  test('workers that die on start break the pool, and every waiter is told', async () => {
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

  test('a worker that dies on start now and then loses no job', async () => {
    const initializer = async (file: string): Promise<void> => {
      const fs = await import('node:fs')
      if (fs.existsSync(file)) return
      fs.writeFileSync(file, '')
      process.exit(1)
    }
    const { mkdtempSync, rmSync } = await import('node:fs')
    const folder = mkdtempSync('/tmp/executor-')
    try {
      await using pool = make({ maxWorkers: 1, initializer, initargs: [`${folder}/started`] })
      expect(await gather([1, 2].map((n) => pool.submit(refs.add, n, n)))).toEqual([2, 4])
      expect(pool.stats.crashed).toBe(1)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

test('what an idle thread dies of goes to the exception handler', { tags: ['slow'] }, async () => {
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
})
