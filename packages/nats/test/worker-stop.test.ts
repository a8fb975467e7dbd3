import { ActorSystem, silentLogger, type SupervisorRef } from '@tasktree/actor'
import { getEventLoop, run, sleep } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { cloneCodec, cluster, clusterTree, connect, PoisonedJob, remoteJobs } from '@tasktree/nats'
import { MemoryServer } from '@tasktree/nats/testing'
import { expect, test } from 'vitest'
import { thrown } from '../../../vitest.thrown.ts'
import { startMemoryNode } from './support/nodes-in-memory.ts'
import { describeWithServer } from './support/server.ts'

test('a worker begins no job after its stop, even if its connection was lost at any moment of the stop', () =>
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

test('a job that fails with PoisonedJob becomes a dead letter even if its worker is stopped at any moment', () =>
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
      // The worker may have been stopped after it had appended the dead letter and before it had stored the failure. So the job
      // is looked at again after a while.
      await sleep(5_000)
      expect((await sender.snapshot()).deadLetters).toBe(1)
      await sender[Symbol.asyncDispose]()
      await system.stop()
    }
    expect(wasInterrupted).toBeGreaterThan(10)
  }))

test('a job that has its result becomes no dead letter if the connection of its worker is lost at any moment', () =>
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

test(
  'a worker that stops under load gives back the jobs on their way to it (server in memory)',
  { tags: 'slow' },
  async () => {
    for (let seed = 0; seed < 20; seed++) {
      await runVirtual(async () => {
        const server = new MemoryServer({ seed })
        const runs: number[] = []
        const home = { work: async (n: number): Promise<void> => sleep(runs.push(n) % 5) }
        const start = (node: string): Promise<ActorSystem> =>
          startMemoryNode(server, node, (own) => [own.worker('q', { home }, { concurrency: 10 })])
        const [one, two] = [await start('one'), await start('two')]
        await sleep(1_000)
        const sender = await cluster({ connector: server.connector }).connect()
        const executor = sender.executor('q')
        const { work } = remoteJobs<typeof home>('home')
        const submitted = []
        for (let n = 0; n < 200; n++) {
          submitted.push(executor.submit(work, n))
          await sleep(1)
          if (n === 100) void one.stop()
        }
        const begunAt = getEventLoop().time()
        for (const job of submitted) await job
        // A job that a worker does not give back is delivered again only after `ackWait`, which is 30 s.
        expect(getEventLoop().time() - begunAt).toBeLessThan(5_000)
        expect(runs.toSorted((a, b) => a - b)).toEqual(submitted.map((_, n) => n))
        await sender[Symbol.asyncDispose]()
        await two.stop()
      })
    }
  },
)

describeWithServer('a worker that stops on a real server', (server) => {
  test('under load gives back the jobs that were on their way to it', { tags: 'slow' }, () =>
    run(async () => {
      const runs: number[] = []
      const home = { work: (n: number): number => runs.push(n) }
      const where = { ...server.newCluster(), powerLossWarning: false }
      // If a worker loses a job, the server gives it to another worker only after an hour.
      const options = { concurrency: 10, ackWait: 3_600_000 }
      const node = (id: string) =>
        clusterTree(id, where, (own) => [own.worker('q', { home }, options)])
      await using system = await ActorSystem.start({
        name: 'workers',
        logger: silentLogger,
        children: [node('one'), node('two')],
      })
      await using sender = await connect(where)
      const executor = sender.executor('q')
      const { work } = remoteJobs<typeof home>('home')
      const one = system.root.child('one') as SupervisorRef
      const jobs: PromiseLike<number>[] = []
      const burst = async (): Promise<void> => {
        for (let i = 0; i < 20; i++) jobs.push(executor.submit(work, jobs.length))
        await sleep(0)
      }
      for (let round = 0; round < 10; round++) {
        const first = jobs.length
        for (let i = 0; i < 5; i++) await burst()
        await jobs[first + 10 * round]
        const stopped = one.stopChild('worker-q')
        for (let i = 0; i < 5; i++) await burst()
        await stopped
        for (const job of jobs) await job
        await one.restartChild('worker-q')
      }
      expect(runs.toSorted((a, b) => a - b)).toEqual(jobs.map((_, n) => n))
    }),
  )
})
