/** Tests what entities need of a real server: its refusals, its limits, and its snapshot. */
import {
  Actor,
  type ActorRef,
  ActorSystem,
  child,
  MailboxFull,
  silentLogger,
  spawn,
} from '@tasktree/actor'
import { sleep, sleepForever } from '@tasktree/core'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect as connectClient } from '@nats-io/transport-node'
import { clusterTree, connect, PayloadTooLarge, type StateCodec } from '@tasktree/nats'
import { describe, expect, test } from 'vitest'
import { thrown } from '../../../vitest.thrown.ts'
import { describeWithServer } from './support/server.ts'
import { inTree, until } from './support/tree.ts'

class Notes extends Actor {
  #texts: string[] = []
  static readonly state: StateCodec<Notes, string[]> = {
    save: (notes) => notes.#texts,
    load: (notes, texts) => {
      notes.#texts = texts
    },
  }
  async add(text: string, ms = 0): Promise<number> {
    if (ms > 0) await sleep(ms)
    this.#texts.push(text)
    return this.#texts.length
  }
  all(): string[] {
    return this.#texts
  }
  push(text: string): void {
    this.#texts.push(text)
  }
  addAll(texts: readonly string[]): void {
    this.#texts.push(...texts)
  }
  grow(): void {
    this.#texts.push('x'.repeat(2_000_000))
  }
}

/** The tells that one run of `Courier.deliver` sends. */
type Run = (notes: (key: string) => ActorRef<Notes>) => PromiseLike<unknown>[]

/** Handles one message in several runs, as after a crash of its node. Each run except the last stashes the message. */
class Courier extends Actor {
  static runs: Run[] = []
  static notes: (key: string) => ActorRef<Notes>
  static readonly state: StateCodec<Courier, null> = { save: () => null, load: () => {} }

  async deliver(): Promise<void> {
    const [run, ...later] = Courier.runs
    Courier.runs = later
    await Promise.all(run?.(Courier.notes) ?? [])
    if (later.length === 0) return
    this.ctx.stash()
    this.ctx.after(0, () => this.ctx.unstashAll())
  }

  key(): string | null {
    return this.ctx.idempotencyKey
  }
}

const confirmed = { confirm: true } as const
const list = ['x', 'y']
/** An equal list, which V8 encodes as other bytes than `list`. */
const storedList = structuredClone(list)

describeWithServer('entities on a server', (server) => {
  test(
    'a key may have any characters, and a full mailbox and a state beyond max_payload are refused',
    { tags: 'slow' },
    async () => {
      const where = { ...server.newCluster(), powerLossWarning: false }
      const hosting = { state: Notes.state, shards: 4, mailbox: { capacity: 3 } }
      await inTree(
        where,
        (own) => [own.entity('notes/ü', Notes, hosting)],
        async () => {
          await using sender = await connect(where)
          const ref = sender.ref<Notes>('notes/ü', 'a key.*>é')
          expect(await ref.ask({ timeout: 60_000 }).add('one')).toBe(1)
          const asks = [1, 2, 3].map((n) => ref.ask({ timeout: 60_000 }).add(`${n}`, 300))
          const hasty = sender.ref<Notes>('notes/ü', 'a key.*>é', { overflow: 'reject' })
          await until(
            async () => ((await sender.snapshot()).entities['notes/ü']?.waiting ?? 0) >= 3,
            'a full mailbox',
          )
          expect(await thrown(hasty.tell({ confirm: true }).add('x'))).toBeInstanceOf(MailboxFull)
          expect(await thrown(hasty.ask.add('x'))).toBeInstanceOf(MailboxFull)
          // This ask waits until there is room in the mailbox.
          expect(await ref.ask({ timeout: 60_000 }).add('four')).toBe(5)
          await Promise.all(asks)
          expect(await thrown(ref.ask({ timeout: 60_000 }).grow())).toBeInstanceOf(PayloadTooLarge)
          expect(await ref.ask({ timeout: 60_000 }).all()).toEqual(['one', '1', '2', '3', 'four'])
          await until(
            async () => (await sender.snapshot()).entities['notes/ü']?.waiting === 0,
            'an empty mailbox',
          )
        },
      )
    },
  )

  test(
    'a node that stops hands over its entities and singletons before their leases run out',
    { tags: 'slow' },
    async () => {
      const where = { ...server.newCluster(), powerLossWarning: false }
      // The lease is so long that the test would fail at its time limit if a node waited for its end.
      const lease = 600_000
      const spec = child.task('idle', () => sleepForever())
      const hosting = { state: Notes.state, shards: 8, lease }
      await inTree(
        { ...where, node: 'second' },
        () => [],
        async (second, system) => {
          await using sender = await connect(where)
          const first = await ActorSystem.start({
            name: 'first',
            logger: silentLogger,
            children: [
              clusterTree('tree', { ...where, node: 'first' }, (own) => [
                own.entity('notes', Notes, hosting),
                own.singleton('s', spec, { lease }),
              ]),
            ],
          })
          for (let i = 0; i < 8; i++) {
            await sender.ref<Notes>('notes', `k${i}`).ask({ timeout: 60_000 }).add('a')
          }
          await until(
            async () => (await sender.snapshot()).singletons['s'] === 'first',
            'the first run of the singleton',
          )
          await system.root.startChild(second.singleton('s', spec, { lease }))
          await system.root.startChild(second.entity('notes', Notes, hosting))
          await first.stop()
          expect(await sender.ref<Notes>('notes', 'k1').ask({ timeout: 60_000 }).add('x')).toBe(2)
          await until(async () => {
            const { singletons, entities } = await sender.snapshot()
            const owners = new Set(entities['notes']?.shards)
            return singletons['s'] === 'second' && owners.size === 1 && owners.has('second')
          }, 'the hand-over')
        },
      )
    },
  )

  test(
    'an idempotency key of a message may have spaces and line ends',
    { tags: 'slow' },
    async () => {
      const where = { ...server.newCluster(), powerLossWarning: false }
      await inTree(
        where,
        (own) => [own.entity('notes', Notes, { state: Notes.state, shards: 1 })],
        async (own) => {
          const notes = own.ref<Notes>('notes', 'a')
          Courier.runs = [() => [notes.tell(confirmed).add('x'), notes.tell(confirmed).add('y')]]
          Courier.notes = () => notes
          const courier = await spawn(Courier)
          await courier.ask({ idempotencyKey: 'order 7\r\n \u{1f600} \ud83d' }).deliver()
          expect(await notes.ask({ timeout: 60_000 }).all()).toEqual(['x', 'y'])
          await courier.stop()
        },
      )
    },
  )

  test(
    'a message in a stream that was deleted and made again does not get the idempotency key of a lost message',
    { tags: 'slow' },
    async () => {
      const where = { ...server.newCluster(), powerLossWarning: false }
      const askForKey = (): Promise<string | null> =>
        inTree(
          where,
          (own) => [own.entity('courier', Courier, { state: Courier.state, shards: 1 })],
          async (own) => own.ref<Courier>('courier', 'c').ask({ timeout: 60_000 }).key(),
        )
      const first = await askForKey()
      const connection = await connectClient({ servers: server.url })
      const manager = await jetstreamManager(connection)
      await manager.streams.delete(`${where.namespace}_MBX_courier`)
      await connection.close()
      expect(await askForKey()).not.toBe(first)
    },
  )

  describe('the messages that a handler tells when it runs twice for one message', () => {
    const add = (key: string, text: string): Run => {
      return (notes) => [notes(key).tell(confirmed).add(text)]
    }
    const both =
      (...runs: Run[]): Run =>
      (notes) =>
        runs.flatMap((run) => run(notes))

    test.each<{ name: string; runs: Run[]; a: string[]; b?: string[] }>([
      { name: 'the same message', runs: [add('a', 'x'), add('a', 'x')], a: ['x'] },
      { name: 'other arguments', runs: [add('a', 'x'), add('a', 'y')], a: ['x', 'y'] },
      { name: 'another receiver', runs: [add('a', 'x'), add('b', 'x')], a: ['x'], b: ['x'] },
      {
        name: 'another method',
        runs: [
          (notes) => [notes('a').tell(confirmed).push('x')],
          (notes) => [notes('a').tell(confirmed).add('x')],
        ],
        a: ['x', 'x'],
      },
      {
        name: 'a tell that is not confirmed',
        runs: [(notes) => [notes('a').tell.add('x')], (notes) => [notes('a').tell.add('y')]],
        a: ['x', 'y'],
      },
      {
        name: 'the same messages in another order',
        runs: [both(add('a', 'x'), add('a', 'y')), both(add('a', 'y'), add('a', 'x'))],
        a: ['x', 'y'],
      },
      {
        name: 'one message of two',
        runs: [both(add('a', 'x'), add('a', 'y')), add('a', 'y')],
        a: ['x', 'y'],
      },
      {
        name: 'the same message twice in each run',
        runs: [both(add('a', 'x'), add('a', 'x')), both(add('a', 'x'), add('a', 'x'))],
        a: ['x', 'x'],
      },
      {
        name: 'a list, which a later run has from a stored state',
        runs: [
          (notes) => [notes('a').tell(confirmed).addAll(list)],
          (notes) => [notes('a').tell(confirmed).addAll(storedList)],
        ],
        a: ['x', 'y'],
      },
    ])('$name', { tags: 'slow' }, async ({ runs, a, b = [] }) => {
      const where = { ...server.newCluster(), powerLossWarning: false }
      await inTree(
        where,
        (own) => [
          own.entity('notes', Notes, { state: Notes.state, shards: 1 }),
          own.entity('courier', Courier, { state: Courier.state, shards: 1 }),
        ],
        async (own) => {
          Courier.runs = runs
          Courier.notes = (key) => own.ref<Notes>('notes', key)
          await own.ref<Courier>('courier', 'c').ask({ timeout: 60_000 }).deliver()
          expect(Courier.runs).toEqual([])
          const all = async (key: string): Promise<string[]> =>
            own.ref<Notes>('notes', key).ask({ timeout: 60_000 }).all()
          expect((await all('a')).toSorted()).toEqual(a)
          expect(await all('b')).toEqual(b)
        },
      )
    })
  })
})
