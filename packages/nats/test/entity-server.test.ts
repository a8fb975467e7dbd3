/** What of entities depends on the server itself: its refusals, its limits, and what it shows. */
import { Actor, ActorSystem, child, MailboxFull, silentLogger } from '@tasktree/actor'
import { sleep, sleepForever } from '@tasktree/core'
import { clusterTree, connect, PayloadTooLarge, type StateCodec } from '@tasktree/nats'
import { expect, test } from 'vitest'
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
  grow(): void {
    this.#texts.push('x'.repeat(2_000_000))
  }
}

describeWithServer('entities on a server', (server) => {
  test(
    'keys of any characters, a full mailbox, a state beyond max_payload',
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
          expect(await ref.ask({ timeout: 20_000 }).add('one')).toBe(1)
          const asks = [1, 2, 3].map((n) => ref.ask({ timeout: 20_000 }).add(`${n}`, 300))
          const hasty = sender.ref<Notes>('notes/ü', 'a key.*>é', { overflow: 'reject' })
          await until(
            async () => ((await sender.snapshot()).entities['notes/ü']?.waiting ?? 0) >= 3,
            'a full mailbox',
          )
          expect(await thrown(hasty.tell({ confirm: true }).add('x'))).toBeInstanceOf(MailboxFull)
          expect(await thrown(hasty.ask.add('x'))).toBeInstanceOf(MailboxFull)
          // Waits until there is room.
          expect(await ref.ask({ timeout: 20_000 }).add('four')).toBe(5)
          await Promise.all(asks)
          expect(await thrown(ref.ask({ timeout: 20_000 }).grow())).toBeInstanceOf(PayloadTooLarge)
          expect(await ref.ask({ timeout: 20_000 }).all()).toEqual(['one', '1', '2', '3', 'four'])
          await until(
            async () => (await sender.snapshot()).entities['notes/ü']?.waiting === 0,
            'an empty mailbox',
          )
        },
      )
    },
  )

  test(
    'an orderly stop hands everything over before a lease runs out',
    { tags: 'slow' },
    async () => {
      const where = { ...server.newCluster(), powerLossWarning: false }
      // So long that the test would fail by its time if anybody waited for it.
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
            await sender.ref<Notes>('notes', `k${i}`).ask({ timeout: 20_000 }).add('a')
          }
          await until(
            async () => (await sender.snapshot()).singletons['s'] === 'first',
            'the first run of the singleton',
          )
          await system.root.startChild(second.singleton('s', spec, { lease }))
          await system.root.startChild(second.entity('notes', Notes, hosting))
          await first.stop()
          expect(await sender.ref<Notes>('notes', 'k1').ask({ timeout: 20_000 }).add('x')).toBe(2)
          await until(async () => {
            const { singletons, entities } = await sender.snapshot()
            const owners = new Set(entities['notes']?.shards)
            return singletons['s'] === 'second' && owners.size === 1 && owners.has('second')
          }, 'the hand-over')
        },
      )
    },
  )
})
