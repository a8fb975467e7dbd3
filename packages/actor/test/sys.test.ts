// Tests what the requests of `sys` do to the messages behind them in the mailbox, and the counts of `sys`.
import { Actor, child, ReplyError, spawn, sys } from '@tasktree/actor'
import { settled, start, thrown, virtually } from './support/probe.ts'
import { expect, test } from 'vitest'
import { sleep } from '@tasktree/core'

class Clerk extends Actor {
  static override readonly interleave = ['refuseBeside']
  readonly #log: string[]
  constructor(log: string[]) {
    super()
    this.#log = log
  }
  note(text: string): void {
    this.#log.push(text)
  }
  refuse(): void {
    throw new ReplyError('no')
  }
  async refuseLater(): Promise<void> {
    await sleep(2)
    throw new ReplyError('no')
  }
  async refuseBeside(): Promise<void> {
    await sleep(1)
    throw new ReplyError('no')
  }
  crash(): void {
    throw new Error('boom')
  }
}

test.for(['kill', 'stop'] as const)(
  'an actor handles no message after the function of sys.replaceState has called %s',
  (end) =>
    virtually(async (log) => {
      const clerk = await spawn(Clerk, [log])
      const replaced = sys.replaceState(clerk, () => void clerk[end]())
      void clerk.tell.note('too late')
      await replaced
      await clerk.whenStopped
      await settled()
      expect(log).toEqual([])
    })(),
)

test(
  'sys.statistics counts each message whose handler has ended, even by an error',
  virtually(async (log) => {
    const spec = child.actor('clerk', Clerk, [log], { decide: () => 'resume' })
    const system = await start({ children: [spec] })
    const clerk = system.lookup(Clerk, 'clerk')!
    await clerk.ask.note('one')
    await thrown(clerk.ask.refuse())
    await Promise.all([thrown(clerk.ask.refuseLater()), thrown(clerk.ask.refuseBeside())])
    await thrown(clerk.ask.crash())
    expect(sys.statistics(clerk)).toMatchObject({ handled: 5, restarts: 0 })
    await system.stop()
  }),
)

test(
  'functions of sys refuse wrong arguments and change nothing',
  virtually(async () => {
    const clerk = await spawn(Clerk, [[]])
    for (const wrong of [undefined, null, 5, {}] as never[]) {
      expect(() => sys.getState(wrong)).toThrow(/take the ref of an actor, got/)
      expect(() => sys.statistics(wrong)).toThrow(/take the ref of an actor, got/)
    }
    expect(() => sys.trace(clerk, 5 as never)).toThrow('sys.trace takes a function or null')
    expect(() => sys.replaceState(clerk, 5 as never)).toThrow(TypeError)
    await clerk.ask.note('works')
    await clerk.stop()
  }),
)
