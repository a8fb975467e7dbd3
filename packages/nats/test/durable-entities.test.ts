/** Tests entities with state on the server in memory, in virtual time. */
import {
  Actor,
  ActorCrashed,
  type ActorSystem,
  type ExitReason,
  MailboxFull,
  ReplyError,
} from '@tasktree/actor'
import { createTask, getEventLoop, isCancelled, sleep } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { cluster, type Cluster, Fenced, PayloadTooLarge, type StateCodec } from '@tasktree/nats'
import { MemoryServer } from '@tasktree/nats/testing'
import { describe, expect, test } from 'vitest'
import { startMemoryNode } from './support/nodes-in-memory.ts'
import { thrown } from '../../../vitest.thrown.ts'

const lease = 1_000

/** An entity that keeps a list. Static fields record what its handlers do, because they outlive the actor. */
class List extends Actor {
  #items: number[] = []
  static runs: { key: string; item: number; idempotencyKey: string | null; node: string }[] = []
  static stops: ExitReason[] = []
  static failingStarts = 0
  readonly key: string
  static readonly state: StateCodec<List, number[]> = {
    save: (list) => list.#items,
    load: (list, items) => {
      list.#items = items
    },
  }

  constructor(key: string) {
    super()
    this.key = key
  }

  protected override onStart(): void {
    if (List.failingStarts > 0) {
      List.failingStarts--
      throw new RangeError('not yet')
    }
  }

  protected override onStop(reason: ExitReason): void {
    List.stops.push(reason)
  }

  async append(item: number, ms = 0): Promise<number> {
    const { idempotencyKey } = this.ctx
    List.runs.push({ key: this.key, item, idempotencyKey, node: this.ctx.path.split('/')[1] ?? '' })
    if (ms > 0) await sleep(ms)
    this.#items.push(item)
    return this.#items.length
  }

  /** Fails with another error when it is cancelled, like a handler that uses a database driver may do. */
  async wrap(item: number, ms: number): Promise<void> {
    try {
      await sleep(ms)
    } catch (cause) {
      throw new RangeError('the driver has lost its connection', { cause })
    }
    this.#items.push(item)
  }

  items(): number[] {
    return this.#items
  }

  crashAfter(item: number): never {
    this.#items.push(item)
    throw new RangeError('broken')
  }

  refuseAfter(item: number): never {
    this.#items.push(item)
    throw new ReplyError('refused')
  }

  end(): void {
    this.#items.push(-1)
    this.ctx.stop()
  }

  endLater(): void {
    this.ctx.after(10, () => this.ctx.stop())
  }

  later(item: number): void {
    this.ctx.after(10, () => void this.#items.push(item))
  }

  grow(): void {
    this.#items = Array.from({ length: 5_000 }, (_, i) => i + 0.5)
  }
}

const start = (server: MemoryServer, node: string, options = {}): Promise<ActorSystem> =>
  startMemoryNode(server, node, (own) => [
    own.entity('list', List, { lease, shards: 4, state: List.state, ...options }),
  ])

interface Setting {
  readonly sender: Cluster
  readonly systems: ActorSystem[]
  readonly server: MemoryServer
}

function hosted(
  nodes: number,
  body: (setting: Setting) => Promise<void>,
  options = {},
  server = new MemoryServer(),
): Promise<void> {
  List.runs = []
  List.stops = []
  List.failingStarts = 0
  return runVirtual(async () => {
    const systems: ActorSystem[] = []
    for (let i = 0; i < nodes; i++) systems.push(await start(server, `n${i}`, options))
    await sleep(2 * lease)
    await using sender = await cluster({ connector: server.connector, node: 'sender' }).connect()
    await body({ sender, systems, server })
    for (const system of systems) await system.stop()
  })
}

describe('a durable entity', () => {
  test(
    'keeps its state when it is stopped after idleTimeout and when its node stops',
    { tags: 'slow' },
    async () => {
      await hosted(
        2,
        async ({ sender, systems }) => {
          const ref = sender.ref<List>('list', 'a')
          expect(await ref.ask.append(1)).toBe(1)
          expect(await ref.tell({ confirm: true }).append(2)).toBe(true)
          expect(await ref.tell.append(3)).toBe(true)
          expect(await ref.ask.items()).toEqual([1, 2, 3])
          await sleep(10_000)
          expect(List.stops).toEqual([{ kind: 'normal' }])
          expect(await ref.ask.append(4)).toBe(4)
          await systems[0]!.stop()
          expect(await ref.ask({ timeout: 500 }).append(5)).toBe(5)
          await sleep(8_000)
          const { list } = (await sender.snapshot()).entities
          expect(list).toEqual({ shards: ['n1', 'n1', 'n1', 'n1'], active: 0, waiting: 0 })
        },
        { idleTimeout: 5_000 },
      )
    },
  )

  test(
    'handles each message that was under way when its node died once and in order',
    { tags: 'slow' },
    async () => {
      await hosted(2, async ({ sender, server }) => {
        const refs = Array.from({ length: 8 }, (_, i) => sender.ref<List>('list', `k${i}`))
        const asks = refs.map((ref) =>
          Array.from({ length: 10 }, (_, item) => ref.ask({ timeout: 60_000 }).append(item, 20)),
        )
        await sleep(90)
        server.connections[0]!.kill()
        for (const each of asks) for (const ask of each) ask.catch(() => {})
        await Promise.allSettled(asks.flat())
        for (const ref of refs) {
          expect(await ref.ask({ timeout: 60_000 }).items()).toEqual([...Array(10).keys()])
        }
        // The message that was being handled has run twice, with the same idempotency key.
        const again = List.runs.filter(
          (run, i) => List.runs.findIndex((each) => each.idempotencyKey === run.idempotencyKey) < i,
        )
        expect(again.length).toBeGreaterThan(0)
        expect(again.length).toBeLessThan(9)
      })
    },
  )

  test('has the state from before after a message that crashed it', async () => {
    await hosted(1, async ({ sender }) => {
      const ref = sender.ref<List>('list', 'a')
      await ref.ask.append(1)
      const crash = ref.ask.crashAfter(2)
      const next = ref.ask.append(3)
      expect(await thrown(crash)).toBeInstanceOf(ActorCrashed)
      expect(await next).toBe(2)
      expect(await ref.ask.items()).toEqual([1, 3])
      // A ReplyError is an answer and not a crash, so the change that the handler has made is kept.
      expect(await thrown(ref.ask.refuseAfter(4))).toBeInstanceOf(ReplyError)
      expect(await ref.ask.items()).toEqual([1, 3, 4])
      await ref.ask.end()
      expect(await ref.ask.items()).toEqual([1, 3, 4, -1])
      const other = sender.ref<{ unknown: () => void }>('list', 'a')
      expect(await thrown(other.ask.unknown())).toBeInstanceOf(Error)
      expect(await ref.ask.append(5)).toBe(5)
    })
  })

  test('gets the messages that were sent while no node hosted it', { tags: 'slow' }, async () => {
    await hosted(1, async ({ sender, systems, server }) => {
      const ref = sender.ref<List>('list', 'a')
      await ref.ask.append(1)
      await systems[0]!.stop()
      expect(await ref.tell({ confirm: true }).append(2)).toBe(true)
      const ask = ref.ask({ timeout: 60_000 }).append(3)
      const given = ref.ask({ timeout: 60_000 }).append(99)
      await sleep(5_000)
      expect((await sender.snapshot()).entities).toEqual({})
      given.cancel()
      expect(isCancelled(await thrown(given))).toBe(true)
      systems.push(await start(server, 'later'))
      expect(await ask).toBe(3)
      expect(await ref.ask.items()).toEqual([1, 2, 3])
    })
  })

  test('refuses messages beyond the capacity of its mailbox, and other entities go on', async () => {
    await hosted(
      1,
      async ({ sender }) => {
        const ref = sender.ref<List>('list', 'a')
        const asks = Array.from({ length: 8 }, (_, i) => ref.ask({ timeout: 60_000 }).append(i, 50))
        await sleep(30)
        const hasty = sender.ref<List>('list', 'a', { overflow: 'reject' })
        expect(await thrown(hasty.ask.append(9))).toBeInstanceOf(MailboxFull)
        expect(await thrown(hasty.tell({ confirm: true }).append(9))).toBeInstanceOf(MailboxFull)
        expect(await sender.ref<List>('list', 'b').ask.append(1)).toBe(1)
        await Promise.all(asks)
        expect((await ref.ask.items()).toSorted()).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
      },
      { mailbox: { capacity: 3 } },
    )
  })

  test('whose state another owner has written handles its message again with the newer state', async () => {
    await hosted(1, async ({ sender, server }) => {
      const ref = sender.ref<List>('list', 'a')
      await ref.ask.append(1)
      // Acts as another owner of the entity: reads the state and writes it again unchanged.
      const bus = await server.connector()
      const states = await bus.openBucket('tasktree_state')
      const entry = await states.get('list.a')
      await states.put('list.a', entry!.value)
      expect(await ref.ask.append(2)).toBe(2)
      expect(List.runs.map(({ item }) => item)).toEqual([1, 2, 2])
      expect(List.runs[1]!.idempotencyKey).toBe(List.runs[2]!.idempotencyKey)
      const [stop] = List.stops
      expect(stop).toMatchObject({ kind: 'shutdown' })
      expect((stop as { detail: unknown }).detail).toBeInstanceOf(Fenced)
      expect(await ref.ask.items()).toEqual([1, 2])
      await bus.close()
    })
  })

  test(
    'that stops itself between two messages is started for the next message',
    { tags: 'slow' },
    async () => {
      await hosted(1, async ({ sender }) => {
        const ref = sender.ref<List>('list', 'a')
        await ref.ask.append(1)
        for (let wait = 0; wait < 30; wait += 2) {
          await ref.ask.endLater()
          await sleep(wait)
          expect(await ref.ask.items()).toEqual([1])
        }
      })
    },
  )

  test('does not hold up the stop of its node when its start hangs', { tags: 'slow' }, async () => {
    await hosted(1, async ({ sender, systems, server }) => {
      List.failingStarts = Infinity
      const ref = sender.ref<List>('list', 'a')
      const ask = ref.ask({ timeout: 600_000 }).append(1)
      await sleep(100_000)
      const stoppedAt = getEventLoop().time()
      await systems[0]!.stop()
      expect(getEventLoop().time() - stoppedAt).toBeLessThan(500)
      List.failingStarts = 0
      systems.push(await start(server, 'next'))
      expect(await ask).toBe(1)
    })
  })

  test('handles new messages after a power loss in which the server has lost messages that were stored in its state', async () => {
    await hosted(1, async ({ sender, systems, server }) => {
      const ref = sender.ref<List>('list', 'a')
      await ref.ask.append(1)
      await systems[0]!.stop()
      // Changes the stored state as if it had been stored with message 1000, which the stream has lost.
      const bus = await server.connector()
      const states = await bus.openBucket('tasktree_state')
      const { value } = (await states.get('list.a'))!
      new DataView(value.buffer, value.byteOffset).setFloat64(0, 1_000)
      await states.put('list.a', value)
      await bus.close()
      await sleep(10)
      expect(await ref.tell({ confirm: true }).append(2)).toBe(true)
      systems.push(await start(server, 'next'))
      expect(await ref.ask.append(3)).toBe(3)
      expect(await ref.ask.items()).toEqual([1, 2, 3])
    })
  })

  test('stores what a timer has changed when it is stopped', async () => {
    await hosted(1, async ({ sender, systems, server }) => {
      const ref = sender.ref<List>('list', 'a')
      await ref.ask.later(7)
      await sleep(100)
      await systems[0]!.stop()
      systems.push(await start(server, 'next'))
      expect(await ref.ask.items()).toEqual([7])
    })
  })

  test('whose state becomes too large answers PayloadTooLarge and keeps the state from before', async () => {
    await hosted(
      1,
      async ({ sender }) => {
        const ref = sender.ref<List>('list', 'a')
        await ref.ask.append(1)
        expect(await thrown(ref.ask.grow())).toBeInstanceOf(PayloadTooLarge)
        expect(await ref.ask.items()).toEqual([1])
      },
      {},
      new MemoryServer({ maxPayload: 20_000 }),
    )
  })

  test('whose start fails is started again and then handles the message', async () => {
    await hosted(1, async ({ sender }) => {
      List.failingStarts = 3
      const ref = sender.ref<List>('list', 'a')
      expect(await ref.ask.append(1)).toBe(1)
      expect(List.failingStarts).toBe(0)
    })
  })

  test('gets a confirmed tell once if the connection was lost while the tell was sent', async () => {
    await hosted(1, async ({ sender, server }) => {
      const ref = sender.ref<List>('list', 'a')
      await ref.ask.append(0)
      const own = server.connections[1]!
      for (let i = 1; i <= 20; i++) {
        const told = ref.tell({ confirm: true }).append(i)
        await sleep(i / 2)
        own.cut()
        await sleep(200)
        own.restore()
        expect(await told).toBe(true)
      }
      expect(await ref.ask.items()).toEqual([...Array(21).keys()])
    })
  })

  test('gets a confirmed tell once if the server has forgotten that it stored the tell', async () => {
    await hosted(1, async ({ sender, server }) => {
      const ref = sender.ref<List>('list', 'a')
      await ref.ask.append(0)
      for (let i = 1; i <= 20; i++) {
        const told = ref.tell({ confirm: true }).append(i)
        // The message is stored and handled, but the sender does not get the confirmation.
        await sleep(i / 2)
        server.connections[1]!.cut()
        await sleep(50)
        server.restart()
        await sleep(50)
        for (const each of server.connections) each.restore()
        expect(await told).toBe(true)
      }
      expect(await ref.ask({ timeout: 10_000 }).items()).toEqual([...Array(21).keys()])
    })
  })

  test('handles a new message to which the killed server gives the sequence of a deleted message', async () => {
    await hosted(1, async ({ sender, server }) => {
      const [owner, own] = server.connections
      const ref = sender.ref<List>('list', 'a')
      await ref.ask.append(0)
      for (let i = 1; i <= 40; i += 2) {
        expect(await ref.tell({ confirm: true }).append(i)).toBe(true)
        // The message is handled and deleted, but the owner may not get the answer to its deletion.
        await sleep(i / 2)
        owner!.cut()
        await sleep(50)
        server.restart()
        own!.restore()
        expect(await ref.tell({ confirm: true }).append(i + 1)).toBe(true)
        owner!.restore()
        await sleep(100)
      }
      expect(await ref.ask({ timeout: 10_000 }).items()).toEqual([...Array(41).keys()])
    })
  })

  test('handles a new message to which the killed server gives the sequence of a cancelled ask that still runs', async () => {
    await hosted(1, async ({ sender, server }) => {
      const ref = sender.ref<List>('list', 'a')
      await ref.ask.append(0)
      const asked = ref.ask({ timeout: 60_000 }).append(1, 500)
      await sleep(50)
      asked.cancel()
      await sleep(50)
      server.restart()
      for (const each of server.connections) each.restore()
      expect(await ref.tell({ confirm: true }).append(2)).toBe(true)
      expect(await ref.ask.items()).toEqual([0, 1, 2])
    })
  })

  test('handles a message again whose handler failed because the node was stopped', async () => {
    await hosted(
      1,
      async ({ sender, systems, server }) => {
        const ref = sender.ref<List>('list', 'a')
        await ref.tell({ confirm: true }).wrap(1, 1_000)
        await ref.tell({ confirm: true }).append(2)
        await sleep(500)
        await systems[0]!.stop()
        systems.push(await start(server, 'next'))
        expect(await ref.ask({ timeout: 60_000 }).items()).toEqual([1, 2])
      },
      { shutdown: 100 },
    )
  })

  test('handles a message again whose handler failed because the lease was lost', async () => {
    await hosted(1, async ({ sender, server }) => {
      const ref = sender.ref<List>('list', 'a')
      await ref.tell({ confirm: true }).wrap(1, 2 * lease)
      await ref.tell({ confirm: true }).append(2)
      await sleep(lease / 2)
      server.connections[0]!.cut()
      await sleep(lease)
      server.connections[0]!.restore()
      expect(await ref.ask({ timeout: 60_000 }).items()).toEqual([1, 2])
    })
  })

  test(
    'lets its running handler end when its node stops, and the next owner handles the other messages',
    { tags: 'slow' },
    async () => {
      await hosted(1, async ({ sender, systems, server }) => {
        const ref = sender.ref<List>('list', 'a')
        const asks = [1, 2, 3].map((item) => ref.ask.append(item, 300))
        await sleep(100)
        systems.push(await start(server, 'next'))
        const stopping = createTask(() => systems[0]!.stop())
        expect(await Promise.all(asks)).toEqual([1, 2, 3])
        await stopping
        expect(List.runs.map(({ item }) => item)).toEqual([1, 2, 3])
        expect(List.runs.at(-1)!.node).toBe('next')
      })
    },
  )
})

/** An entity that passes each item on to a list, and then waits a moment, in which its node may die. */
class Relay extends Actor {
  #count = 0
  static cluster: Cluster
  static readonly state: StateCodec<Relay, number> = {
    save: (relay) => relay.#count,
    load: (relay, count) => {
      relay.#count = count
    },
  }
  async pass(item: number): Promise<number> {
    await Relay.cluster.ref<List>('list', 'out').tell({ confirm: true }).append(item)
    await Relay.cluster.ref<List>('list', 'out').tell.append(item + 0.5)
    await sleep(100)
    return ++this.#count
  }
}

test(
  'a confirmed tell of a durable entity is stored once even if the handler of the entity ran twice',
  { tags: 'slow' },
  async () => {
    List.runs = []
    await runVirtual(async () => {
      const server = new MemoryServer()
      const node = (name: string): Promise<ActorSystem> =>
        startMemoryNode(server, name, (own) => [
          own.entity('list', List, { lease, shards: 4, state: List.state }),
          own.entity('relay', Relay, { lease, shards: 4, state: Relay.state }),
        ])
      const systems = [await node('one'), await node('two')]
      await sleep(2 * lease)
      await using sender = await cluster({ connector: server.connector, node: 'sender' }).connect()
      Relay.cluster = sender
      const relays = Array.from({ length: 6 }, (_, i) => sender.ref<Relay>('relay', `r${i}`))
      const passing = relays.map((relay, i) => relay.ask({ timeout: 60_000 }).pass(i))
      await sleep(70)
      server.connections[0]!.kill()
      expect(await Promise.all(passing)).toEqual([1, 1, 1, 1, 1, 1])
      await sleep(5_000)
      const items = await sender.ref<List>('list', 'out').ask({ timeout: 60_000 }).items()
      expect(items.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, i) => i / 2))
      for (const system of systems) await system.stop()
    })
  },
)
