// Compares thread and process pools with raw worker_threads, piscina, tinypool, workerpool and Python's pools.
// Run: node executor/pools.ts
import { spawnSync } from 'node:child_process'
import { Worker } from 'node:worker_threads'
import { jobs, ProcessPoolExecutor, ThreadPoolExecutor } from '@tasktree/executor'
import { Piscina } from 'piscina'
import { Tinypool } from 'tinypool'
import workerpool from 'workerpool'
import { median, table } from '../measure.ts'
import type * as work from './jobs.ts'

const path = (name: string): string => new URL(name, import.meta.url).pathname
const refs = jobs<typeof work>(new URL('./jobs.js', import.meta.url))
type Call = (n: number) => PromiseLike<number>

/**
 * Makes a function that runs `count` calls in `width` lanes and returns how many results were right. A lane awaits the result of a
 * call before it makes the next call.
 */
const lanes =
  (width: number, call: Call) =>
  async (count: number): Promise<number> => {
    let next = 0
    let right = 0
    const lane = async (): Promise<void> => {
      while (next < count) {
        const n = next++
        if ((await call(n)) === n + 1) right++
      }
    }
    await Promise.all(Array.from({ length: width }, lane))
    return right
  }

interface Contestant {
  readonly name: string
  readonly call: Call
  end(): PromiseLike<unknown>
}

function makeRaw(): Contestant {
  const worker = new Worker(path('./raw.mjs'))
  const call: Call = (n) => {
    const answer = new Promise<number>((resolve) => {
      worker.once('message', resolve)
    })
    worker.postMessage(n)
    return answer
  }
  return { name: 'raw worker_threads ping-pong', call, end: () => worker.terminate() }
}

function makeOurs(name: string, pool: ThreadPoolExecutor | ProcessPoolExecutor): Contestant {
  return { name, call: (n) => pool.submit(refs.increment, n), end: () => pool.shutdown() }
}

function makePiscina(name: string, atomics: 'sync' | 'disabled'): Contestant {
  const filename = path('./job.mjs')
  const pool = new Piscina({ filename, maxThreads: 2, minThreads: 2, atomics })
  return { name, call: (n) => pool.run(n), end: () => pool.destroy() }
}

function makeTinypool(): Contestant {
  const pool = new Tinypool({ filename: path('./job.mjs'), maxThreads: 2, minThreads: 2 })
  return { name: 'tinypool', call: (n) => pool.run(n), end: () => pool.destroy() }
}

function makeWorkerpool(workerType: 'thread' | 'process'): Contestant {
  const pool = workerpool.pool(path('./workerpool-job.cjs'), { maxWorkers: 2, workerType })
  const call: Call = async (n) => (await pool.exec('increment', [n])) as number
  return { name: `workerpool ${workerType}`, call, end: () => pool.terminate() }
}

const contestants = [
  makeRaw(),
  makeOurs('tasktree threads', new ThreadPoolExecutor({ maxWorkers: 2 })),
  makePiscina('piscina, sync atomics', 'sync'),
  makePiscina('piscina, no atomics', 'disabled'),
  makeTinypool(),
  makeWorkerpool('thread'),
  makeOurs('tasktree processes', new ProcessPoolExecutor({ maxWorkers: 2 })),
  makeWorkerpool('process'),
]

async function microseconds(count: number, width: number, call: Call): Promise<number> {
  const start = performance.now()
  const right = await lanes(width, call)(count)
  if (right !== count) throw new Error(`the work was not done: ${right} of ${count}`)
  return ((performance.now() - start) / count) * 1_000
}

/** In each round every contestant takes its turn, because the load of the machine changes from second to second. */
const rounds = 9
const samples = contestants.map(() => ({ alone: [0], ratio: [0], together: [0] }))
for (const sample of samples) for (const values of Object.values(sample)) values.pop()
for (let round = -1; round < rounds; round++) {
  let raw = NaN
  for (const [index, { call }] of contestants.entries()) {
    const alone = await microseconds(1_000, 1, call)
    if (index === 0) raw = alone
    // The raw worker cannot be measured with 64 calls in flight: all callers listen for the same event, so each would get the
    // first answer.
    const together = index === 0 ? NaN : await microseconds(3_000, 64, call)
    if (round < 0) continue
    samples[index]?.alone.push(alone)
    samples[index]?.ratio.push(alone / raw)
    samples[index]?.together.push(together)
  }
}
const rows: (string | number)[][] = samples.map(({ alone, ratio, together }, index) => {
  const name = contestants[index]?.name ?? ''
  return [name, median(alone), median(ratio).toFixed(2), index === 0 ? '-' : median(together)]
})
for (const contestant of contestants) await contestant.end()

const python = spawnSync(process.env['PYTHON'] ?? 'python3', [path('./pool.py')], {
  encoding: 'utf8',
})
if (python.status === 0) {
  const times = JSON.parse(python.stdout) as Record<string, number[]>
  for (const [kind, [one = NaN, many = NaN]] of Object.entries(times)) {
    rows.push([`python ${kind} pool`, one, '-', many])
  }
}

async function cpuTime(Pool: typeof ThreadPoolExecutor, workers: number): Promise<number> {
  await using pool = new Pool({ maxWorkers: workers, minWorkers: workers })
  await Promise.all(Array.from({ length: workers }, () => pool.submit(refs.burn, 1_000_000)))
  const samples: number[] = []
  for (let run = 0; run < 3; run++) {
    const start = performance.now()
    const results = await Promise.all(
      Array.from({ length: 4 }, () => pool.submit(refs.burn, 30_000_000)),
    )
    if (new Set(results).size !== 1) throw new Error('the work was not done')
    samples.push(performance.now() - start)
  }
  return median(samples)
}
const cpu: (string | number)[][] = []
for (const Pool of [ThreadPoolExecutor, ProcessPoolExecutor]) {
  const one = await cpuTime(Pool, 1)
  const two = await cpuTime(Pool, 2)
  cpu.push([Pool.name, one, two, (two / one).toFixed(2)])
}

const out = [
  table(['µs a job, 2 workers', 'one at a time', 'of raw', '64 in flight'], rows),
  '',
  table(['four CPU-bound jobs', 'one worker, ms', 'two workers, ms', 'ratio'], cpu),
]
process.stdout.write(`${out.join('\n')}\n`)
