import { silentLogger, type SupervisorRef } from '@tasktree/actor'
import { getEventLoop, sleep } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { cloneCodec, cluster, PoisonedJob, remoteJobs } from '@tasktree/nats'
import { MemoryServer } from '@tasktree/nats/testing'
import { expect, test } from 'vitest'
import { thrown } from '../../../vitest.thrown.ts'
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

test('a job that has failed with PoisonedJob is a dead letter, whenever its worker was stopped', () =>
  runVirtual(async () => {
    let wasInterrupted = 0
    for (let moment = 0; moment < 80; moment += 2) {
      const decode = (): never => {
        throw new Error('unreadable')
      }
      const home = { work: (): void => {} }
      const server = new MemoryServer({ seed: moment })
      const system = await startMemoryNode(
        server,
        'node',
        (own) => [own.worker('q', { home }, { shutdown: 1_000, ackWait: 1_000 })],
        silentLogger,
        { codec: { ...cloneCodec, decode } },
      )
      await sleep(1_000)
      const sender = await cluster({ connector: server.connector }).connect()
      const job = sender.executor('q').submit(remoteJobs<typeof home>('home').work)
      await sleep(moment)
      if (!job.done()) wasInterrupted++
      const tree = system.root.child('tree') as SupervisorRef
      await tree.stopChild('worker-q')
      await tree.restartChild('worker-q')
      expect(await thrown(job)).toBeInstanceOf(PoisonedJob)
      // A mover that has appended the dead letter may have been stopped before it has stored the failure.
      await sleep(5_000)
      expect((await sender.snapshot()).deadLetters).toBe(1)
      await sender[Symbol.asyncDispose]()
      await system.stop()
    }
    expect(wasInterrupted).toBeGreaterThan(10)
  }))

test('a job that has a result is no dead letter, whenever the connection of its worker was lost', () =>
  runVirtual(async () => {
    let hadResult = 0
    for (let moment = 0; moment < 80; moment += 2) {
      const home = { work: (): string => 'done' }
      const server = new MemoryServer({ seed: moment })
      const system = await startMemoryNode(server, 'node', (own) => [
        own.worker('q', { home }, { ackWait: 1_000, maxDeliver: 1 }),
      ])
      await sleep(1_000)
      const sender = await cluster({ connector: server.connector }).connect()
      const job = sender.executor('q').submit(remoteJobs<typeof home>('home').work)
      await sleep(moment)
      server.connections[0]?.cut()
      await sleep(2_000)
      server.connections[0]?.restore()
      const result = await job.catch(() => 'poisoned')
      await sleep(5_000)
      if (result === 'done') hadResult++
      expect((await sender.snapshot()).deadLetters).toBe(result === 'done' ? 0 : 1)
      await sender[Symbol.asyncDispose]()
      await system.stop()
    }
    expect(hadResult).toBeGreaterThan(10)
  }))
