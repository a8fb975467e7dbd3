// Behaviours of CPython's test_concurrent_futures, for both kinds of pool. The name of each test begins with the names of the cases
// there.
import {
  ALL_COMPLETED,
  asCompleted,
  FIRST_COMPLETED,
  FIRST_EXCEPTION,
  type Future,
  getEventLoop,
  InvalidStateError,
  isCancelled,
  run,
  RuntimeError,
  sleep,
  TimeoutError,
  wait,
  waitFor,
} from '@tasktree/core'
import {
  BrokenExecutor,
  type Executor,
  JobSerializationError,
  WorkerCrashedError,
} from '@tasktree/executor'
import { availableParallelism } from 'node:os'
import { describe, expect, test } from 'vitest'
import { kinds, refs } from '../support/kinds.ts'

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

const never = 3_600_000

/** Waits until all workers of the pool have started. */
async function warm<P extends Executor>(pool: P, workers: number): Promise<P> {
  while (pool.stats.idle < workers) await sleep(5)
  return pool
}

describe.for(kinds)('a pool of $name', { tags: ['slow'] }, ({ name: kind, make }) => {
  describe('executor.py', () => {
    test('test_submit: submit gives what the function returns', async () => {
      await using pool = make({ maxWorkers: 1 })
      expect(await pool.submit((a: number, b: number) => a ** b, 2, 8)).toBe(256)
    })

    test('test_map, test_map_chunksize: map gives the results in the order of the items, for any chunksize', async () => {
      await using pool = make({ maxWorkers: 2 })
      const items = Array.from({ length: 10 }, (_, i) => i)
      const squares = items.map((n) => n ** 2)
      const job = (n: number): number => n ** 2
      for (const chunksize of [1, 3, 20])
        expect(await collect(pool.map(job, items, { chunksize }))).toEqual(squares)
      expect(() => pool.map(job, items, { chunksize: -1 })).toThrow(RangeError)
    })

    test('test_map_exception: map throws the failure of a job after the results before it, then ends', async () => {
      await using pool = make({ maxWorkers: 1 })
      const results = pool.map(refs.failOnOdd, [0, 2, 1, 4])[Symbol.asyncIterator]()
      expect((await results.next()).value).toBe(0)
      expect((await results.next()).value).toBe(20)
      await expect(results.next()).rejects.toBeInstanceOf(RangeError)
      expect((await results.next()).done).toBe(true)
    })

    test('test_map_timeout: map gives the results that come in time, then throws TimeoutError', async () => {
      await using pool = await warm(make({ maxWorkers: 2, minWorkers: 2 }), 2)
      const results: unknown[] = []
      const read = async (): Promise<void> => {
        for await (const each of pool.map(refs.pause, [0, never], { timeout: 4_000 }))
          results.push(each)
      }
      await expect(read()).rejects.toBeInstanceOf(TimeoutError)
      expect(results).toHaveLength(1)
    })

    test('test_shutdown_race_issue12456, test_idle_process_reuse_one: shutdown lets jobs end, one idle worker is used again', async () => {
      const pool = make({ maxWorkers: 4 })
      const jobs = Array.from({ length: 20 }, () => pool.submit(refs.echo, 1))
      await pool.shutdown()
      expect(jobs.every((job) => job.done() && job.result() === 1)).toBe(true)
      await using one = make({ maxWorkers: 4 })
      for (let i = 0; i < 3; i++) await one.submit(refs.echo, i)
      expect(one.stats.workers).toBe(1)
    })

    test('test_no_stale_references, test_free_reference: a pool keeps no result of a job', async () => {
      await using pool = make({ maxWorkers: 1 })
      let future: ReturnType<typeof pool.submit> | null = pool.submit(() => ({ big: true }))
      const result = new WeakRef((await future) as object)
      future = null
      await pool.submit(refs.echo, 1)
      // The garbage collector needs some time to free the result. It never frees a result that is still referenced.
      for (let i = 0; i < 20 && result.deref() !== undefined; i++) {
        await sleep(1)
        globalThis.gc?.()
      }
      expect(result.deref() === undefined).toBe(true)
    })

    test('test_max_workers_negative: a maxWorkers below one is refused', () => {
      for (const maxWorkers of [-1, 0]) expect(() => make({ maxWorkers })).toThrow(RangeError)
    })
  })

  describe('test_as_completed.py', () => {
    test('test_no_timeout, test_duplicate_futures: asCompleted gives each job once, the slow job last', async () => {
      await using pool = await warm(make({ maxWorkers: 3, minWorkers: 3 }), 3)
      // After this each worker has loaded the module of the jobs, so only the pause makes a job slow.
      await Promise.all([1, 2, 3].map(() => pool.submit(refs.pause, 50)))
      const slow = pool.submit(refs.pause, 1_000)
      const quick = pool.submit(refs.echo, 7)
      const failed = pool.submit(refs.failOnOdd, 1).catch(() => 'failed')
      const order: unknown[] = []
      for await (const result of asCompleted<unknown>([slow, quick, quick, failed]))
        order.push(result)
      expect(order).toHaveLength(3)
      expect(order.slice(0, 2).toSorted()).toEqual([7, 'failed'])
    })

    test('test_future_times_out: asCompleted throws TimeoutError when a job does not end in time', async () => {
      await using pool = make({ maxWorkers: 1 })
      const slow = pool.submit(refs.pause, never)
      await expect(collect(asCompleted([slow], { timeout: 20 }))).rejects.toBeInstanceOf(
        TimeoutError,
      )
      slow.cancel()
    })
  })

  describe('test_wait.py', () => {
    test('test_first_completed, _some_already_completed, test_20369: wait returns when the first job has ended', async () => {
      await using pool = make({ maxWorkers: 2 })
      const quick = pool.submit(refs.echo, 1)
      const slow = pool.submit(refs.pause, never)
      const first = await wait([quick, slow], { returnWhen: FIRST_COMPLETED })
      expect([first.done.has(quick), first.pending.has(slow)]).toEqual([true, true])
      const again = await wait([quick, slow, quick], { returnWhen: FIRST_COMPLETED })
      expect([again.done.size, again.pending.size]).toEqual([1, 1])
      slow.cancel()
    })

    test('test_first_exception, _some_already_complete, _one_already_failed: wait returns when a job has failed', async () => {
      await using pool = make({ maxWorkers: 2 })
      const fine = pool.submit(refs.echo, 1)
      const failed = pool.submit(refs.throwValue, 'failed')
      const slow = pool.submit(refs.pause, never)
      const { done, pending } = await wait<Future<unknown>>([fine, failed, slow], {
        returnWhen: FIRST_EXCEPTION,
      })
      expect([done.has(failed), pending.has(slow)]).toEqual([true, true])
      expect(failed.exception()).toBe('failed')
      const again = await wait<Future<unknown>>([failed, slow], { returnWhen: FIRST_EXCEPTION })
      expect(again.done.size).toBe(1)
      slow.cancel()
    })

    test('test_all_completed, test_timeout: wait returns when all jobs have ended, or when its timeout is over', async () => {
      await using pool = make({ maxWorkers: 2 })
      const all = [pool.submit(refs.echo, 1), pool.submit(refs.throwValue, 2)]
      const { done, pending } = await wait<Future<unknown>>(all, { returnWhen: ALL_COMPLETED })
      expect([done.size, pending.size]).toEqual([2, 0])
      expect(all[1]?.exception()).toBe(2)
      const slow = pool.submit(refs.pause, never)
      const timed = await wait<Future<unknown>>([...all, slow], { timeout: 20 })
      expect([timed.done.size, timed.pending.has(slow)]).toEqual([2, true])
      slow.cancel()
    })
  })

  describe('test_future.py', () => {
    test('done callbacks are called after a result, a failure and a cancel, even if they are added later', async () => {
      await using pool = make({ maxWorkers: 1 })
      const heard: string[] = []
      const listen = (name: string, job: ReturnType<typeof pool.submit>): typeof job => {
        job.addDoneCallback((future) => {
          heard.push(`${name} ${future.cancelled() ? 'cancelled' : String(future.exception())}`)
        })
        return job
      }
      const done = listen('done', pool.submit(refs.echo, 1) as never)
      const failed = listen('failed', pool.submit(refs.throwValue, 'x') as never)
      const cancelled = listen('cancelled', pool.submit(refs.pause, never) as never)
      await wait([done, failed])
      expect(cancelled.cancel()).toBe(true)
      expect(cancelled.cancel()).toBe(false)
      await wait([cancelled])
      for (const future of [done, failed, cancelled]) listen('late', future)
      await sleep(0)
      expect(heard).toEqual([
        'done null',
        'failed x',
        'cancelled cancelled',
        'late null',
        'late x',
        'late cancelled',
      ])
    })

    test('test_done_callback_raises: a done callback that throws is reported, and the next one is called', async () => {
      const loop = getEventLoop()
      const reports: unknown[] = []
      loop.setExceptionHandler((_, { exception }) => reports.push(exception))
      try {
        await using pool = make({ maxWorkers: 1 })
        let called = false
        const future = pool.submit(refs.echo, 1)
        future.addDoneCallback(() => {
          throw new Error('callback')
        })
        future.addDoneCallback(() => (called = true))
        await future
        await sleep(0)
        expect(called).toBe(true)
        expect(reports).toEqual([new Error('callback')])
      } finally {
        loop.setExceptionHandler(null)
      }
    })

    test('test_result_with_*, test_exception_with_*, test_multiple_set_*: a job is read when it has ended, and set once', async () => {
      await using pool = make({ maxWorkers: 1 })
      const future = pool.submit(refs.pause, 30)
      expect(() => future.result()).toThrow(InvalidStateError)
      expect(() => future.exception()).toThrow(InvalidStateError)
      await expect(waitFor(pool.submit(refs.pause, never), 10)).rejects.toBeInstanceOf(TimeoutError)
      const failed = pool.submit(refs.throwValue, 'x')
      await wait<Future<unknown>>([future, failed])
      expect([future.done(), future.cancelled(), future.exception()]).toEqual([true, false, null])
      expect(failed.exception()).toBe('x')
      expect(() => future.setResult(1)).toThrow(InvalidStateError)
      expect(() => failed.setException(new Error('again'))).toThrow(InvalidStateError)
    })
  })

  describe('test_init.py', () => {
    test('test_initializer: the initializer runs in each worker, and an initializer that throws breaks the pool', async () => {
      const initializer = (value: string): void => {
        ;(globalThis as { initialized?: string }).initialized = value
      }
      const seen = (): unknown => (globalThis as { initialized?: string }).initialized
      await using pool = make({ maxWorkers: 2, initializer, initargs: ['initialized'] })
      expect(await Promise.all([pool.submit(seen), pool.submit(seen)])).toEqual([
        'initialized',
        'initialized',
      ])
      const broken = make({
        maxWorkers: 2,
        initializer: () => {
          throw new Error('no')
        },
      })
      const waiting = broken.submit(refs.echo, 1)
      await expect(waiting).rejects.toBeInstanceOf(BrokenExecutor)
      expect(() => broken.submit(refs.echo, 1)).toThrow(BrokenExecutor)
      await broken.shutdown()
    })
  })

  describe('test_deadlock.py', () => {
    test('test_error_at_task_pickle, test_shutdown_deadlock_pickle: an argument that cannot be cloned fails only its job', async () => {
      const pool = make({ maxWorkers: 1 })
      const unpickleable = pool.submit(refs.identity, () => 1)
      await expect(unpickleable).rejects.toBeInstanceOf(JobSerializationError)
      expect(await pool.submit(refs.echo, 1)).toBe(1)
      const last = pool.submit(refs.identity, () => 1)
      last.catch(() => {})
      await pool.shutdown()
      await expect(last).rejects.toBeInstanceOf(JobSerializationError)
    })

    test('test_error_during_result_pickle_on_worker: a result that cannot be cloned fails only its job', async () => {
      await using pool = make({ maxWorkers: 1 })
      await expect(pool.submit(refs.giveUncloneable)).rejects.toBeInstanceOf(JobSerializationError)
      expect(await pool.submit(refs.echo, 1)).toBe(1)
    })

    test('test_error_, test_exit_, test_crash_during_func_exec_on_worker: a job that throws or crashes fails alone', async () => {
      await using pool = make({ maxWorkers: 1 })
      await expect(pool.submit(refs.failOnOdd, 1)).rejects.toBeInstanceOf(RangeError)
      await expect(pool.submit(refs.exit, 1)).rejects.toBeInstanceOf(WorkerCrashedError)
      if (kind === 'processes') {
        await expect(pool.submit(refs.killSelf)).rejects.toMatchObject({ signal: 'SIGKILL' })
      }
      expect(await pool.submit(refs.echo, 1)).toBe(1)
    })

    test('test_shutdown_deadlock: shutdown ends although a worker crashes meanwhile', async () => {
      const pool = make({ maxWorkers: 2 })
      const crash = pool.submit(refs.exit, 1)
      crash.catch(() => {})
      await pool.shutdown()
      await expect(crash).rejects.toBeInstanceOf(WorkerCrashedError)
      expect(pool.stats.workers).toBe(0)
    })

    test('test_crash_big_data: jobs with megabytes of arguments run after the worker before them has crashed', async () => {
      await using pool = make({ maxWorkers: 1 })
      const data = Buffer.alloc(2 ** 20)
      const crash = pool.submit(refs.exit, 1)
      const waiting = Array.from({ length: 20 }, () =>
        pool.submit((bytes: Uint8Array) => bytes.length, data),
      )
      await expect(crash).rejects.toBeInstanceOf(WorkerCrashedError)
      expect(await Promise.all(waiting)).toEqual(waiting.map(() => 2 ** 20))
    })

    test('test_gh105829_should_not_deadlock_if_wakeup_pipe_full: thousands of queued jobs all end', async () => {
      await using pool = make({ maxWorkers: 1 })
      const big = 'x'.repeat(1_000)
      const jobs = Array.from({ length: 3_000 }, () => pool.submit(refs.identity, big))
      const results = await Promise.all(jobs)
      expect(results.every((result) => result === big)).toBe(true)
    })
  })

  describe('test_process_pool.py, test_thread_pool.py', () => {
    test('test_saturation: jobs beyond maxWorkers wait, and all of them run', async () => {
      await using pool = make({ maxWorkers: 2 })
      const jobs = Array.from({ length: 30 }, () => pool.submit(refs.pause, 2))
      await sleep(0)
      expect(pool.stats.workers).toBeLessThanOrEqual(2)
      expect(await Promise.all(jobs)).toHaveLength(30)
      expect(pool.stats).toMatchObject({ completed: 30, queued: 0, running: 0 })
    })

    test('test_idle_process_reuse_multiple, test_idle_thread_reuse: idle workers run the next jobs', async () => {
      await using pool = await warm(make({ maxWorkers: 3, minWorkers: 2 }), 2)
      const first = new Set(await Promise.all([1, 2].map(() => pool.submit(refs.pause, 50))))
      const second = new Set(await Promise.all([1, 2].map(() => pool.submit(refs.pause, 50))))
      expect(first.size).toBe(2)
      expect(second).toEqual(first)
      expect(pool.stats.workers).toBe(2)
    })

    test('test_max_tasks_per_child, test_max_tasks_early_shutdown: a worker is replaced after maxTasksPerWorker jobs', async () => {
      const pool = make({ maxWorkers: 1, maxTasksPerWorker: 3 })
      const ids = await Promise.all(Array.from({ length: 6 }, () => pool.submit(refs.myWorker)))
      expect(ids).toEqual([ids[0], ids[0], ids[0], ids[3], ids[3], ids[3]])
      expect(ids[3]).not.toBe(ids[0])
      const late = Array.from({ length: 6 }, (_, i) => pool.submit(refs.echo, i))
      await pool.shutdown()
      expect(await Promise.all(late)).toEqual([0, 1, 2, 3, 4, 5])
    })

    test('test_default_workers: a pool has at most as many workers as the machine has processors', async () => {
      await using pool = make()
      const jobs = Array.from({ length: 64 }, () => pool.submit(refs.pause, 5))
      await Promise.all(jobs)
      expect(pool.stats.workers).toBeLessThanOrEqual(availableParallelism())
    })

    test('test_traceback: the stack of an error names the code of the job and the code that submitted it', async () => {
      await using pool = make({ maxWorkers: 1 })
      const error = (await pool.submit(refs.failOddly).catch((e: unknown) => e)) as Error
      expect(error.stack).toMatch(/failOddly/)
      expect(error.stack).toMatch(/concurrent-futures\.test/)
    })

    // Only a process can be killed from outside, and not a thread.
    test.for(kind === 'processes' ? ['SIGKILL'] : [])(
      'test_killed_child: a worker killed by %s fails its running job, and unlike in Python the pool goes on',
      async (signal) => {
        await using pool = make({ maxWorkers: 1 })
        const pid = await pool.submit(() => process.pid)
        const running = pool.submit(refs.pause, never)
        while (pool.stats.running === 0) await sleep(5)
        process.kill(pid, signal)
        await expect(running).rejects.toMatchObject({ name: 'WorkerCrashedError', signal })
        expect(await pool.submit(refs.echo, 1)).toBe(1)
      },
    )

    test('test_executor_map_current_future_cancel: leaving the loop over map cancels the job that runs', async () => {
      await using pool = make({ maxWorkers: 1 })
      for await (const _ of pool.map(refs.pause, [1, never])) break
      expect(await waitFor(pool.submit(refs.echo, 1), 20_000)).toBe(1)
    })
  })

  describe('test_shutdown.py', () => {
    test('test_run_after_shutdown, test_context_manager_shutdown: a pool that has ended refuses jobs', async () => {
      const pool = make({ maxWorkers: 1 })
      {
        await using scoped = pool
        expect(await collect(scoped.map(refs.echo, [1, 2]))).toEqual([1, 2])
      }
      expect(pool.stats.workers).toBe(0)
      expect(() => pool.submit(refs.echo, 1)).toThrow(RuntimeError)
      expect(() => pool.map(refs.echo, [1])).toThrow(RuntimeError)
    })

    test('test_cancel_futures: shutdown with cancelFutures cancels the waiting jobs and keeps earlier results', async () => {
      const pool = make({ maxWorkers: 1 })
      const ended = pool.submit(refs.echo, 1)
      await ended
      const jobs = Array.from({ length: 20 }, () => pool.submit(refs.pause, 20))
      await sleep(10)
      await pool.shutdown({ cancelFutures: true })
      expect(ended.result()).toBe(1)
      expect(jobs.every((job) => job.done())).toBe(true)
      expect(jobs.filter((job) => job.cancelled()).length).toBeGreaterThanOrEqual(19)
    })

    test('test_hang_gh83386, test_shutdown_no_wait, test_cancel_futures_wait_false: shutdown need not wait for the jobs', async () => {
      const pool = make({ maxWorkers: 2 })
      const jobs = [1, 2, 3].map(() => pool.submit(refs.pause, 20))
      await pool.shutdown({ wait: false })
      expect(jobs.some((job) => !job.done())).toBe(true)
      expect(await Promise.all(jobs)).toHaveLength(3)
      const other = make({ maxWorkers: 1 })
      const running = other.submit(refs.pause, 5)
      const cancelled = other.submit(refs.pause, 5)
      await other.shutdown({ wait: false, cancelFutures: true })
      await wait([running, cancelled])
      expect(isCancelled(await cancelled.catch((error: unknown) => error))).toBe(true)
      await Promise.all([pool.shutdown(), other.shutdown()])
    })

    test('test_threads_terminate, test_processes_terminate, test_hang_issue12364: shutdown ends all workers after the jobs', async () => {
      const pool = make({ maxWorkers: 3 })
      const jobs = Array.from({ length: 10 }, () => pool.submit(refs.echo, 1))
      await pool.shutdown()
      expect(await Promise.all(jobs)).toEqual(jobs.map(() => 1))
      expect(pool.stats).toMatchObject({ workers: 0, idle: 0 })
    })

    test('test_interpreter_shutdown: a run that ends lets the jobs of its pool end', async () => {
      const results = await run(async () => {
        await using pool = make({ maxWorkers: 1 })
        return [1, 2, 3].map((n) => ({ job: pool.submit(refs.echo, n) }))
      })
      expect(results.map(({ job }) => job.result())).toEqual([1, 2, 3])
    })
  })
})
