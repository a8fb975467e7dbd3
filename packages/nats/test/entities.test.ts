/** Tests entities without state on the server in memory, in virtual time. */
import {
  Actor,
  ActorCrashed,
  type ActorSystem,
  AskTimeout,
  type ExitReason,
  MailboxFull,
  NoProc,
} from '@tasktree/actor'
import { createTask, getEventLoop, isCancelled, sleep } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { cluster, type Cluster, ClusterClosed, NodeLost } from '@tasktree/nats'
import { MemoryServer } from '@tasktree/nats/testing'
import { describe, expect, test } from 'vitest'
import { startMemoryNode } from './support/nodes-in-memory.ts'
import { thrown } from '../../../vitest.thrown.ts'

const lease = 1_000

class Counter extends Actor {
  readonly key: string
  #count = 0
  constructor(key: string) {
    super()
    this.key = key
  }
  add(n: number): number {
    this.#count += n
    return this.#count
  }
  async slow(ms: number): Promise<string> {
    await sleep(ms)
    return this.key
  }
  crash(): never {
    throw new RangeError('broken')
  }
  end(): void {
    this.ctx.stop()
  }
  where(): string {
    return this.ctx.path
  }
}

const start = (server: MemoryServer, node: string, options = {}): Promise<ActorSystem> =>
  startMemoryNode(server, node, (own) => [
    own.entity('counter', Counter, { lease, shards: 16, ...options }),
  ])

/** Runs `body` with `nodes` nodes that host counters, and a node that only sends. */
function hosted(
  nodes: number,
  body: (sender: Cluster, systems: ActorSystem[], server: MemoryServer) => Promise<void>,
  options = {},
): Promise<void> {
  return runVirtual(async () => {
    const server = new MemoryServer()
    const systems: ActorSystem[] = []
    for (let i = 0; i < nodes; i++) systems.push(await start(server, `n${i}`, options))
    await sleep(2 * lease)
    await using sender = await cluster({ connector: server.connector, node: 'sender' }).connect()
    await body(sender, systems, server)
    for (const system of systems) await system.stop()
  })
}

const keys = Array.from({ length: 40 }, (_, i) => `key ${i}/é.*>`)

describe('an entity', () => {
  test('has a single actor for each key, whichever node asks', { tags: 'slow' }, async () => {
    await hosted(3, async (sender, systems) => {
      for (const key of keys) expect(await sender.ref<Counter>('counter', key).ask.add(1)).toBe(1)
      for (const key of keys) expect(await sender.ref<Counter>('counter', key).ask.add(1)).toBe(2)
      const paths = await Promise.all(
        keys.map((key) => sender.ref<Counter>('counter', key).ask.where()),
      )
      expect(new Set(paths).size).toBe(keys.length)
      // Each of the three nodes has some of the keys.
      for (const { root } of systems) {
        expect(paths.some((path) => path.startsWith(`${root.path}/`))).toBe(true)
      }
      expect(await sender.ref<Counter>('counter', keys[0]!).ask.slow(1)).toBe(keys[0])
    })
  })

  test('handles the messages of each sender in their order', { tags: 'slow' }, async () => {
    await hosted(2, async (sender) => {
      const ref = sender.ref<Counter>('counter', 'a')
      const asks = Array.from({ length: 50 }, () => ref.ask.add(1))
      expect(await Promise.all(asks)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1))
      expect(await ref.tell.add(1)).toBe(true)
      expect(await ref.tell({ confirm: true }).add(1)).toBe(true)
      expect(await ref.ask.add(0)).toBe(52)
    })
  })

  test('moves at once when its node stops, and no ask fails', { tags: 'slow' }, async () => {
    await hosted(2, async (sender, systems) => {
      const refs = keys.map((key) => sender.ref<Counter>('counter', key))
      await Promise.all(refs.map((ref) => ref.ask.add(1)))
      const stopping = createTask(() => systems[0]!.stop())
      const answers = await Promise.all(refs.map((ref) => ref.ask({ timeout: 900 }).slow(1)))
      expect(answers).toEqual(keys)
      await stopping
      expect(await Promise.all(refs.map((ref) => ref.ask({ timeout: 900 }).slow(1)))).toEqual(keys)
    })
  })

  test(
    'lets its running handlers end before it moves to another node',
    { tags: 'slow' },
    async () => {
      await hosted(1, async (sender, systems, server) => {
        const asks = keys.map((key) => sender.ref<Counter>('counter', key).ask.slow(500))
        await sleep(50)
        const second = await start(server, 'second')
        systems.push(second)
        await systems[0]!.stop()
        expect(await Promise.all(asks)).toEqual(keys)
      })
    },
  )

  test('moves to a node that joins, and the nodes share the shards', { tags: 'slow' }, async () => {
    await hosted(1, async (sender, systems, server) => {
      systems.push(await start(server, 'second'))
      await sleep(3 * lease)
      const shares = (await sender.nodes()).map(({ entities }) => entities['counter']?.shards ?? [])
      expect(shares.flat().toSorted((a, b) => a - b)).toEqual(
        Array.from({ length: 16 }, (_, i) => i),
      )
      const { entities } = await sender.snapshot()
      const { shards, active, waiting } = entities['counter']!
      expect(new Set(shards)).toEqual(new Set(['n0', 'second']))
      expect([active, waiting]).toEqual([0, null])
      expect(shares.filter((share) => share.length > 0)).toHaveLength(2)
    })
  })

  test(
    'is taken over when its node has died, and asks under way are sent again or fail with NodeLost',
    { tags: 'slow' },
    async () => {
      await hosted(2, async (sender, _systems, server) => {
        const refs = keys.map((key) => sender.ref<Counter>('counter', key))
        await Promise.all(refs.map((ref) => ref.ask.add(1)))
        const waiting = refs.map((ref) => ref.ask({ timeout: 60_000 }).slow(30_000))
        for (const each of waiting) each.catch(() => {})
        await sleep(200)
        server.connections[0]!.kill()
        const answers = await Promise.all(refs.map((ref) => ref.ask({ timeout: 60_000 }).add(1)))
        // Some actors have survived and answer 2. The others are new and answer 1.
        expect(new Set(answers)).toEqual(new Set([1, 2]))
        const outcomes = await Promise.allSettled(waiting)
        const lost = outcomes.filter(({ status }) => status === 'rejected')
        expect(lost.length).toBeGreaterThan(0)
        for (const each of lost) {
          expect((each as PromiseRejectedResult).reason).toBeInstanceOf(NodeLost)
        }
      })
    },
  )

  test('that crashes answers ActorCrashed, and a new actor handles the next message', async () => {
    await hosted(1, async (sender) => {
      const ref = sender.ref<Counter>('counter', 'a')
      expect(await ref.ask.add(5)).toBe(5)
      expect(await thrown(ref.ask.crash())).toBeInstanceOf(ActorCrashed)
      expect(await ref.ask.add(1)).toBe(1)
      const ending = ref.ask.end()
      const next = ref.ask.add(1)
      await ending
      expect(await next).toBe(1)
    })
  })

  test(
    'is stopped after idleTimeout and started by its next message',
    { tags: 'slow' },
    async () => {
      const reasons: ExitReason[] = []
      class Idler extends Counter {
        protected override onStop(reason: ExitReason): void {
          reasons.push(reason)
        }
      }
      await runVirtual(async () => {
        const server = new MemoryServer()
        const system = await startMemoryNode(server, 'one', (own) => [
          own.entity('idler', Idler, { lease, shards: 4, idleTimeout: 5_000 }),
        ])
        await sleep(lease)
        await using sender = await cluster({ connector: server.connector }).connect()
        const ref = sender.ref<Idler>('idler', 'a')
        for (let i = 1; i < 4; i++) {
          expect(await ref.ask.add(1)).toBe(i)
          await sleep(4_000)
        }
        expect(reasons).toEqual([])
        // An actor whose handler takes longer than `idleTimeout` is not idle.
        expect(await ref.ask({ timeout: 60_000 }).slow(20_000)).toBe('a')
        expect(await ref.ask.add(0)).toBe(3)
        await sleep(6_000)
        expect(reasons).toHaveLength(1)
        expect((await sender.nodes()).map(({ entities }) => entities['idler']?.active)).toContain(0)
        expect(await ref.ask.add(1)).toBe(1)
        await system.stop()
        expect(reasons).toHaveLength(2)
      })
    },
  )

  test('refuses asks beyond its mailbox capacity, which are sent again, or fail with overflow reject', async () => {
    await hosted(
      1,
      async (sender) => {
        const ref = sender.ref<Counter>('counter', 'a')
        const asks = Array.from({ length: 6 }, () => ref.ask.slow(20))
        expect(await Promise.all(asks)).toEqual(Array.from({ length: 6 }, () => 'a'))
        const hasty = sender.ref<Counter>('counter', 'a', { overflow: 'reject' })
        const outcomes = await Promise.allSettled(
          Array.from({ length: 6 }, () => hasty.ask.slow(20)),
        )
        const refused = outcomes.filter(({ status }) => status === 'rejected')
        expect(refused.length).toBeGreaterThan(0)
        for (const each of refused) {
          expect((each as PromiseRejectedResult).reason).toBeInstanceOf(MailboxFull)
        }
      },
      { mailbox: { capacity: 1 } },
    )
  })

  test('that no node hosts answers NoProc at once', async () => {
    await hosted(1, async (sender, systems) => {
      expect(await thrown(sender.ref<Counter>('unknown', 'a').ask.add(1))).toBeInstanceOf(NoProc)
      expect(await sender.ref<Counter>('unknown', 'a').tell.add(1)).toBe(false)
      expect(await sender.ref<Counter>('counter', 'a').ask.add(1)).toBe(1)
      await systems[0]!.stop()
      expect(await thrown(sender.ref<Counter>('counter', 'a').ask.add(1))).toBeInstanceOf(NoProc)
    })
  })

  test('does not handle an ask that was cancelled before its turn', async () => {
    await hosted(1, async (sender) => {
      const ref = sender.ref<Counter>('counter', 'a')
      const first = ref.ask.slow(500)
      const second = ref.ask.add(1)
      await sleep(100)
      second.cancel()
      expect(isCancelled(await thrown(second))).toBe(true)
      const third = ref.ask({ timeout: 100 }).add(1)
      expect(await thrown(third)).toBeInstanceOf(AskTimeout)
      await first
      expect(await ref.ask.add(0)).toBe(0)
    })
  })

  test('with another number of shards than the cluster has fails to start with an error that says so', async () => {
    await hosted(1, async (_sender, _systems, server) => {
      const errors: string[] = []
      const other = startMemoryNode(server, 'other', (own) => [
        own.entity('counter', Counter, { lease, shards: 8 }),
      ])
      const error = await thrown(other)
      for (let at: unknown = error; at instanceof Error; at = at.cause) errors.push(at.message)
      expect(errors.join('\n')).toMatch(/the entity counter has the settings .*"shards":16/)
    })
  })

  test('answers each ask while its node is stopped', { tags: 'slow' }, async () => {
    for (let seed = 0; seed < 10; seed++) {
      await runVirtual(async () => {
        const server = new MemoryServer({ seed })
        const one = await start(server, 'one')
        const two = await start(server, 'two')
        await sleep(2 * lease)
        const sender = await cluster({ connector: server.connector, node: 'sender' }).connect()
        const asks: PromiseLike<number>[] = []
        for (let i = 0; i < 200; i++) {
          asks.push(sender.ref<Counter>('counter', `key ${i % 20}`).ask.add(1))
          await sleep(1)
          if (i === 100) one.stop().catch(() => {})
        }
        for (const each of asks) await each
        await sender[Symbol.asyncDispose]()
        await two.stop()
      })
    }
  })

  test('whose settings were not read yet returns false for a tell without a connection', () =>
    runVirtual(async () => {
      const server = new MemoryServer()
      const sender = await cluster({ connector: server.connector }).connect()
      const told = sender.ref<Counter>('counter', 'a').tell({ confirm: true }).add(1)
      // At this moment the sender is reading the settings of the entity.
      await sleep(1)
      server.connections[0]?.cut()
      const begin = getEventLoop().time()
      expect(await sender.ref<Counter>('other', 'a').tell.add(1)).toBe(false)
      expect(getEventLoop().time()).toBe(begin)
      await sender[Symbol.asyncDispose]()
      expect(await thrown(told)).toBeInstanceOf(ClusterClosed)
    }))

  test('refuses wrong arguments at the call', () => {
    const handle = cluster()
    expect(() => handle.entity('', Counter)).toThrow(/the type of an entity must be a text/)
    // This key ends with the first half of an emoji, as a text that was cut may do. All such halves would become the same name.
    expect(() => handle.ref('counter', 'Ada \ud83d')).toThrow(/the key of an entity.*half/)
    expect(handle.ref('counter', 'Ada \u{1f600}').path).toBe('nats:counter/Ada \u{1f600}')
    expect(() => handle.entity('a', 7 as never)).toThrow(/needs a class that extends Actor/)
    expect(() => handle.entity('a', Counter, { shards: 0 })).toThrow(/shards/)
    expect(() => handle.entity('a', Counter, { shards: 2_000 })).toThrow(/at most 1024/)
    expect(() => handle.entity('a', Counter, { state: {} as never })).toThrow(/save and load/)
    expect(() => handle.entity('a', Counter, { lease: 10 })).toThrow(/at least 200 ms/)
    expect(() => handle.entity('a', Counter, { mailbox: { size: 1 } as never })).toThrow(/no size/)
    expect(() => handle.entity('a', Counter, { idle: 1 } as never)).toThrow(/no option idle/)
    handle.entity('b', Counter)
    expect(() => handle.entity('b', Counter)).toThrow(/hosts the entity b already/)
    expect(() => handle.ref('a', '')).toThrow(/the key of an entity/)
    expect(() => handle.ref('', 'a')).toThrow(/the type of an entity/)
  })
})
