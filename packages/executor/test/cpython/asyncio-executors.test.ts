// Behaviours of asyncio's test_threads, and of the cases about run_in_executor in test_events and test_base_events.
import { ContextVar, createTask, gather, isCancelled, run, sleep } from '@tasktree/core'
import { runInExecutor, ThreadPoolExecutor, toThread } from '@tasktree/executor'
import { threadId } from 'node:worker_threads'
import { describe, expect, test } from 'vitest'
import { refs } from '../support/kinds.ts'

describe('test_threads.py', { tags: ['slow'] }, () => {
  test('test_to_thread: toThread gives what the function returns', async () => {
    expect(await run(() => toThread(refs.add, 40, 2))).toBe(42)
  })

  test('test_to_thread_exception: toThread throws what the function throws', async () => {
    await expect(run(() => toThread(refs.failOnOdd, 1))).rejects.toThrow('odd 1')
  })

  test('test_to_thread_once: toThread calls the function once', async () => {
    const calls = await run(async () => {
      const count = (): number => {
        const home = globalThis as { calls?: number }
        home.calls = (home.calls ?? 0) + 1
        return home.calls
      }
      return toThread(count)
    })
    expect(calls).toBe(1)
  })

  test('test_to_thread_concurrent: ten calls of toThread at the same time each give their result', async () => {
    const results = await run(async () =>
      gather(Array.from({ length: 10 }, (_, i) => toThread(refs.echo, i))),
    )
    expect(results).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  })

  test('test_to_thread_args_kwargs: an object argument takes the place of keyword arguments', async () => {
    const job = (a: string, { something }: { something: number }): [string, number] => [
      a,
      something,
    ]
    expect(await run(() => toThread(job, 'test', { something: 2 }))).toEqual(['test', 2])
  })

  test('test_to_thread_contextvars: the value of a context variable reaches the thread as an argument', async () => {
    const variable = new ContextVar<string>('parrot')
    const result = await run(async () => {
      variable.set('Norwegian Blue')
      return toThread((text: string) => text, variable.get())
    })
    expect(result).toBe('Norwegian Blue')
  })
})

test(
  'test_thread_names_assigned, test_thread_names_default: threads have the name of their pool and a number',
  { tags: ['slow'] },
  async () => {
    const read = async (): Promise<string | null> =>
      (await import('node:worker_threads')).threadName
    for (const [options, expected] of [
      [{ name: 'special' }, 'special-1'],
      [{}, 'executor-1'],
    ] as const) {
      await using pool = new ThreadPoolExecutor({ maxWorkers: 1, ...options })
      expect(await pool.submit(read)).toBe(expected)
    }
  },
)

describe('test_events.py, test_base_events.py', { tags: ['slow'] }, () => {
  test('test_run_in_executor: the function runs in another thread', async () => {
    const [argument, thread] = await run(() =>
      runInExecutor(
        null,
        async (text: string) => [text, (await import('node:worker_threads')).threadId] as const,
        'yo',
      ),
    )
    expect(argument).toBe('yo')
    expect(thread).not.toBe(threadId)
  })

  test('test_run_in_executor_cancel: a cancelled job has called its callbacks when the run has ended', async () => {
    let called = false
    await run(async () => {
      const future = runInExecutor(null, refs.pause, 100)
      future.cancel()
      future.addDoneCallback(() => {
        called = true
      })
      await expect(future).rejects.toSatisfy(isCancelled)
    })
    expect(called).toBe(true)
  })

  test('test_set_default_executor_error: runInExecutor refuses an executor that is a string', () => {
    expect(() => runInExecutor('not an executor' as never, refs.echo, 1)).toThrow(TypeError)
  })

  test('test_set_default_executor: runInExecutor runs the job in the pool that it is given', async () => {
    await run(async () => {
      await using mine = new ThreadPoolExecutor({ maxWorkers: 1 })
      expect(await runInExecutor(mine, refs.myWorker)).toBe(1)
      expect(mine.stats.completed).toBe(1)
    })
  })

  test('shutdown_default_executor: the end of a run waits for the jobs of the default pool', async () => {
    const future = await run(async () => {
      const task = createTask(async () => sleep(0))
      await task
      return [toThread(refs.pause, 50)]
    })
    expect(future[0]?.done()).toBe(true)
    expect(future[0]?.exception()).toBeNull()
  })
})
