import { createTask, run, sleep, snapshot, type Task, why } from '@tasktree/core'
import { detailsOf } from '@tasktree/core/lowlevel'
import { type JobFuture, ThreadPoolExecutor } from '@tasktree/executor'
import { expect, test } from 'vitest'

test(
  'why tells the worker of a running job, and the queue position of a waiting job',
  { tags: ['slow'] },
  async () => {
    await run(async () => {
      const pool = new ThreadPoolExecutor({ maxWorkers: 1, name: 'images', cancelGrace: 0 })
      const spin = async function spin(): Promise<void> {
        await new Promise(() => {})
      }
      const submit = (name: string): Task<void> =>
        createTask(async () => await pool.submit(spin), { name })
      const tasks = [submit('first'), submit('second'), submit('third')]
      const ending = createTask(
        async () => {
          await sleep(0)
          await pool.shutdown()
        },
        { name: 'ending' },
      )
      while (pool.stats.running === 0) await sleep(5)
      expect([...tasks, ending].map((task) => why(task))).toEqual([
        "first waits for job 'spin' (in worker 1)",
        "second waits for job 'spin' (1 in the queue of its pool)",
        "third waits for job 'spin' (2 in the queue of its pool)",
        "ending waits for the end of pool 'images' (1 workers left)",
      ])
      expect(snapshot()['pools']).toMatchObject([
        { name: 'images', queued: 2, running: 1, jobs: [{ worker: 1, job: 'spin' }] },
      ])
      for (const task of tasks) task.cancel()
      for (const task of tasks) await task.catch(() => {})
      await ending
    })
    expect(snapshot()['pools']).toEqual([])
  },
)

// A snapshot asks each waiting task, so counting the whole queue for each of them would take seconds.
test('why gives the exact position only for the first jobs of a long queue', async () => {
  const pool = new ThreadPoolExecutor({ maxWorkers: 1 })
  const jobs = Array.from({ length: 300 }, () => pool.submit((n: number) => n, 1))
  const note = (index: number): string | undefined =>
    detailsOf(jobs[index] as JobFuture<number>).note
  expect(note(99)).toBe('100 in the queue of its pool')
  expect(note(100)).toBe('after at least 100 other jobs in the queue of its pool')
  expect(note(299)).toBe('after at least 100 other jobs in the queue of its pool')
  await pool.shutdown({ cancelFutures: true })
})
