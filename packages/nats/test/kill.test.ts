/**
 * Kills and pauses real workers and a real server. CI runs 10 short rounds; `TASKTREE_NATS_ROUNDS=100` runs more.
 * `TASKTREE_NATS_LONG=1` runs the long test: 20,000 jobs with a kill in each second.
 */
import { writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { connect } from '@tasktree/nats'
import { expect, test } from 'vitest'
import { testWhere } from '../../../vitest.skips.ts'
import { checkResults, checkRound, square } from './support/history.ts'
import { checkLeftovers } from './support/leftovers.ts'
import { makeLogFile } from './support/log-file.ts'
import { type Node, startNode } from './support/node.ts'
import { describeWithServer, NatsServer } from './support/server.ts'

const rounds = Number(process.env['TASKTREE_NATS_ROUNDS'] ?? 10)
const isLong = process.env['TASKTREE_NATS_LONG'] === '1'
const ackWait = 500

describeWithServer('jobs while programs are killed', (server) => {
  test(
    `${rounds} rounds with a killed and a paused worker: each job has one result`,
    { tags: 'slow', timeout: 60_000 + rounds * 20_000 },
    async () => {
      const workers: Node[] = []
      let current = { servers: server.url, namespace: 'k0', log: '' }
      const start = async (): Promise<void> => {
        workers.push(await startNode('worker', { ...current, ackWait, work: 2, concurrency: 4 }))
      }
      try {
        const namespace = 'kill'
        const log = makeLogFile()
        current = { servers: server.url, namespace, log }
        await Promise.all([start(), start(), start()])
        let repeated = 0
        for (let round = 0; round < rounds; round++) {
          writeFileSync(log, '')
          const history = await checkRound(current, log, 300, async () => {
            await delay(20 + 30 * (round % 5))
            const victim = workers.shift() as Node
            const sleeper = workers.shift() as Node
            victim.kill()
            sleeper.kill('SIGSTOP')
            const replaced = start()
            await delay(1.3 * ackWait)
            sleeper.kill('SIGCONT')
            workers.push(sleeper)
            await replaced
          })
          repeated += history.repeated
        }
        console.log(`${rounds} rounds of 300 jobs: ${repeated} executions were repeated`)
        // After a kill in the middle of the work, other workers must have repeated jobs. Otherwise the test has tested nothing.
        expect(repeated).toBeGreaterThan(0)
      } finally {
        await Promise.all(workers.map((worker) => worker[Symbol.asyncDispose]()))
      }
    },
  )

  test(
    'three kills of the server under load: no accepted job is lost',
    { tags: 'slow' },
    async () => {
      await using mortal = await NatsServer.start()
      const log = makeLogFile()
      const options = { servers: mortal.url, namespace: 'server' }
      await using worker = await startNode('worker', { ...options, log, ackWait, concurrency: 8 })
      await using cluster = await connect(options)
      const executions = await checkResults(cluster, log, 3_000, async () => {
        for (let kill = 0; kill < 3; kill++) {
          await delay(150)
          await mortal.kill()
          await delay(300)
          await mortal.restart()
        }
      })
      const left = await checkLeftovers(mortal.url, 'server', ackWait)
      console.log(`${executions - 3_000} executions were repeated, ${left} messages are left`)
      expect(worker.child.exitCode).toBeNull()
    },
  )

  test(
    'a submitter that is killed has lost no job that the server had accepted',
    { tags: 'slow' },
    async () => {
      const options = { servers: server.url, namespace: 'submitter' }
      const log = makeLogFile()
      {
        // This submitter is gone before any worker has started.
        const cluster = await connect(options)
        const executor = cluster.executor('q')
        const jobs = Array.from({ length: 20 }, (_, n) =>
          executor.with({ id: `job-${n}` }).submit(square, n),
        )
        await Promise.all(jobs.map((job) => job.accepted))
        for (const job of jobs) job.catch(() => {})
        await cluster[Symbol.asyncDispose]()
      }
      await using _ = await startNode('worker', { ...options, log, ackWait })
      await using cluster = await connect(options)
      const again = cluster.executor('q').with({ id: 'job-7' }).submit(square, 7)
      expect(await again).toBe(49)
    },
  )

  testWhere(isLong, 'it takes a minute: set TASKTREE_NATS_LONG=1')(
    '20,000 jobs on five workers, of which one is killed each second for 20 s, have each one result',
    { tags: 'slow', timeout: 300_000 },
    async () => {
      const log = makeLogFile()
      const current = { servers: server.url, namespace: 'long' }
      const workers: Node[] = []
      const start = async (): Promise<void> => {
        workers.push(
          await startNode('worker', {
            ...current,
            log,
            ackWait: 2_000,
            work: 20,
            concurrency: 4,
          }),
        )
      }
      try {
        await Promise.all([start(), start(), start(), start(), start()])
        const history = await checkRound(current, log, 20_000, async () => {
          for (let second = 0; second < 20; second++) {
            await delay(1_000)
            const victim = workers.shift() as Node
            if (second % 5 === 2) {
              victim.kill('SIGSTOP')
              void delay(5_000).then(() => victim.kill('SIGCONT'))
              workers.push(victim)
            } else {
              victim.kill()
              await start()
            }
          }
        })
        console.log(`20,000 jobs: ${history.repeated} executions were repeated`)
      } finally {
        await Promise.all(workers.map((worker) => worker[Symbol.asyncDispose]()))
      }
    },
  )
})
