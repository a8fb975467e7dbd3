import { gather, isCancelled, sleep, sleepForever } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { connect, remoteJobs } from '@tasktree/nats'
import { MemoryServer } from '@tasktree/nats/testing'
import { expect, test, vi } from 'vitest'
import { startMemoryNode } from './support/nodes-in-memory.ts'
import { thrown } from '../../../vitest.thrown.ts'

test(
  'the results of hundreds of submissions of one id take a few reads for each submission',
  { tags: 'slow' },
  async () => {
    const work = {
      echo: async (value: number): Promise<number> => {
        await sleep(1_000)
        return value
      },
    }
    await runVirtual(async () => {
      const server = new MemoryServer({ latency: 0 })
      const { connector } = server
      const system = await startMemoryNode(server, 'node', (own) => [
        own.worker('q', { work }, { concurrency: 200 }),
      ])
      {
        await using first = await connect({ connector })
        await using second = await connect({ connector })
        const { echo } = remoteJobs<typeof work>('work')
        const numbers = Array.from({ length: 200 }, (_, i) => i)
        const submit = (executor = first.executor('q')): ReturnType<typeof executor.submit>[] =>
          numbers.map((i) => executor.with({ id: `job-${i}` }).submit(echo, i))
        await gather(submit().map((job) => job.accepted))
        const reads = vi.spyOn(server, 'entry')
        expect(await gather(submit(second.executor('q')))).toEqual(numbers)
        expect(reads.mock.calls.length).toBeLessThan(10 * numbers.length)
      }
      await system.stop()
    })
  },
)

/** Milliseconds for which the server keeps the result and the cancel of a job. */
const kept = 3_600_000

test(
  'an id whose job was cancelled runs a new job after the server has forgotten the cancel',
  { tags: 'slow' },
  async () => {
    const work = { echo: async (value: number): Promise<number> => sleep(1_000, value) }
    const { echo } = remoteJobs<typeof work>('work')
    await runVirtual(async () => {
      const server = new MemoryServer()
      const system = await startMemoryNode(server, 'node', (own) => [own.worker('q', { work })])
      {
        await using client = await connect({ connector: server.connector })
        const nightly = client.executor('q').with({ id: 'nightly' })
        const first = nightly.submit(echo, 1)
        await first.accepted
        first.cancel()
        await sleep(kept / 2)
        const second = nightly.submit(echo, 2)
        expect(isCancelled(await thrown(second))).toBe(true)
        await sleep(kept)
        expect(await nightly.submit(echo, 3)).toBe(3)
      }
      await system.stop()
    })
  },
)

test('a cancel ends both runs of a job that a node runs twice', async () => {
  let running = 0
  const work = {
    wait: async (): Promise<void> => {
      running++
      try {
        await sleepForever()
      } finally {
        running--
      }
    },
  }
  const { wait } = remoteJobs<typeof work>('work')
  await runVirtual(async () => {
    const server = new MemoryServer()
    const system = await startMemoryNode(server, 'node', (own) => [
      own.worker('q', { work }, { concurrency: 2, ackWait: 30_000 }),
    ])
    {
      await using client = await connect({ connector: server.connector })
      const job = client.executor('q').submit(wait)
      await job.accepted
      await sleep(100)
      const [own] = server.connections
      own!.cut()
      // The server gives the job to a worker again. There is only one worker, so this worker gets the job a second time.
      await sleep(40_000)
      own!.restore()
      await sleep(5_000)
      expect(running).toBe(2)
      job.cancel()
      await sleep(100)
      expect(running).toBe(0)
    }
    await system.stop()
  })
})
