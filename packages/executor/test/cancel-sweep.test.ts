// A cancel at every suspension point of every operation: after it nothing is left in the pool, and the next job runs.
import { createTask, gather, run, sleep, taskGroup, timeout } from '@tasktree/core'
import { ExecutorQueueFull, type JobFuture, runInExecutor, toThread } from '@tasktree/executor'
import { describe, expect, test } from 'vitest'
import { kinds, refs } from './support/kinds.ts'

type Pool = ReturnType<(typeof kinds)[number]['make']>

/** Long, but not endless, so that a job that gets no cancel fails its test by itself. */
const long = 30_000

async function readAll(values: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of values);
}

/** Operations that end by themselves. Each is cancelled once after each turn of the loop until then. */
const short: Record<string, (pool: Pool) => PromiseLike<unknown>> = {
  submit: (pool) => pool.submit(refs.witness, 1),
  'submit of two jobs, one behind the other': (pool) =>
    gather([pool.submit(refs.witness, 1), pool.submit(refs.witness, 0)]),
  'submit of many short jobs, which are sent together': (pool) =>
    gather(Array.from({ length: 40 }, (_, i) => pool.submit(refs.echo, i))),
  runInExecutor: (pool) => runInExecutor(pool, refs.witness, 1),
  map: (pool) => readAll(pool.map(refs.witness, [1, 0, 1, 0])),
  'map in chunks, unordered': (pool) =>
    readAll(pool.map(refs.witness, [1, 0, 1, 0], { chunksize: 2, ordered: false })),
  'map of slow items': (pool) => {
    async function* items(): AsyncGenerator<number> {
      for (const ms of [0, 1, 0]) {
        await sleep(1)
        yield ms
      }
    }
    return readAll(pool.map(refs.witness, items()))
  },
  'map of what a map gives': (pool) =>
    readAll(pool.map(refs.witness, pool.map(refs.witness, [0, 1]))),
  'the values of a generator': (pool) => readAll(pool.submit(refs.witnessValues, 40, 0)),
  'the end of a generator': (pool) => pool.submit(refs.witnessValues, 40, 0),
}

/** Operations that do not end by themselves. */
const endless: Record<string, (pool: Pool) => PromiseLike<unknown>> = {
  submit: (pool) => pool.submit(refs.witness, long),
  'submit of a job that waits for another': (pool) =>
    gather([pool.submit(refs.witness, long), pool.submit(refs.witness, long)]),
  runInExecutor: (pool) => runInExecutor(pool, refs.witness, long),
  map: (pool) => readAll(pool.map(refs.witness, [0, long, long])),
  'map in chunks': (pool) => readAll(pool.map(refs.witness, [0, 0, long], { chunksize: 2 })),
  'map of an item that never comes': (pool) => {
    async function* items(): AsyncGenerator<number> {
      yield long
      await sleep(long)
    }
    return readAll(pool.map(refs.witness, items()))
  },
  'the values of a generator': (pool) => readAll(pool.submit(refs.witnessValues, 3, long)),
  'a generator whose reader is slow': async (pool) => {
    for await (const _ of pool.submit(refs.witnessValues, 100, 0)) await sleep(long)
  },
  'a timeout around submit': (pool) => timeout(long, async () => pool.submit(refs.witness, long)),
  // Several flows of one task.
  'Promise.all': async (pool) =>
    Promise.all([pool.submit(refs.witness, long), pool.submit(refs.witness, long)]),
  'Promise.race': async (pool) =>
    Promise.race([pool.submit(refs.witness, long), pool.submit(refs.witness, long)]),
  'maps side by side': async (pool) =>
    Promise.all([
      readAll(pool.map(refs.witness, [0, long])),
      readAll(pool.map(refs.witness, [long, 0], { ordered: false })),
    ]),
  'a task group': (pool) =>
    taskGroup(async (group) => {
      group.createTask(async () => pool.submit(refs.witness, long))
      await pool.submit(refs.witness, long)
    }),
}

/** Waits for the moment of cancel number `n`: some turns of the loop, each time more. */
async function untilMoment(n: number): Promise<void> {
  const turns = n < 12 ? n : 12 + (n - 12) * 4
  for (let i = 0; i < turns; i++) await sleep(0)
}

const maxQueue = 50

/** Calls `body` with a pool that has one worker, which has started. Ends the pool. */
async function withPool(
  make: (typeof kinds)[number]['make'],
  body: (pool: Pool) => Promise<void>,
): Promise<void> {
  const pool = make({ maxWorkers: 1, maxQueue, cancelGrace: 10_000 })
  await pool.submit(refs.echo, 0)
  await body(pool)
  await pool.shutdown()
  expect(pool.stats.workers).toBe(0)
}

/** Checks that all jobs have ended, in the first worker of the pool. Returns how many of them have seen their cancel. */
async function checkIdle(pool: Pool, when: string): Promise<number> {
  const { aborted, ended, started, worker } = await pool.submit(refs.readWitnessed)
  const { crashed, queued, running, workers } = pool.stats
  const left = { running: started - ended + running, queued, workers, crashed, worker, when }
  expect(left).toEqual({ running: 0, queued: 0, workers: 1, crashed: 0, worker: 1, when })
  return aborted
}

/** Checks that as many jobs can wait as in a new pool. */
async function checkQueue(pool: Pool): Promise<void> {
  const jobs: JobFuture<number>[] = []
  try {
    for (;;) jobs.push(pool.submit(refs.witness, long))
  } catch (error) {
    expect(error).toBeInstanceOf(ExecutorQueueFull)
  }
  expect(jobs.length).toBe(maxQueue + 1)
  for (const job of jobs) job.cancel()
  await checkIdle(pool, 'after a full queue')
}

describe.for(kinds)('a pool of $name', { tags: ['slow'] }, ({ make }) => {
  test.for(Object.entries(short))(
    'no job and no worker is left over after this is cancelled in any turn of the event loop: %s',
    ([, operate]) =>
      run(() =>
        withPool(make, async (pool) => {
          let cancels = 0
          for (let n = 0; n < 25; n++) {
            const task = createTask(async () => {
              await operate(pool)
            })
            await untilMoment(n)
            const isCancelled = task.cancel()
            const ended = await gather([task], { returnExceptions: true })
            await checkIdle(pool, `cancelled at moment ${n}`)
            if (!isCancelled) break
            cancels++
            expect(ended, `cancelled at moment ${n}`).toMatchObject([{ name: 'CancelledError' }])
          }
          expect(cancels).toBeGreaterThan(0)
          await checkQueue(pool)
        }),
      ),
  )

  test.for(Object.entries(endless))(
    'no job and no worker is left over after this is cancelled while it waits: %s',
    ([, operate]) =>
      run(() =>
        withPool(make, async (pool) => {
          let aborted = 0
          for (const ms of [0, 0, 0, 0, 0, 0, 5, 20]) {
            const task = createTask(async () => {
              await operate(pool)
            })
            await untilMoment(ms)
            await sleep(ms)
            expect(task.cancel()).toBe(true)
            await expect(task).rejects.toMatchObject({ name: 'CancelledError' })
            aborted = await checkIdle(pool, `cancelled after ${ms} ms`)
          }
          expect(aborted).toBeGreaterThan(0)
          await checkQueue(pool)
        }),
      ),
  )

  test.for([
    ['shutdown', (pool: Pool) => pool.shutdown()],
    ['shutdown with cancelFutures', (pool: Pool) => pool.shutdown({ cancelFutures: true })],
    ['disposal', (pool: Pool) => pool[Symbol.asyncDispose]()],
  ] as const)(
    'the pool ends although its end is cancelled in any turn of the event loop: %s',
    ([how, end]) =>
      run(async () => {
        for (let n = 0; n < 6; n++) {
          const pool = make({ maxWorkers: 1, cancelGrace: 10_000 })
          await pool.submit(refs.echo, 0)
          const jobs = [0, 1].map(() => pool.submit(refs.witness, 300))
          const ending = createTask(() => end(pool))
          await untilMoment(n)
          ending.cancel()
          await gather([ending], { returnExceptions: true })
          expect(ending.cancelled()).toBe(true)
          if (how === 'disposal' && n > 0) expect(pool.stats.workers).toBe(0)
          // A cancelled shutdown goes on. So jobs that it does not cancel come to their end.
          const ends = await gather(jobs, { returnExceptions: true })
          if (how === 'shutdown' && n > 0) expect(ends).toEqual([300, 300])
          await pool.shutdown()
          expect(pool.stats).toMatchObject({ workers: 0, queued: 0, running: 0, crashed: 0 })
        }
      }),
  )
})

test(
  'a run whose toThread is cancelled in any turn of the event loop ends without waiting for the cancelled job',
  { tags: ['slow'] },
  async () => {
    for (let n = 0; n < 12; n++) {
      const isDone = await run(async () => {
        const job = createTask(async () => toThread(refs.witness, long))
        const other = createTask(async () => toThread(refs.witness, 1))
        await untilMoment(n)
        job.cancel()
        await expect(job).rejects.toMatchObject({ name: 'CancelledError' })
        return (await other) === 1
      })
      expect(isDone).toBe(true)
    }
  },
)
