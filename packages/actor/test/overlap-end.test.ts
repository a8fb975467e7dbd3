// Tests handlers that overlap while their actor ends, is suspended, or is restarted.
import { Actor, child, spawn, sys } from '@tasktree/actor'
import { getEventLoop, sleep } from '@tasktree/core'
import { expect, test } from 'vitest'
import { settled, start, thrown, virtually } from './support/probe.ts'

class Overlapping extends Actor {
  static override readonly interleave = ['query', 'fail']
  readonly #log: string[]
  constructor(log: string[]) {
    super()
    this.#log = log
  }
  async main(ms: number): Promise<string> {
    await sleep(ms)
    return 'done'
  }
  async quit(): Promise<void> {
    this.ctx.stop()
    await sleep(1)
  }
  query(name: string): void {
    this.#log.push(`${name} at ${getEventLoop().time()}, incarnation ${this.ctx.incarnation}`)
  }
  async fail(ms: number): Promise<void> {
    await sleep(ms)
    throw new Error('no')
  }
}

test(
  'an interleaved message that came while the actor was suspended overlaps the handler before it',
  virtually(async (log) => {
    const o = await spawn(Overlapping, [log])
    await sys.suspend(o)
    const main = o.ask.main(100)
    void o.tell.query('first')
    await sleep(1)
    await sys.resume(o)
    await main
    await o.stop()
    expect(log).toEqual(['first at 1, incarnation 1'])
  }),
)

test(
  'an interleaved message left by an incarnation that ends overlaps a handler of the next incarnation',
  virtually(async (log) => {
    const system = await start({ children: [child.actor('o', Overlapping, [log])] })
    const o = system.lookup(Overlapping, 'o')!
    void o.tell.quit()
    const main = o.ask.main(100)
    void o.tell.query('first')
    await main
    expect(log).toEqual(['first at 1, incarnation 2'])
    await system.stop()
  }),
)

test(
  'interleaved messages whose handlers had not begun at a kill are handled in order by the next incarnation',
  virtually(async (log) => {
    const system = await start({ children: [child.actor('o', Overlapping, [log])] })
    const o = system.lookup(Overlapping, 'o')!
    void o.tell.main(100)
    await sleep(1)
    for (const name of ['one', 'two', 'three', 'four']) void o.tell.query(name)
    void o.kill()
    await sleep(1)
    await settled()
    expect(log.map((line) => line.split(' at')[0])).toEqual(['one', 'two', 'three', 'four'])
    expect(o.incarnation).toBe(2)
    await system.stop()
  }),
)

test(
  'an interleaved ask that is cancelled after a kill is not handled by the next incarnation',
  virtually(async (log) => {
    const system = await start({ children: [child.actor('o', Overlapping, [log])] })
    const o = system.lookup(Overlapping, 'o')!
    void o.tell.main(100)
    await sleep(1)
    const [one, two, three] = ['one', 'two', 'three'].map((name) => o.ask.query(name))
    void o.kill()
    two?.cancel()
    await Promise.all([one, three])
    expect(log.map((line) => line.split(' at')[0])).toEqual(['one', 'three'])
    await system.stop()
  }),
)

test(
  'a handler may finish after a stop, even if a handler that overlaps it crashes',
  virtually(async (log) => {
    const o = await spawn(Overlapping, [log])
    const main = o.ask.main(50)
    const failing = thrown(o.ask.fail(20))
    await sleep(1)
    const end = o.stop()
    expect(await main).toBe('done')
    expect(await failing).toMatchObject({ name: 'ActorCrashed' })
    expect(await end).toEqual({ kind: 'shutdown' })
  }),
)

test(
  'a handler that crashes cancels a handler that overlaps it if the actor is not stopping',
  virtually(async (log) => {
    const o = await spawn(Overlapping, [log])
    const main = thrown(o.ask.main(50))
    void o.tell.fail(20)
    expect(await main).toMatchObject({ name: 'ActorCrashed', cause: { message: 'no' } })
  }),
)
