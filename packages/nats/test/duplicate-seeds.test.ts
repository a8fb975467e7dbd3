/**
 * Tests submissions of one id with different values of `resultTtl`, in virtual time. Each seed gives another order of messages
 * and faults.
 */
import { createTask, failAfter, sleep, type Task } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { connect, remoteJobs } from '@tasktree/nats'
import { MemoryServer } from '@tasktree/nats/testing'
import { expect, test } from 'vitest'
import { startMemoryNode } from './support/nodes-in-memory.ts'

const seeds = Number(process.env['TASKTREE_NATS_SEEDS'] ?? 15)
const ttls = [3_600_000, 600_000, Infinity]
const jobCount = 6

function explore(seed: number): Promise<void> {
  return runVirtual(
    async () => {
      const server = new MemoryServer({ seed })
      const { connector } = server
      const work = {
        echo: async (who: string): Promise<string> => sleep(server.random() * 3_000, who),
      }
      const { echo } = remoteJobs<typeof work>('work')
      const systems = await Promise.all(
        [0, 1].map((n) =>
          startMemoryNode(server, `node-${n}`, (own) => [
            own.worker('q', { work }, { concurrency: 2, ackWait: 1_000, maxDeliver: 1_000 }),
          ]),
        ),
      )
      {
        await using one = await connect({ connector })
        await using two = await connect({ connector })
        await using three = await connect({ connector })
        const executors = [one, two, three].map((cluster, i) =>
          cluster.executor('q', { resultTtl: ttls[(i + seed) % 3] ?? Infinity }),
        )
        const trouble: Task<void> = createTask(async () => {
          for (let i = 0; i < 5; i++) {
            await sleep(server.random() * 1_500)
            const { connections } = server
            const bus = connections[Math.floor(server.random() * connections.length)]
            bus?.cut()
            await sleep(server.random() * 2_000)
            bus?.restore()
          }
        })
        const jobs = Array.from({ length: jobCount }, (_, n) =>
          executors.map((executor, i) =>
            createTask(async () => {
              await sleep(server.random() * 5_000)
              const delay = server.random() < 0.3 ? server.random() * 2_000 : 0
              const job = executor.with({ id: `job-${n}`, delay }).submit(echo, `${n}-${i}`)
              return failAfter(110_000, async () => job)
            }),
          ),
        )
        for (const [n, same] of jobs.entries()) {
          const results = await Promise.all(same)
          expect([n, new Set(results).size]).toEqual([n, 1])
        }
        await trouble
      }
      for (const system of systems) await system.stop()
    },
    { seed },
  )
}

test(
  `${seeds} random runs: all submissions of an id get the same result, whatever their resultTtl`,
  { tags: 'slow', timeout: 60_000 + seeds * 1_000 },
  async () => {
    for (let seed = 0; seed < seeds; seed++) {
      try {
        await explore(seed)
      } catch (error) {
        throw new Error(`seed ${seed} has failed`, { cause: error })
      }
    }
  },
)
