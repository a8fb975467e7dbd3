// Tests that a ReplyPort that a handler has given to another actor still works after the end of the handler and of its actor.
import { Actor, child, type LocalActorRef, type ReplyPort } from '@tasktree/actor'
import { allTasks, sleep } from '@tasktree/core'
import { expect, test } from 'vitest'
import { start, thrown, virtually } from './support/probe.ts'

class Helper extends Actor {
  port: ReplyPort<string> | null = null
  hold(port: ReplyPort<string>): void {
    this.port = port
  }
  answer(): void {
    this.port?.resolve('from the helper')
  }
}

class Front extends Actor {
  static override readonly interleave = ['delegate']
  runs = 0
  async busy(): Promise<void> {
    await sleep(10_000)
  }
  async delegate(helper: LocalActorRef<Helper> | null, wait: string): Promise<ReplyPort<string>> {
    const port = this.ctx.reply<string>()
    if (helper !== null) {
      port.handOver(helper)
      await helper.tell.hold(port)
    }
    await (wait === 'foreign' ? new Promise(() => {}) : sleep(10_000))
    return port
  }
  /** In the first incarnation, stashes its message and waits for ever. In a later one, returns the number of the incarnation. */
  async later(): Promise<number> {
    if (this.ctx.incarnation > 1) return this.ctx.incarnation
    this.ctx.stash()
    await new Promise(() => {})
    return 0
  }
}

const ends = ['kill', 'stop', 'cancel'] as const
const cases = ends.flatMap((end) =>
  ['own', 'foreign'].flatMap((wait) => [false, true].map((beside) => ({ end, wait, beside }))),
)

// `beside`: the handler overlaps another handler. A stop and a cancel do not end a wait for a foreign promise.
test.for(cases.filter(({ end, wait }) => end === 'kill' || wait === 'own'))(
  'an actor with a handed-over port answers after the $end of the first owner ($wait wait, beside: $beside)',
  ({ end, wait, beside }) =>
    virtually(async () => {
      const system = await start({
        children: [child.actor('helper', Helper), child.actor('front', Front)],
      })
      const helper = system.lookup(Helper, 'helper')!
      const front = system.lookup(Front, 'front')!
      if (beside) void front.tell.busy()
      await sleep(1)
      const given = front.ask.delegate(helper, wait)
      const kept = beside ? thrown(front.ask.delegate(null, wait)) : null
      await sleep(1)
      if (end === 'kill') void front.kill()
      else if (end === 'stop') void system.root.stopChild('front')
      else [...allTasks()].find(({ name }) => name === '/s/front')?.cancel()
      await sleep(1)
      if (kept !== null && end !== 'cancel') {
        expect(await kept).toMatchObject({ name: 'ActorStopped', delivered: true })
      }
      await helper.ask.answer()
      expect(await given).toBe('from the helper')
      await system.stop({ timeout: 0 })
    })(),
)

test(
  'a ReplyPort that was not handed over fails its ask when its actor is killed',
  virtually(async () => {
    const system = await start({ children: [child.actor('front', Front)] })
    const front = system.lookup(Front, 'front')!
    for (const wait of ['own', 'foreign']) {
      const answer = thrown(front.ask.delegate(null, wait))
      await sleep(1)
      void front.kill()
      expect(await answer).toMatchObject({ name: 'ActorStopped', delivered: true })
      await sleep(1)
    }
    await system.stop()
  }),
)

test(
  'a stashed message is handled after the kill of its actor, even if its handler cannot be cancelled',
  virtually(async () => {
    const system = await start({ children: [child.actor('front', Front)] })
    const front = system.lookup(Front, 'front')!
    const answer = front.ask.later()
    await sleep(1)
    void front.kill()
    expect(await answer).toBe(2)
    await system.stop()
  }),
)
