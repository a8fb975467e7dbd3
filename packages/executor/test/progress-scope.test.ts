import {
  CancelledError,
  createTask,
  currentTask,
  Future,
  run,
  sleep,
  type Task,
} from '@tasktree/core'
import { expect, test } from 'vitest'
import { kinds, refs } from './support/kinds.ts'

test.for(kinds)(
  'a pool of $name does not run a progress callback in the task that started the worker',
  { tags: ['slow'] },
  ({ make }) =>
    run(async () => {
      await using pool = make({ maxWorkers: 1 })
      const isStarted = new Future<void>()
      const first = createTask(async () => {
        await pool.submit(refs.steps, 1)
        isStarted.setResult()
        await sleep(60_000)
      })
      await isStarted
      first.cancel()
      await expect(first).rejects.toThrow(CancelledError)
      const tasks = new Set<Task | null>()
      const waits: Promise<string>[] = []
      await pool.submit(refs.steps, 2).onProgress(() => {
        tasks.add(currentTask())
        waits.push((async () => sleep(1, 'waited'))())
      })
      expect([...tasks]).toEqual([null])
      // A wait in the scope of the cancelled task would be refused.
      expect(await Promise.all(waits)).toEqual(['waited', 'waited'])
    }),
)
