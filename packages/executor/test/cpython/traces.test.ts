// Runs the programs of traces.py on the pools, and compares what they answer with the recorded answers of CPython 3.13.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTask, gather, run, sleep, timeout, waitFor } from '@tasktree/core'
import { runInExecutor, type ThreadPoolExecutor } from '@tasktree/executor'
import { describe, expect, test } from 'vitest'
import { kinds, refs } from '../support/kinds.ts'
import recorded from './traces.json' with { type: 'json' }

type Pool = Pick<ThreadPoolExecutor, 'map' | 'submit' | 'shutdown'>

/** The names that Python has for errors of the programs. */
const pythonNames: Record<string, string> = { RangeError: 'ValueError' }

function nameOf(error: unknown): string {
  const { name } = error as Error
  return pythonNames[name] ?? name
}

/** Python's failing function in the programs. */
const failOnOdd = refs.failOnOdd

async function endsOf(jobs: readonly PromiseLike<unknown>[]): Promise<unknown[]> {
  const ends = await Promise.allSettled(jobs)
  return ends.map((end) => (end.status === 'fulfilled' ? end.value : nameOf(end.reason)))
}

async function read(results: AsyncIterable<unknown>): Promise<unknown[]> {
  const iterator = results[Symbol.asyncIterator]()
  const ends: unknown[] = []
  try {
    for (let step = await iterator.next(); step.done !== true; step = await iterator.next()) {
      ends.push(step.value)
    }
  } catch (error) {
    ends.push(nameOf(error))
  }
  const after = await iterator.next()
  return [...ends, after.done === true ? 'the end' : after.value]
}

/** A file that opens when it exists, and a file to which jobs append the numbers that they get. */
class Gate implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'tasktree-traces-'))
  readonly path = join(this.#folder, 'open')
  readonly log = join(this.#folder, 'log')
  open(): void {
    writeFileSync(this.path, '')
  }
  get ran(): number[] {
    if (!existsSync(this.log)) return []
    return readFileSync(this.log, 'utf8').split('\n').slice(0, -1).map(Number)
  }
  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true })
  }
}

async function wait(path: string): Promise<boolean> {
  const { existsSync: exists } = await import('node:fs')
  while (!exists(path)) await new Promise((resolve) => setTimeout(resolve, 1))
  return true
}

async function append(path: string, n: number): Promise<void> {
  const { appendFileSync } = await import('node:fs')
  appendFileSync(path, `${n}\n`)
}

const programs: Record<keyof typeof recorded, (pool: Pool, gate: Gate) => Promise<unknown>> = {
  async cancel_while_one_runs(pool, gate) {
    const jobs = [
      pool.submit(wait, gate.path),
      ...[0, 1, 2, 3].map((n) => pool.submit(append, gate.log, n)),
    ]
    const cancelled = [2, 4].map((i) => jobs[i]?.cancel())
    gate.open()
    await pool.shutdown()
    return [cancelled, jobs.map((job) => job.cancelled()), gate.ran]
  },
  async cancel_when_done(pool) {
    const job = pool.submit(failOnOdd, 2)
    await job
    return [job.cancel(), await job]
  },
  async shut_down_with_cancel(pool, gate) {
    const running = pool.submit(wait, gate.path)
    const jobs = [running, ...[2, 4].map((n) => pool.submit(failOnOdd, n))]
    while ((pool as ThreadPoolExecutor).stats.running === 0) await sleep(1)
    await pool.shutdown({ wait: false, cancelFutures: true })
    gate.open()
    await pool.shutdown()
    return endsOf(jobs)
  },
  async shut_down(pool) {
    const jobs = [2, 1, 4].map((n) => pool.submit(failOnOdd, n))
    const ends = endsOf(jobs)
    await pool.shutdown()
    await pool.shutdown()
    try {
      return pool.submit(failOnOdd, 2)
    } catch (error) {
      return [...(await ends), nameOf(error)]
    }
  },
  map_fails: async (pool) => read(pool.map(failOnOdd, [0, 2, 3, 4, 5])),
  map_fails_in_chunks: async (pool) => read(pool.map(failOnOdd, [0, 2, 3, 4, 5], { chunksize: 2 })),
  async map_times_out(pool) {
    await pool.submit(failOnOdd, 0)
    const job = async (n: number): Promise<number> => {
      if (n === 1) await new Promise((resolve) => setTimeout(resolve, 60_000))
      return n
    }
    return read(pool.map(job, [0, 1, 2], { timeout: 500 }))
  },
  async map_goes_on_after_shutdown(pool) {
    // `map` is lazy here, so the items are taken by the request for the first result.
    const iterator = pool.map(failOnOdd, [0, 2, 4])[Symbol.asyncIterator]()
    const first = iterator.next()
    await pool.shutdown()
    const ends = [(await first).value as number]
    for (let step = await iterator.next(); step.done !== true; step = await iterator.next()) {
      ends.push(step.value)
    }
    return [...ends, 'the end']
  },
  async two_runs_share_a_pool(pool) {
    const main = async (): Promise<unknown[]> =>
      endsOf([0, 1, 2].map((n) => runInExecutor(pool as ThreadPoolExecutor, failOnOdd, n)))
    return Promise.all([run(main), run(main)])
  },
  cancel_a_waiting_task: (pool, gate) =>
    run(async () => {
      const executor = pool as ThreadPoolExecutor
      const first = runInExecutor(executor, wait, gate.path)
      const waiting = runInExecutor(executor, append, gate.log, 1)
      const task = createTask(async () => waitFor(waiting, 60_000))
      const after = runInExecutor(executor, append, gate.log, 2)
      await sleep(10)
      task.cancel()
      const ends = await endsOf([task])
      gate.open()
      await gather([first, after])
      return [ends, gate.ran]
    }),
  time_out_a_waiting_job: (pool, gate) =>
    run(async () => {
      const executor = pool as ThreadPoolExecutor
      const first = runInExecutor(executor, wait, gate.path)
      const waiting = runInExecutor(executor, append, gate.log, 1)
      const [end] = await endsOf([timeout(20, async () => waiting)])
      gate.open()
      await first
      await runInExecutor(executor, append, gate.log, 2)
      return [end, waiting.cancelled(), gate.ran]
    }),
}

describe.for(kinds)(
  'a pool of $name has the same outcome as an executor of CPython 3.13',
  { tags: ['slow'] },
  ({ make }) => {
    test.for(Object.entries(programs))('%s', async ([name, program]) => {
      using gate = new Gate()
      await using pool = make({ maxWorkers: 1, cancelGrace: 10_000 })
      expect(await program(pool, gate)).toEqual(recorded[name as keyof typeof recorded])
    })
  },
)
