/** Tests jobs on the server in memory, in virtual time. Each seed gives another order of messages, timers and faults. */
import { ActorSystem, silentLogger } from '@tasktree/actor'
import { createTask, isCancelled, sleep, type Task } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { cluster, clusterTree, type RemoteJob, remoteJobs } from '@tasktree/nats'
import { MemoryServer } from '@tasktree/nats/testing'
import { expect, test } from 'vitest'

const seeds = Number(process.env['TASKTREE_NATS_SEEDS'] ?? 40)
const jobCount = 15

interface Outcome {
  readonly executions: number
  readonly faults: number
}

function explore(seed: number): Promise<Outcome> {
  return runVirtual(
    async () => {
      const server = new MemoryServer({ seed })
      const { connector } = server
      const executions = new Map<number, number>()
      let faults = 0
      const work = {
        square: async (n: number): Promise<number> => {
          executions.set(n, (executions.get(n) ?? 0) + 1)
          await sleep(server.random() * 400)
          return n * n
        },
      }
      const { square } = remoteJobs<typeof work>('work')
      const startNode = (node: number): Promise<ActorSystem> =>
        ActorSystem.start({
          name: `node-${node}`,
          logger: silentLogger,
          children: [
            clusterTree('tree', { connector, node: `n${node}` }, (handle) => [
              handle.worker('q', { work }, { concurrency: 2, ackWait: 1_000, maxDeliver: 1_000 }),
            ]),
          ],
        })
      await using submitter = await cluster({ connector, node: 'submitter' }).connect()
      const systems = [await startNode(0), await startNode(1), await startNode(2)]
      const executor = submitter.executor('q', { maxInFlight: 8 })
      const jobs: RemoteJob<number>[] = []
      for (let n = 0; n < jobCount; n++) {
        const delay = n % 5 === 4 ? { delay: 700 } : {}
        jobs.push(executor.with(delay).submit(square, n))
      }
      const dropped = jobs.filter(() => server.random() < 0.15)
      const cancelling = dropped.map((job) =>
        createTask(async () => {
          await sleep(server.random() * 600)
          job.cancel()
        }),
      )
      // Cuts connections (of the submitter too), and kills nodes and replaces them.
      const trouble: Task<void> = createTask(async () => {
        for (let i = 0; i < 6; i++) {
          await sleep(server.random() * 500)
          faults++
          const alive = server.connections.filter((bus) => bus.status === 'connected')
          const bus = alive[Math.floor(server.random() * alive.length)]
          if (bus === undefined) continue
          const isWorker = bus !== server.connections[0]
          if (isWorker && server.random() < 0.3) {
            bus.kill()
            systems.push(await startNode(systems.length))
          } else {
            bus.cut()
            await sleep(server.random() * 2_500)
            bus.restore()
          }
        }
      })
      for (const [n, job] of jobs.entries()) {
        try {
          expect(await job).toBe(n * n)
        } catch (error) {
          if (!isCancelled(error) || !dropped.includes(job)) throw error
        }
      }
      await trouble
      for (const each of cancelling) await each
      // No job is left on the server.
      for (let look = 0; ; look++) {
        const { queues } = await submitter.snapshot()
        const { waiting = 0, running = 0, delayed = 0 } = queues['q'] ?? {}
        if (waiting + running + delayed === 0) break
        if (look > 600) throw new Error(`${waiting}, ${running}, ${delayed} jobs are left`)
        await sleep(100)
      }
      for (const [n, job] of jobs.entries()) {
        if (!dropped.includes(job)) expect(executions.get(n)).toBeGreaterThan(0)
      }
      for (const system of systems) await system.stop()
      const sum = [...executions.values()].reduce((a, b) => a + b, 0)
      return { executions: sum, faults }
    },
    { seed },
  )
}

test(
  `${seeds} random runs with faults: each job has one result, and no message is left on the server`,
  { tags: 'slow', timeout: 60_000 + seeds * 1_000 },
  async () => {
    let executions = 0
    for (let seed = 0; seed < seeds; seed++) {
      try {
        executions += (await explore(seed)).executions
      } catch (error) {
        throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error })
      }
    }
    // Some jobs must have begun more than once. Otherwise the faults have hit nothing.
    expect(executions).toBeGreaterThan(seeds * jobCount * 0.8)
  },
)

test(
  'a job that is cancelled before a worker has got it never begins',
  { tags: 'slow' },
  async () => {
    for (let seed = 0; seed < 20; seed++) {
      await runVirtual(
        async () => {
          const server = new MemoryServer({ seed })
          const { connector } = server
          const begun: number[] = []
          const work = {
            note: async (n: number): Promise<void> => {
              begun.push(n)
              await sleep(100)
            },
          }
          const { note } = remoteJobs<typeof work>('work')
          await using submitter = await cluster({ connector }).connect()
          const executor = submitter.executor('q')
          const first = executor.submit(note, 1)
          const second = executor.submit(note, 2)
          await second.accepted
          second.cancel()
          // The cancel is at the server before the worker comes.
          await sleep(200)
          await using _ = await ActorSystem.start({
            name: 'node',
            logger: silentLogger,
            children: [clusterTree('tree', { connector }, (own) => [own.worker('q', { work })])],
          })
          await first
          await sleep(5_000)
          expect(begun).toEqual([1])
        },
        { seed },
      )
    }
  },
)

test('a worker makes a silent consumer anew, and its running job goes on', async () => {
  await runVirtual(async () => {
    const server = new MemoryServer()
    const { connector } = server
    const work = { add: (a: number, b: number): number => a + b }
    const { add } = remoteJobs<typeof work>('work')
    await using submitter = await cluster({ connector }).connect()
    await using _ = await ActorSystem.start({
      name: 'node',
      logger: silentLogger,
      children: [clusterTree('tree', { connector }, (own) => [own.worker('q', { work })])],
    })
    const executor = submitter.executor('q')
    expect(await executor.submit(add, 1, 2)).toBe(3)
    const bus = server.connections[1]
    if (bus === undefined) throw new Error('no worker is connected')
    bus.isStalled = true
    const job = executor.submit(add, 2, 2)
    await sleep(5_000)
    bus.isStalled = false
    expect(await job).toBe(4)
  })
})

test('a node that was killed is not in the list of nodes after its lease', async () => {
  await runVirtual(async () => {
    const server = new MemoryServer()
    const { connector } = server
    await using one = await cluster({ connector, node: 'one' }).connect()
    await using _ = await cluster({ connector, node: 'two' }).connect()
    await sleep(100)
    expect((await one.nodes()).map(({ node }) => node)).toEqual(['one', 'two'])
    server.connections[1]?.kill()
    await sleep(6_000)
    expect((await one.nodes()).map(({ node }) => node)).toEqual(['one'])
  })
})
