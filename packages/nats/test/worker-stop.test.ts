import type { SupervisorRef } from '@tasktree/actor'
import { getEventLoop, sleep } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { cluster, remoteJobs } from '@tasktree/nats'
import { MemoryServer } from '@tasktree/nats/testing'
import { expect, test } from 'vitest'
import { startMemoryNode } from './support/nodes-in-memory.ts'

test('a worker begins no job after its stop, whenever its connection was lost', () =>
  runVirtual(async () => {
    let waited = 0
    for (let moment = 0; moment < 40; moment++) {
      const begun: number[] = []
      const home = { work: (): number => begun.push(getEventLoop().time()) }
      const server = new MemoryServer({ seed: moment })
      const system = await startMemoryNode(server, 'node', (own) => [
        own.worker('q', { home }, { shutdown: 1_000 }),
      ])
      await sleep(1_000)
      const [connection] = server.connections
      const sender = await cluster({ connector: server.connector }).connect()
      // The worker first asks for a result of this job, because its id is not random.
      const executor = sender.executor('q').with({ id: 'one' })
      const job = executor.submit(remoteJobs<typeof home>('home').work)
      await sleep(moment)
      connection?.cut()
      if (begun.length === 0) waited++
      await sleep(100)
      const tree = system.root.child('tree') as SupervisorRef
      await tree.stopChild('worker-q')
      const stoppedAt = getEventLoop().time()
      connection?.restore()
      await sleep(10_000)
      expect(begun.filter((time) => time >= stoppedAt)).toEqual([])
      job.cancel()
      await sender[Symbol.asyncDispose]()
      await system.stop()
    }
    expect(waited).toBeGreaterThan(10)
  }))
