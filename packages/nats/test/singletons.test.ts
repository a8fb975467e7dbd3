/** Tests singletons on the server in memory, in virtual time. `entity-kill.test.ts` tests them on a real server. */
import { Actor, type ActorSystem, child, type ChildSpec, silentLogger } from '@tasktree/actor'
import { getEventLoop, sleep } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { cluster } from '@tasktree/nats'
import { MemoryServer } from '@tasktree/nats/testing'
import { describe, expect, test } from 'vitest'
import { startMemoryNode } from './support/nodes-in-memory.ts'

const lease = 1_000

interface Run {
  readonly node: string
  readonly from: number
  to: number
}

/** Records when each node has run the singleton. */
class Log {
  readonly runs: Run[] = []

  spec(node: string): ChildSpec {
    return child.task('work', async () => {
      const run = { node, from: getEventLoop().time(), to: Infinity }
      this.runs.push(run)
      try {
        for (;;) await sleep(10)
      } finally {
        run.to = getEventLoop().time()
      }
    })
  }

  get running(): string[] {
    return this.runs.filter(({ to }) => to === Infinity).map(({ node }) => node)
  }
}

/** Starts a node with the singleton. The runs of the singleton on this node are recorded in `log`. */
function startLogged(server: MemoryServer, log: Log, node: string): Promise<ActorSystem> {
  return startMemoryNode(server, node, (own) => [own.singleton('work', log.spec(node), { lease })])
}

/** Starts the nodes `one`, which runs the singleton, and `two`, which waits for it. */
async function startTwo(server: MemoryServer, log: Log): Promise<[ActorSystem, ActorSystem]> {
  const one = await startLogged(server, log, 'one')
  await sleep(100)
  return [one, await startLogged(server, log, 'two')]
}

describe('a singleton', () => {
  test(
    'runs on one node, and on another node at once after an orderly stop',
    { tags: 'slow' },
    async () => {
      await runVirtual(async () => {
        const server = new MemoryServer()
        const log = new Log()
        const [one, two] = await startTwo(server, log)
        await sleep(5_000)
        expect(log.running).toEqual(['one'])
        const stoppedAt = getEventLoop().time()
        await one.stop()
        await sleep(50)
        expect(log.running).toEqual(['two'])
        // This is much less than the lease, so node `two` has not waited for the end of the lease.
        expect(log.runs[1]!.from - stoppedAt).toBeLessThan(100)
        await two.stop()
        expect(log.running).toEqual([])
      })
    },
  )

  test(
    'is taken over within one and a half leases after its node has died at any moment',
    { tags: 'slow' },
    async () => {
      await runVirtual(async () => {
        let longest = 0
        for (let moment = 0; moment < lease; moment += 8) {
          const server = new MemoryServer({ seed: moment })
          const log = new Log()
          const [one, two] = await startTwo(server, log)
          await sleep(3_000 + moment)
          const cutAt = getEventLoop().time()
          server.connections[0]!.cut()
          await sleep(3_000)
          longest = Math.max(longest, log.runs[1]!.from - cutAt)
          await two.stop()
          server.connections[0]!.restore()
          await one.stop()
        }
        // A few messages to the server take some milliseconds more.
        expect(longest).toBeLessThan(1.5 * lease + 20)
      })
    },
  )

  test('is not taken over from a node without connection before it has stopped there', async () => {
    await runVirtual(async () => {
      const server = new MemoryServer()
      const log = new Log()
      const [one, two] = await startTwo(server, log)
      await sleep(1_000)
      const cutAt = getEventLoop().time()
      server.connections[0]!.cut()
      await sleep(3_000)
      expect(log.running).toEqual(['two'])
      const [first, second] = log.runs
      expect(first!.to).toBeLessThan(second!.from)
      expect(second!.from - cutAt).toBeLessThan(1.7 * lease)
      server.connections[0]!.restore()
      await sleep(3_000)
      expect(log.running).toEqual(['two'])
      await two.stop()
      await sleep(100)
      expect(log.running).toEqual(['one'])
      await one.stop()
    })
  })

  test(
    'is started once by a waiting node that was cut off when the running node stopped',
    { tags: 'slow' },
    async () => {
      for (let seed = 0; seed < 20; seed++) {
        await runVirtual(
          async () => {
            const server = new MemoryServer({ seed })
            const log = new Log()
            const [one, two] = await startTwo(server, log)
            await sleep(1_000 + server.random() * lease)
            server.connections[1]!.cut()
            await one.stop()
            await sleep(10_000)
            server.connections[1]!.restore()
            await sleep(5_000)
            expect(log.runs.filter(({ node }) => node === 'two')).toHaveLength(1)
            expect(log.running).toEqual(['two'])
            await two.stop()
          },
          { seed },
        )
      }
    },
  )

  test('that takes too long to stop is killed before another node starts it', async () => {
    await runVirtual(async () => {
      const server = new MemoryServer()
      const log = new Log()
      let kills = 0
      const stubborn = (node: string): ChildSpec =>
        child.task(
          'work',
          async () => {
            const run = { node, from: getEventLoop().time(), to: Infinity }
            log.runs.push(run)
            try {
              for (;;) await sleep(10)
            } finally {
              try {
                await sleep(600_000)
              } finally {
                kills++
                run.to = getEventLoop().time()
              }
            }
          },
          { shutdown: 600_000 },
        )
      const start = (node: string): Promise<ActorSystem> =>
        startMemoryNode(server, node, (own) => [own.singleton('work', stubborn(node), { lease })])
      await using _one = await start('one')
      await sleep(100)
      await using _two = await start('two')
      await sleep(1_000)
      server.connections[0]!.cut()
      await sleep(3_000)
      expect(kills).toBe(1)
      expect(log.running).toEqual(['two'])
      expect(log.runs[0]!.to).toBeLessThan(log.runs[1]!.from)
      server.connections[1]!.cut()
      await sleep(2_000)
    })
  })

  test('whose lease is lost during its start is stopped, and its node waits for the lease again', async () => {
    await runVirtual(async () => {
      const server = new MemoryServer()
      const log = new Log()
      let starts = 0
      class Slow extends Actor {
        protected override async onStart(): Promise<void> {
          starts++
          await sleep(600_000)
        }
      }
      const said: string[] = []
      const logger = { ...silentLogger, warn: (text: string) => void said.push(text) }
      const slow = child.actor('work', Slow)
      const one = await startMemoryNode(
        server,
        'one',
        (own) => [own.singleton('work', slow, { lease })],
        logger,
      )
      await sleep(100)
      const two = await startLogged(server, log, 'two')
      server.connections[0]!.cut()
      await sleep(5_000)
      expect(starts).toBe(1)
      expect(log.running).toEqual(['two'])
      server.connections[0]!.restore()
      await sleep(5_000)
      await two.stop()
      await sleep(100)
      expect(starts).toBe(2)
      expect(said.filter((text) => text.startsWith('restarting'))).toEqual([])
      await one.stop()
    })
  })

  test('that cannot be restarted fails as a child, and another node starts it', async () => {
    await runVirtual(async () => {
      const server = new MemoryServer()
      const log = new Log()
      const broken = child.task('work', async () => {
        await sleep(1)
        throw new RangeError('broken')
      })
      const one = await startMemoryNode(server, 'one', (own) => [
        child.supervisor('around', {
          children: [own.singleton('work', broken, { lease, restart: 'temporary' })],
        }),
      ])
      await sleep(100)
      const two = await startLogged(server, log, 'two')
      await sleep(2_000)
      expect(log.running).toEqual(['two'])
      await one.stop()
      await two.stop()
    })
  })

  test('is in the snapshot with the node that runs it and the nodes that wait for it', async () => {
    await runVirtual(async () => {
      const server = new MemoryServer()
      class Idle extends Actor {}
      const start = (node: string): Promise<ActorSystem> =>
        startMemoryNode(server, node, (own) => [
          own.singleton('work', child.actor('work', Idle), { lease }),
        ])
      await using _one = await start('one')
      await sleep(100)
      await using _two = await start('two')
      await sleep(1_000)
      await using looker = await cluster({ connector: server.connector, node: 'looker' }).connect()
      await sleep(100)
      const nodes = await looker.nodes()
      const { singletons } = await looker.snapshot()
      expect(singletons).toEqual({ work: 'one' })
      expect(nodes.map(({ singletons }) => singletons)).toEqual([
        {},
        { work: 'running' },
        { work: 'waiting' },
      ])
    })
  })

  test('with another lease than the cluster has fails to start, because two nodes could run it', async () => {
    await runVirtual(async () => {
      const server = new MemoryServer()
      const log = new Log()
      const one = await startLogged(server, log, 'one')
      await sleep(500)
      const said: string[] = []
      const logger = { ...silentLogger, warn: (text: string) => void said.push(text) }
      const two = await startMemoryNode(
        server,
        'two',
        (own) => [own.singleton('work', log.spec('two'), { lease: 2 * lease })],
        logger,
      )
      await sleep(5_000)
      expect(said.join('\n')).toMatch(/the singleton work has the settings {"lease":1000}/)
      await two.stop()
      expect(log.running).toEqual(['one'])
      await one.stop()
    })
  })

  test('with wrong arguments is refused at the call', () => {
    const handle = cluster()
    const spec = child.task('work', async () => {})
    expect(() => handle.singleton('', spec)).toThrow(/the id of a singleton must be a text/)
    expect(() => handle.singleton('a', (() => {}) as never)).toThrow(/needs a child, made by/)
    expect(() => handle.singleton('a', spec, { lease: 10 })).toThrow(/at least 200 ms/)
    expect(() => handle.singleton('a', spec, { lease: 'x' as never })).toThrow(/lease/)
    expect(() => handle.singleton('a', spec, { leese: 1 } as never)).toThrow(/no option leese/)
  })
})
