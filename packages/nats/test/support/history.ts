import { readFileSync } from 'node:fs'
import type { JobRef } from '@tasktree/executor'
import { type Cluster, connect, type RemoteExecutor, remoteJobs } from '@tasktree/nats'

export const square: JobRef<[n: number], number> = remoteJobs<{
  square: (n: number) => number
}>('numbers').square

/** What happened to the jobs of a round. */
export interface History {
  readonly jobs: number
  /** How often the function of a job began. `repeated` of these times were not the first time for their job. */
  readonly executions: number
  readonly repeated: number
}

/** Submits `count` jobs, and calls `trouble` while they run. Then checks that each job has one result, and that no job is left. */
export async function checkRound(
  options: object,
  log: string,
  count: number,
  trouble: (executor: RemoteExecutor) => Promise<void>,
): Promise<History> {
  await using cluster = await connect(options)
  const executed = await checkResults(cluster, log, count, trouble)
  const giveUp = performance.now() + 60_000
  for (;;) {
    const { queues } = await cluster.snapshot()
    const { waiting = NaN, running = NaN } = queues['q'] ?? {}
    if (waiting === 0 && running === 0) {
      return { jobs: count, executions: executed, repeated: executed - count }
    }
    if (performance.now() > giveUp) throw new Error(`${waiting} wait and ${running} run at the end`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** The part of `checkRound` that checks the results: each job has run and has one result. Returns how often jobs began. */
export async function checkResults(
  cluster: Cluster,
  log: string,
  count: number,
  trouble: (executor: RemoteExecutor) => Promise<void>,
): Promise<number> {
  const executor = cluster.executor('q', { maxInFlight: 500 })
  const jobs = Array.from({ length: count }, (_, n) => executor.submit(square, n))
  const settled = jobs.map(() => 0)
  jobs.forEach((job, n) => job.addDoneCallback(() => settled[n]!++))
  const [results] = await Promise.all([Promise.all(jobs), trouble(executor)])
  results.forEach((result, n) => {
    if (result !== n * n) throw new Error(`the result of job ${n} is ${result}`)
  })
  if (settled.some((times) => times !== 1)) throw new Error('a job has settled more than once')
  const executed = readFileSync(log, 'utf8').trim().split('\n').map(Number)
  const distinct = new Set(executed).size
  if (distinct !== count) throw new Error(`${distinct} of ${count} jobs have run`)
  return executed.length
}
