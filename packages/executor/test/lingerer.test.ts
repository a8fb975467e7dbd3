// A thread that has run out of jobs looks for the next job for a short time before it sleeps. Tests that this changes nothing else.
import { gather, isCancelled, sleep } from '@tasktree/core'
import { ThreadPoolExecutor, workerSignal } from '@tasktree/executor'
import { setImmediate as nextLoop } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { refs } from './support/kinds.ts'

const rounds = 300

/** Submits jobs one after another for `ms` milliseconds, so that the thread is still looking when the next job comes. */
async function keepBusy(pool: ThreadPoolExecutor, ms: number): Promise<void> {
  const end = performance.now() + ms
  while (performance.now() < end) await pool.submit(refs.echo, 1)
}

test(
  'timers that a job leaves in a thread fire between later jobs and while the thread is idle',
  { tags: ['slow'] },
  async () => {
    await using pool = new ThreadPoolExecutor({ maxWorkers: 1 })
    await pool.submit(() => {
      const home = globalThis as { fired?: number }
      home.fired = 0
      setInterval(() => {
        home.fired = (home.fired as number) + 1
      }, 1)
    })
    const fired = (): Promise<number> =>
      pool.submit(() => (globalThis as { fired?: number }).fired as number).then((n) => n)
    const before = await fired()
    // The pool is never idle here, because each job follows the last one at once. If no timer fires, the test runs into its limit.
    while ((await fired()) - before <= 10);
    const between = await fired()
    while ((await fired()) - between <= 10) await sleep(20)
  },
)

test(
  'the ticks and microtasks that a job leaves in a thread run before the next job of the thread',
  { tags: ['slow'] },
  async () => {
    await using pool = new ThreadPoolExecutor({ maxWorkers: 1 })
    const leave = (round: number): void => {
      const home = globalThis as { left?: string }
      home.left = String(round)
      process.nextTick(() => {
        home.left += ' tick'
      })
      void Promise.resolve()
        .then(() => {})
        .then(() => {})
        .then(() => {
          home.left += ' microtask'
        })
    }
    const find = (): string | undefined => (globalThis as { left?: string }).left
    for (let round = 0; round < rounds; round++) {
      await pool.submit(leave, round)
      const left = await pool.submit(find)
      expect([`${round} tick microtask`, `${round} microtask tick`]).toContain(left)
    }
  },
)

test(
  'a job that is cancelled early sees its cancel in a busy thread, and the thread is not replaced',
  { tags: ['slow'] },
  async () => {
    await using pool = new ThreadPoolExecutor({ maxWorkers: 1, cancelGrace: 2_000 })
    const worker = await pool.submit(refs.myWorker)
    const waitUntilAborted = async (): Promise<string> => {
      const signal = workerSignal()
      if (signal.aborted) return 'stopped'
      return new Promise((resolve) => {
        signal.addEventListener('abort', () => resolve('stopped'))
      })
    }
    for (let round = 0; round < rounds; round++) {
      await pool.submit(refs.echo, round)
      const job = pool.submit(round % 2 === 0 ? waitUntilAborted : refs.spinUntilAborted)
      for (let turn = 0; turn < round % 5; turn++) await nextLoop()
      job.cancel()
      await expect(job).rejects.toSatisfy(isCancelled)
      expect(await pool.submit(refs.echo, round)).toBe(round)
    }
    expect(await pool.submit(refs.myWorker)).toBe(worker)
  },
)

test(
  'a pool that was busy a moment ago shuts down with no thread left',
  { tags: ['slow'] },
  async () => {
    for (let round = 0; round < 5; round++) {
      const pool = new ThreadPoolExecutor({ maxWorkers: 1 })
      await keepBusy(pool, 5)
      await pool.shutdown()
      expect(pool.stats.workers).toBe(0)
    }
  },
)

test('the event loop of an idle thread sleeps', { tags: ['slow'] }, async () => {
  await using pool = new ThreadPoolExecutor({ maxWorkers: 1 })
  const turns = (): number => performance.nodeTiming.uvMetricsInfo.loopCount
  await keepBusy(pool, 20)
  const before = await pool.submit(turns)
  await sleep(400)
  // A thread that looks for jobs has a turn of its loop after each look, which takes at most a few milliseconds.
  expect((await pool.submit(turns)) - before).toBeLessThan(10)
})

test('the next job goes to the thread whose job has just ended', { tags: ['slow'] }, async () => {
  await using pool = new ThreadPoolExecutor({ maxWorkers: 2, minWorkers: 2 })
  while (pool.stats.idle < 2) await sleep(5)
  // After this both workers have loaded the module of the jobs.
  await gather([pool.submit(refs.pause, 20), pool.submit(refs.pause, 20)])
  const gate = new Int32Array(new SharedArrayBuffer(4))
  const long = pool.submit(refs.waitAt, gate)
  const other = await pool.submit(refs.myWorker)
  Atomics.store(gate, 0, 1)
  Atomics.notify(gate, 0)
  const last = await long
  expect(last).not.toBe(other)
  expect(await pool.submit(refs.myWorker)).toBe(last)
  expect(await pool.submit(refs.myWorker)).toBe(last)
})

test(
  'a job that replaces timers or the clock by fakes does not stop its thread or the timers of earlier jobs',
  { tags: ['slow'] },
  async () => {
    const fakes: (() => void | Promise<void>)[] = [
      async () => {
        const { mock } = await import('node:test')
        mock.timers.enable()
      },
      () => {
        globalThis.performance.now = () => 0
      },
      () => {
        process.nextTick = () => {}
      },
    ]
    for (const fake of fakes) {
      await using pool = new ThreadPoolExecutor({ maxWorkers: 1 })
      const worker = await pool.submit(refs.myWorker)
      await pool.submit(() => {
        const home = globalThis as { fired?: number }
        home.fired = 0
        setInterval(() => {
          home.fired = (home.fired as number) + 1
        }, 1)
      })
      await pool.submit(fake)
      const fired = (): number => (globalThis as { fired?: number }).fired as number
      // Between the jobs the worker is idle, and has to return to its event loop.
      while ((await pool.submit(fired)) < 3) await sleep(10)
      expect(await pool.submit(refs.myWorker)).toBe(worker)
    }
  },
)
