import { gather, sleep } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { connect, remoteJobs } from '@tasktree/nats'
import { MemoryServer } from '@tasktree/nats/testing'
import { expect, test, vi } from 'vitest'
import { startMemoryNode } from './support/nodes-in-memory.ts'

test('the results of many duplicates are searched for with a few reads for each', async () => {
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
})
