// Measures the jobs per second with 1, 2 and 4 worker processes, and compares them with BullMQ on redis-server.
// Run: node nats/throughput.ts
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { connect, remoteJobs } from '@tasktree/nats'
import { Queue, QueueEvents } from 'bullmq'
import { table } from '../measure.ts'
import { Server } from './server.ts'

const program = fileURLToPath(new URL('worker.ts', import.meta.url))
const [jobs, inFlight] = [4_000, 200]

async function startWorkers(kind: string, port: number, count: number): Promise<ChildProcess[]> {
  const workers = Array.from({ length: count }, () =>
    spawn(process.execPath, [program, kind, String(port)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  )
  await Promise.all(workers.map((worker) => once(worker.stdout as NodeJS.ReadableStream, 'data')))
  return workers
}

async function endAll(workers: readonly ChildProcess[]): Promise<void> {
  const ends = workers.map((worker) => once(worker, 'exit'))
  for (const worker of workers) worker.kill('SIGKILL')
  await Promise.all(ends)
}

/** Returns how many jobs per second give their results while `inFlight` of them are in flight. */
async function measure(submit: (n: number) => PromiseLike<unknown>): Promise<number> {
  let next = 0
  const lane = async (count: number): Promise<void> => {
    const end = next + count
    while (next < end) await submit(next++)
  }
  await Promise.all(Array.from({ length: inFlight }, () => lane(1)))
  const start = performance.now()
  const before = next
  await Promise.all(Array.from({ length: inFlight }, () => lane(jobs / inFlight)))
  return ((next - before) * 1_000) / (performance.now() - start)
}

async function nats(workers: number): Promise<number> {
  const server = await Server.nats()
  const started = await startWorkers('nats', server.port, workers)
  const cluster = await connect({
    servers: `nats://127.0.0.1:${server.port}`,
    powerLossWarning: false,
  })
  const executor = cluster.executor('q')
  const { next } = remoteJobs<{ next: (n: number) => number }>('home')
  const rate = await measure((n) => executor.submit(next, n))
  await cluster[Symbol.asyncDispose]()
  await endAll(started)
  await server.end()
  return rate
}

async function bullmq(workers: number): Promise<number> {
  const server = await Server.redis()
  const connection = { host: '127.0.0.1', port: server.port }
  const started = await startWorkers('bullmq', server.port, workers)
  const queue = new Queue('q', { connection })
  const events = new QueueEvents('q', { connection })
  await events.waitUntilReady()
  const rate = await measure(async (n) => {
    const job = await queue.add('next', n)
    await job.waitUntilFinished(events)
  })
  await queue.close()
  await events.close()
  await endAll(started)
  await server.end()
  return rate
}

const rows: (string | number)[][] = []
for (const workers of [1, 2, 4]) {
  const [own, theirs] = [await nats(workers), await bullmq(workers)]
  rows.push([workers, own, theirs, own / theirs])
}
console.log(table(['worker processes', 'tasktree, jobs/s', 'BullMQ, jobs/s', 'ratio'], rows))
process.exit()
