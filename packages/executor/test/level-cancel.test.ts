import { createTask, run, sleep, type Task } from '@tasktree/core'
import { describe, expect, test } from 'vitest'
import { sweepLevelCancel } from '../../core/test/support/level-sweep.ts'
import { kinds, refs } from './support/kinds.ts'

type Pool = ReturnType<(typeof kinds)[number]['make']>

/** Waits for the next moment of a cancel. The first 2 moments are one turn apart. Later ones are 40 ms apart. */
const moment = (i: number): Promise<void> => sleep(i < 2 ? 0 : 40).then(() => {})

const operations: Record<string, (pool: Pool) => Promise<unknown>> = {
  'submit of a job that waits': async (pool) => pool.submit(refs.pause, 60_000),
  'submit of a job that never yields': async (pool) => pool.submit(refs.spin),
  map: async (pool) => {
    for await (const _ of pool.map(refs.pause, [1, 60_000, 60_000, 60_000]));
  },
  'shutdown with a job that goes on': async (pool) => {
    pool.submit(refs.pause, 60_000).catch(() => {})
    await pool.shutdown()
  },
  'the disposal of a pool with jobs that go on': async (pool) => {
    await using _ = pool
    for (let i = 0; i < 4; i++) pool.submit(refs.pause, 60_000).catch(() => {})
    await sleep(20)
  },
}

/** Operations on a pool whose only worker has started. The test cancels the scope in each turn of such an operation. */
const jobsOfAPool: Record<string, (pool: Pool) => Promise<unknown>> = {
  'submit of a job that ends': async (pool) => pool.submit(refs.pause, 1),
  'submit of a job behind another one': async (pool) => {
    const first = pool.submit(refs.pause, 1)
    await pool.submit(refs.pause, 1)
    await first
  },
  'map of jobs that end': async (pool) => {
    for await (const _ of pool.map(refs.pause, [1, 0, 1, 0]));
  },
  'a stream of values': async (pool) => {
    for await (const _ of pool.submit(refs.countLater, 5)) await sleep(0)
  },
}

describe.for(kinds)(
  'a pool of $name goes on after a scope around this was cancelled in any turn',
  ({ make }) => {
    test.each(Object.keys(jobsOfAPool))('%s', { tags: ['slow'] }, (name) =>
      run(async () => {
        await using pool = make({ maxWorkers: 1, cancelGrace: 1_000, exitGrace: 50 })
        await pool.submit(refs.pause, 0)
        const cancels = await sweepLevelCancel({
          operate: () => (jobsOfAPool[name] as (pool: Pool) => Promise<unknown>)(pool),
          moments: 40,
          grace: 10_000,
          settle: 3_000,
          turns: 1_500,
        })
        expect(cancels).toBeGreaterThan(0)
        await pool.submit(refs.pause, 0)
        expect(pool.stats).toMatchObject({ workers: 1, queued: 0, running: 0 })
      }),
    )
  },
)

describe.for(kinds)(
  'a pool of $name has no worker left after a scope around this was cancelled in any turn',
  ({ make }) => {
    test.each(Object.keys(operations))('%s', { tags: ['slow'], timeout: 120_000 }, (name) =>
      run(async () => {
        const cancels = await sweepLevelCancel<Pool>({
          prepare: () => make({ maxWorkers: 1, cancelGrace: 20, exitGrace: 50 }),
          operate: async (given) => {
            try {
              await (operations[name] as (pool: Pool) => Promise<unknown>)(given)
            } finally {
              await given.shutdown()
            }
          },
          moment,
          moments: 6,
          grace: 10_000,
          settle: 3_000,
          turns: 1_500,
          after: ({ stats: { workers, queued, running } }) =>
            expect({ workers, queued, running }).toEqual({ workers: 0, queued: 0, running: 0 }),
        })
        expect(cancels).toBeGreaterThan(0)
      }),
    )
  },
)

test.for(kinds)(
  'a pool of $name has no worker left when the task that disposes of it is cancelled once',
  ({ make }) =>
    run(async () => {
      const pool = make({ maxWorkers: 1, cancelGrace: 20, exitGrace: 50 })
      const task: Task = createTask(async () => {
        await using _ = pool
        pool.submit(refs.pause, 60_000).catch(() => {})
        await sleep(20)
      })
      await sleep(60)
      task.cancel('enough')
      await expect(task).rejects.toThrow('enough')
      expect(pool.stats.workers).toBe(0)
    }),
)
