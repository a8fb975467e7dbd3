// Compares jobs that run one at a time with raw worker_threads and with piscina. Measures the wall time, and the CPU time of the
// whole process, first on all cores and then on one. Run with the built packages: node executor/one-job.ts
import { spawnSync } from 'node:child_process'
import { Worker } from 'node:worker_threads'
import { jobs, ThreadPoolExecutor } from '@tasktree/executor'
import { Piscina } from 'piscina'
import { median, table } from '../measure.ts'
import type * as work from './jobs.ts'

const path = (name: string): string => new URL(name, import.meta.url).pathname
const refs = jobs<typeof work>(new URL('./jobs.js', import.meta.url))
type Call = (n: number) => PromiseLike<number>

interface Contestant {
  readonly name: string
  readonly call: Call
  end(): PromiseLike<unknown>
}

function makeRaw(): Contestant {
  const worker = new Worker(path('./raw.mjs'))
  let settle: (value: number) => void = () => {}
  worker.on('message', (value: number) => settle(value))
  const call: Call = (n) =>
    new Promise((resolve) => {
      settle = resolve
      worker.postMessage(n)
    })
  return { name: 'raw worker_threads ping-pong', call, end: () => worker.terminate() }
}

function makeOurs(): Contestant {
  const pool = new ThreadPoolExecutor({ maxWorkers: 1 })
  return {
    name: 'tasktree',
    call: (n) => pool.submit(refs.increment, n),
    end: () => pool.shutdown(),
  }
}

function makePiscina(name: string, atomics: 'sync' | 'disabled'): Contestant {
  const filename = path('./job.mjs')
  const pool = new Piscina({ filename, maxThreads: 1, minThreads: 1, atomics })
  return { name, call: (n) => pool.run(n), end: () => pool.destroy() }
}

interface Sample {
  readonly wall: number
  readonly cpu: number
}

/** Runs `count` jobs, at most `width` of them at the same time, and returns the microseconds of each job. */
async function measure(call: Call, count: number, width: number): Promise<Sample> {
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < count) {
      const n = next++
      const result = await call(n)
      if (result !== n + 1) throw new Error(`the work was not done: ${result} for ${n}`)
    }
  }
  const before = process.cpuUsage()
  const start = performance.now()
  await Promise.all(Array.from({ length: width }, lane))
  const wall = ((performance.now() - start) / count) * 1_000
  const { user, system } = process.cpuUsage(before)
  return { wall, cpu: (user + system) / count }
}

const rounds = 5

async function compare(): Promise<string> {
  const contestants = [
    makeRaw(),
    makeOurs(),
    makePiscina('piscina, sync atomics', 'sync'),
    makePiscina('piscina, no atomics', 'disabled'),
  ]
  const alone: Sample[][] = contestants.map(() => [])
  const together: Sample[][] = contestants.map(() => [])
  // The jobs before the rounds are a warm-up: on one core V8 is still compiling during the first 40,000 jobs. The load of the
  // machine changes from second to second, so in each round every contestant takes its turn.
  for (const { call } of contestants) await measure(call, 40_000, 1)
  for (let round = 0; round < rounds; round++) {
    for (const [index, { call }] of contestants.entries()) {
      const one = await measure(call, 10_000, 1)
      const many = index === 0 ? one : await measure(call, 20_000, 64)
      alone[index]?.push(one)
      together[index]?.push(many)
    }
  }
  for (const contestant of contestants) await contestant.end()
  const [raw = []] = alone
  const rows = contestants.map(({ name }, index) => {
    const own = alone[index] ?? []
    const ratio = (pick: (sample: Sample) => number): string =>
      median(own.map((sample, round) => pick(sample) / pick(raw[round] ?? sample))).toFixed(2)
    return [
      name,
      median(own.map(({ wall }) => wall)).toFixed(1),
      ratio(({ wall }) => wall),
      median(own.map(({ cpu }) => cpu)).toFixed(1),
      ratio(({ cpu }) => cpu),
      index === 0 ? '-' : median((together[index] ?? []).map(({ wall }) => wall)).toFixed(1),
    ]
  })
  const head = ['µs a job', 'one at a time', 'of raw', 'CPU time', 'of raw', '64 in flight']
  return table(head, rows)
}

if (process.argv[2] === 'here') {
  process.stdout.write(`${await compare()}\n`)
} else {
  const own = [...process.execArgv, path('./one-job.ts'), 'here']
  for (const [name, program, args] of [
    ['all cores', process.execPath, own],
    ['one core', 'taskset', ['-c', '0', process.execPath, ...own]],
  ] as const) {
    const { stdout, stderr, status } = spawnSync(program, args, { encoding: 'utf8' })
    process.stdout.write(`${name}\n\n${status === 0 ? stdout : stderr}\n`)
  }
}
