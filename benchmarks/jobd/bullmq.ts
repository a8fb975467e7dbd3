// Compares jobd with BullMQ on redis-server. The README in this folder says what each figure means.
// Run: node benchmarks/jobd/bullmq.ts
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Queue, QueueEvents, Worker } from 'bullmq'
import { Redis } from 'ioredis'

const main = fileURLToPath(new URL('../../packages/jobd/dist/main.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'jobd-bullmq-'))

/** The number of requests in flight, the number of measured jobs, and the number of jobs that run at the same time. */
const [inFlight, jobs, workers] = [50, 10_000, 50]
const oneByOne = 300
const rounds = 3

interface Contestant {
  add: () => Promise<unknown>
  /** Starts the `count` jobs that were added, and waits until all of them have ended. */
  runAll: (count: number) => Promise<void>
  /** Adds one job and waits for its end. */
  runOne: () => Promise<void>
  [Symbol.asyncDispose]: () => Promise<void>
}

async function begin(
  command: string,
  words: string[],
  ready: RegExp,
): Promise<[ChildProcess, string]> {
  const child = spawn(command, words, { stdio: ['ignore', 'pipe', 'inherit'] })
  for await (const line of createInterface({ input: child.stdout })) {
    const found = ready.exec(line)
    if (found !== null) return [child, found[1] ?? '']
  }
  throw new Error(`${command} has not started`)
}

async function end(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  await exited
}

let files = 0

async function startJobd(): Promise<Contestant> {
  const words = ['serve', '--db', join(folder, `${++files}.sqlite`), '--port', '0', '--http', '0']
  const [child, port] = await begin(
    process.execPath,
    [main, ...words, '--workers', String(workers)],
    /listens on .*:(\d+)$/,
  )
  const client = new Redis(Number(port))
  await client.call('JOB.PAUSE')
  return {
    add: () => client.call('JOB.ADD', 'sleep', '0'),
    runAll: async () => {
      await client.call('JOB.RESUME')
      for (;;) {
        const reply = (await client.call('JOB.STATS')) as (string | number)[]
        const value = (name: string): number => Number(reply[reply.indexOf(name) + 1])
        if (value('queued') + value('running') === 0) return
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    },
    runOne: async () => {
      await client.call('JOB.WAIT', String(await client.call('JOB.ADD', 'sleep', '0')))
    },
    [Symbol.asyncDispose]: async () => {
      client.disconnect()
      await end(child)
    },
  }
}

async function startBullMq(fsync: 'always' | 'everysec'): Promise<Contestant> {
  const port = 17_380
  const dir = mkdtempSync(join(folder, 'redis-'))
  const options = ['--port', String(port), '--dir', dir, '--save', '', '--appendonly', 'yes']
  const [child] = await begin(
    'redis-server',
    [...options, '--appendfsync', fsync],
    /Ready to accept connections/,
  )
  const connection = { port, maxRetriesPerRequest: null }
  const queue = new Queue('bench', { connection })
  const events = new QueueEvents('bench', { connection })
  const worker = new Worker('bench', async () => {}, {
    connection,
    concurrency: workers,
    autorun: false,
  })
  let finished = 0
  worker.on('completed', () => finished++)
  await Promise.all([queue.waitUntilReady(), events.waitUntilReady(), worker.waitUntilReady()])
  let running: Promise<void> | null = null
  return {
    add: () => queue.add('noop', {}),
    runAll: async (count) => {
      running ??= worker.run()
      for (;;) {
        if (finished >= count) return
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    },
    runOne: async () => {
      running ??= worker.run()
      const job = await queue.add('noop', {})
      await job.waitUntilFinished(events)
    },
    [Symbol.asyncDispose]: async () => {
      await worker.close()
      await running
      await Promise.all([queue.close(), events.close()])
      await end(child)
    },
  }
}

async function measure(
  start: () => Promise<Contestant>,
): Promise<[add: number, run: number, one: number]> {
  await using contestant = await start()
  let begun = performance.now()
  let left = jobs
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (left-- > 0) await contestant.add()
    }),
  )
  const add = (jobs * 1_000) / (performance.now() - begun)
  begun = performance.now()
  await contestant.runAll(jobs)
  const run = (jobs * 1_000) / (performance.now() - begun)
  const times: number[] = []
  for (let i = 0; i < oneByOne; i++) {
    begun = performance.now()
    await contestant.runOne()
    times.push(performance.now() - begun)
  }
  return [add, run, times.toSorted((a, b) => a - b)[oneByOne / 2] as number]
}

const contestants = {
  'jobd (fsync before each answer)': startJobd,
  'BullMQ, appendfsync always': () => startBullMq('always'),
  'BullMQ, appendfsync everysec': () => startBullMq('everysec'),
}

try {
  const results = new Map<string, [number, number, number][]>()
  // Each round measures every contestant once, so that other work on the machine disturbs all of them.
  for (let round = 0; round < rounds; round++)
    for (const [name, start] of Object.entries(contestants))
      results.set(name, [...(results.get(name) ?? []), await measure(start)])
  for (const [name, runs] of results) {
    const median = (at: 0 | 1 | 2): number =>
      runs.map((each) => each[at]).toSorted((a, b) => a - b)[Math.floor(rounds / 2)] as number
    console.log(
      `${name}: add ${Math.round(median(0))}/s, run ${Math.round(median(1))}/s, one job ${median(2).toFixed(2)} ms`,
    )
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
