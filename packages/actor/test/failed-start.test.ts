// Tests actors whose start fails after other actors have linked themselves to them, or have sent them a ReplyPort.
import { Actor, type ActorContext, child, type Down, type ReplyPort } from '@tasktree/actor'
import { sleep } from '@tasktree/core'
import { expect, test } from 'vitest'
import { probe, type ProbeOptions, settled, start, thrown, virtually } from './support/probe.ts'

class Early extends Actor {
  readonly #log: string[]
  constructor(log: string[]) {
    super()
    this.#log = log
  }
  /** Links this actor to the child `b` after some turns of the loop. If `kills` is true, it then kills `b`. */
  async link(turns: number, kills: boolean): Promise<void> {
    await this.#attach(turns, kills, (b) => this.ctx.link(b))
  }
  trap(turns: number, kills: boolean): Promise<void> {
    this.ctx.trapExit = true
    return this.link(turns, kills)
  }
  async handOver(turns: number, kills: boolean): Promise<ReplyPort<string>> {
    const port = this.ctx.reply<string>()
    await this.#attach(turns, kills, (b) => port.handOver(b))
    return port
  }
  async #attach(
    turns: number,
    kills: boolean,
    attach: (b: Parameters<ActorContext['link']>[0]) => void,
  ): Promise<void> {
    for (let turn = 0; turn < turns; turn++) await sleep(0)
    const b = this.ctx.lookup(Actor, 'b')
    if (b === null) throw new Error('too early')
    this.#log.push(b.status)
    attach(b)
    if (kills) void b.kill()
  }
  protected override onDown({ link, reason }: Down): void {
    this.#log.push(`down ${String(link)} ${reason.kind}`)
  }
}

const failing: ProbeOptions = {
  onStart: async () => {
    await sleep(10)
    throw new Error('no')
  },
}
const ignoring: ProbeOptions = {
  onStart: async (context) => {
    await sleep(10)
    context.ignore()
  },
}

// After one turn, the task of `b` has not begun to run.
const ways: [string, ProbeOptions, number, boolean, string][] = [
  ['whose onStart throws', failing, 3, false, 'error'],
  ['that is not needed', ignoring, 3, false, 'normal'],
  ['that is killed in onStart', failing, 3, true, 'killed'],
  ['that is killed before it has begun', failing, 1, true, 'killed'],
]

test.for(ways)('a ReplyPort that was handed to an actor %s fails its ask', ([, options, ...how]) =>
  virtually(async (log) => {
    const [turns, kills, kind] = how
    const system = await start({ children: [child.actor('a', Early, [log])] })
    const answer = thrown(
      system.lookup(Early, 'a')!.ask({ timeout: Infinity }).handOver(turns, kills),
    )
    await system.root.startChild(probe([], 'b', options)).catch(() => {})
    expect(await answer).toMatchObject({ path: '/s/b', delivered: true, reason: { kind } })
    expect(log).toEqual(['starting'])
    await system.stop()
  })(),
)

test.for(ways)(
  'an actor with trapExit gets a message about a linked actor %s',
  ([, options, ...how]) =>
    virtually(async (log) => {
      const [turns, kills, kind] = how
      const system = await start({ children: [child.actor('a', Early, [log])] })
      const linking = system.lookup(Early, 'a')!.ask.trap(turns, kills)
      await system.root.startChild(probe([], 'b', options)).catch(() => {})
      await linking
      await settled()
      expect(log).toEqual(['starting', `down true ${kind}`])
      await system.stop()
    })(),
)

test.for(ways)(
  'a link to an actor %s ends an actor without trapExit unless the reason is normal',
  ([, options, ...how]) =>
    virtually(async (log) => {
      const [turns, kills, kind] = how
      const spec = child.actor('a', Early, [log], { restart: 'temporary' })
      const system = await start({ children: [spec] })
      const a = system.lookup(Early, 'a')!
      await Promise.all([
        a.ask.link(turns, kills),
        system.root.startChild(probe([], 'b', options)).catch(() => {}),
      ])
      await settled()
      if (kind === 'normal') expect(a.status).toBe('running')
      else {
        expect(await a.whenStopped).toMatchObject({ kind: 'error', error: { name: 'LinkDied' } })
      }
      await system.stop()
    })(),
)
