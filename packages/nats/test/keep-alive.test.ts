import { getEventLoop, sleep } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { cluster, remoteJobs } from '@tasktree/nats'
import { MemoryServer } from '@tasktree/nats/testing'
import { expect, test } from 'vitest'
import { startMemoryNode } from './support/nodes-in-memory.ts'

const ackWait = 30_000

test('a worker whose connection is lost for less than ackWait keeps its running job', () =>
  runVirtual(async () => {
    for (let moment = 0; moment < 10_000; moment += 1_000) {
      let begun = 0
      const home = {
        work: async (): Promise<string> => {
          begun++
          await sleep(100_000)
          return 'done'
        },
      }
      const server = new MemoryServer({ seed: moment })
      const systems = []
      for (const node of ['one', 'two']) {
        systems.push(
          await startMemoryNode(server, node, (own) => [own.worker('q', { home }, { ackWait })]),
        )
      }
      const sender = await cluster({ connector: server.connector, node: 'sender' }).connect()
      const job = sender.executor('q').submit(remoteJobs<typeof home>('home').work)
      await job.accepted
      await sleep(100)
      const nodes = await sender.nodes()
      const busy = nodes.find(({ queues }) => queues['q'] === 1)?.node === 'one' ? 0 : 1
      await sleep(10_000 + moment - 100)
      // The worker has reported the job to the server at most 10 seconds ago.
      server.connections[busy]?.cut()
      await sleep(ackWait - 10_000 - 100)
      server.connections[busy]?.restore()
      expect(await job).toBe('done')
      expect(begun).toBe(1)
      await sender[Symbol.asyncDispose]()
      for (const system of systems) await system.stop()
    }
  }))

test('a worker reports each of many running jobs to the server before ackWait is over', () =>
  runVirtual(async () => {
    let begun = 0
    const home = {
      work: async (): Promise<void> => {
        begun++
        await sleep(5_000)
      },
    }
    // Each answer of this server takes up to 100 ms.
    const server = new MemoryServer({ latency: 50 })
    const system = await startMemoryNode(server, 'node', (own) => [
      own.worker('q', { home }, { ackWait: 1_000, concurrency: 150 }),
    ])
    const sender = await cluster({ connector: server.connector, node: 'sender' }).connect()
    const executor = sender.executor('q')
    const begin = getEventLoop().time()
    const { work } = remoteJobs<typeof home>('home')
    const jobs = Array.from({ length: 100 }, () => executor.submit(work))
    for (const job of jobs) await job
    expect(getEventLoop().time() - begin).toBeLessThan(10_000)
    expect(begun).toBe(100)
    await sender[Symbol.asyncDispose]()
    await system.stop()
  }))
