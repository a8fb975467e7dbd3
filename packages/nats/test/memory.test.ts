import { sleep } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { connect, remoteJobs } from '@tasktree/nats'
import { MemoryServer } from '@tasktree/nats/testing'
import { expect, test } from 'vitest'
import { startMemoryNode } from './support/nodes-in-memory.ts'

const home = { add: (a: number, b: number): number => a + b }

test('making an executor of a cluster again and again without jobs takes no memory', () =>
  runVirtual(async () => {
    const heap = async (): Promise<number> => {
      await sleep(0)
      globalThis.gc?.()
      globalThis.gc?.()
      return process.memoryUsage().heapUsed
    }
    const server = new MemoryServer()
    const system = await startMemoryNode(server, 'node', (own) => [own.worker('q', { home })])
    const cluster = await connect({ connector: server.connector })
    const { add } = remoteJobs<typeof home>('home')
    expect(await cluster.executor('q').submit(add, 1, 2)).toBe(3)
    const before = await heap()
    for (let i = 0; i < 20_000; i++) cluster.executor('q')
    // If the cluster kept these executors, they would take 19 MB.
    expect((await heap()) - before).toBeLessThan(3_000_000)
    expect(await cluster.executor('q').submit(add, 1, 2)).toBe(3)
    await cluster[Symbol.asyncDispose]()
    await system.stop()
  }))
