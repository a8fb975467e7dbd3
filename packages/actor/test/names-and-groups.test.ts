// Tests how long the name and the group memberships of an actor last.
import { Actor, ActorSystem, child, NoProc, silentLogger } from '@tasktree/actor'
import { expect, test } from 'vitest'
import { crash, probe, ref, settled, start, virtually } from './support/probe.ts'

test('a resource that was registered from outside keeps its name and group when it is restarted', async () => {
  const system = await ActorSystem.start({
    name: 's',
    logger: silentLogger,
    children: [child.resource('pool', () => ({ [Symbol.dispose]() {} }))],
  })
  const pool = system.root.child('pool')!
  system.register('main', pool)
  system.group('pools').join(pool)
  const events = system.events.subscribe()
  void pool.kill()
  for await (const event of events) if (event.type === 'started') break
  expect(pool.incarnation).toBe(2)
  expect(system.lookup('main')).toBe(pool)
  expect(system.group('pools').members).toEqual([pool])
  await system.stop()
})

class Member extends Actor {
  enter(system: ActorSystem): void {
    system.register('main', this.ctx.self)
    system.group('all').join(this.ctx.self)
  }
  leave(system: ActorSystem): void {
    system.unregister('main')
    system.group('all').leave(this.ctx.self)
  }
  boom(): void {
    throw new Error('boom')
  }
}

test(
  'a name and a group that other code gave to an actor stay when an incarnation of the actor ends',
  virtually(async () => {
    const system = await start({ children: [child.actor('a', Member)] })
    const a = system.lookup(Member, 'a')!
    await a.ask.enter(system)
    await a.ask.leave(system)
    system.register('main', a)
    system.group('all').join(a)
    await a.tell.boom()
    await settled()
    expect(a.incarnation).toBe(2)
    expect(system.lookup('main')).toBe(a)
    expect(system.group('all').members).toEqual([a])
    await system.root.stopChild('a')
    expect([system.lookup('main'), system.group('all').members]).toEqual([null, []])
    await system.stop()
  }),
)

test(
  'a child that has ended for good cannot be registered under a name',
  virtually(async (log) => {
    const system = await start()
    const spec = probe(log, 'a', {}, { restart: 'temporary' })
    const a = await system.root.startChild(spec)
    await a.stop()
    expect(() => system.register('main', a)).toThrow(NoProc)
    const next = await system.root.startChild(spec)
    system.register('main', next)
    expect(system.lookup('main')).toBe(next)
    await system.stop()
  }),
)

test(
  'a name that is registered for a child and for an incarnation lasts as long as the later call says',
  virtually(async (log) => {
    const system = await start({ children: [probe(log, 'a'), probe(log, 'b')] })
    const [a, b] = [ref(system, 'a'), ref(system, 'b')]
    system.register('kept', a.pinned())
    system.register('kept', a)
    system.register('freed', b)
    system.register('freed', b.pinned())
    await crash(a)
    await crash(b)
    expect([a.incarnation, b.incarnation]).toEqual([2, 2])
    expect(system.snapshot().names).toEqual({ kept: '/s/a' })
    await system.stop()
  }),
)

test(
  'register, join and leave refuse a wrong name or ref and say which',
  virtually(async (log) => {
    const system = await start({ children: [probe(log, 'a')] })
    const group = system.group('all')
    for (const wrong of [undefined, null, 5, 'a', {}] as never[]) {
      expect(() => system.register('main', wrong)).toThrow(/^register takes the ref of a child/)
      expect(() => group.join(wrong)).toThrow(/^join takes the ref of a child/)
      expect(() => group.leave(wrong)).toThrow(/^leave takes the ref of a child/)
    }
    for (const wrong of [undefined, 5, ''] as never[]) {
      expect(() => system.group(wrong)).toThrow(/^a name must be a string/)
    }
    expect(system.snapshot().names).toEqual({})
    await system.stop()
  }),
)
