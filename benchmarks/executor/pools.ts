// Thread and process pools beside raw worker_threads, piscina, tinypool, workerpool and Python's pools.
// Run: node executor/pools.ts
import { spawnSync } from 'node:child_process'
import { Worker } from 'node:worker_threads'
import { jobs, ProcessPoolExecutor, ThreadPoolExecutor } from '@tasktree/executor'
import { Piscina } from 'piscina'
import { Tinypool } from 'tinypool'
import workerpool from 'workerpool'
import { median, nanoseconds, table } from '../measure.ts'
import type * as work from './jobs.ts'

const path = (name: string): string => new URL(name, import.meta.url).pathname
const refs = jobs<typeof work>(new URL('./jobs.js', import.meta.url))
type Call = (n: number) => PromiseLike<number>

/** Each lane awaits its result before it submits again. */
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

async function measure(name: string, count: number, call: Call): Promise<(string | number)[]> {
  const alone = await nanoseconds(count / 4, lanes(1, call), 5)
  const together = await nanoseconds(count, lanes(64, call), 5)
  return [name, alone / 1_000, together / 1_000]
}

const rows: (string | number)[][] = []
const raw = new Worker(path('./raw.mjs'))
const alone = await nanoseconds(
  5_000,
  async (count) => {
    let right = 0
    for (let n = 0; n < count; n++) {
      const answer = new Promise<number>((resolve) => {
        raw.once('message', resolve)
      })
      raw.postMessage(n)
      if ((await answer) === n + 1) right++
    }
    return right
  },
  5,
)
rows.push(['raw worker_threads ping-pong', alone / 1_000, '-'])
await raw.terminate()
{
  await using threads = new ThreadPoolExecutor({ maxWorkers: 2 })
  rows.push(await measure('tasktree threads', 20_000, (n) => threads.submit(refs.increment, n)))
}
{
  const pool = new Piscina({ filename: path('./job.mjs'), maxThreads: 2, minThreads: 2 })
  rows.push(await measure('piscina', 20_000, (n) => pool.run(n)))
  await pool.destroy()
}
{
  const pool = new Tinypool({ filename: path('./job.mjs'), maxThreads: 2, minThreads: 2 })
  rows.push(await measure('tinypool', 20_000, (n) => pool.run(n)))
  await pool.destroy()
}
for (const workerType of ['thread', 'process'] as const) {
  if (workerType === 'process') {
    await using processes = new ProcessPoolExecutor({ maxWorkers: 2 })
    rows.push(
      await measure('tasktree processes', 10_000, (n) => processes.submit(refs.increment, n)),
    )
  }
  const pool = workerpool.pool(path('./workerpool-job.cjs'), { maxWorkers: 2, workerType })
  const call: Call = async (n) => (await pool.exec('increment', [n])) as number
  rows.push(await measure(`workerpool ${workerType}`, 10_000, call))
  await pool.terminate()
}
const python = spawnSync('python3', [path('./pool.py')], { encoding: 'utf8' })
if (python.status === 0) {
  const times = JSON.parse(python.stdout) as Record<string, number[]>
  for (const [kind, [one = NaN, many = NaN]] of Object.entries(times)) {
    rows.push([`python ${kind} pool`, one, many])
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
  table(['µs a job, 2 workers', 'one at a time', '64 in flight'], rows),
  '',
  table(['four CPU-bound jobs', 'one worker, ms', 'two workers, ms', 'ratio'], cpu),
]
process.stdout.write(`${out.join('\n')}\n`)
