import {
  Actor,
  type LocalActorRef,
  type ActorSystem,
  child,
  type ChildRef,
  type Down,
  LinkDied,
  NameTaken,
  spawn,
} from '@tasktree/actor'
import { createTask, sleep } from '@tasktree/core'
import { expect, test } from 'vitest'
import { crash, Probe, probe, ref, settled, start, virtually } from './support/probe.ts'

class Watcher extends Actor {
  readonly downs: Down[] = []
  readonly log: string[]
  constructor(log: string[] = []) {
    super()
    this.log = log
  }
  protected override onDown(down: Down): void {
    this.downs.push(down)
    this.log.push(`${down.restarted ? 'restarted' : 'down'} ${down.ref.name} ${down.reason.kind}`)
  }
  watch(target: ChildRef): void {
    this.ctx.monitor(target)
  }
  watchTwiceAndLeaveOne(target: ChildRef): void {
    const first = this.ctx.monitor(target)
    this.ctx.monitor(target)
    this.ctx.demonitor(first, { flush: true })
  }
  async flush(target: LocalActorRef<Probe>): Promise<void> {
    const monitor = this.ctx.monitor(target)
    await target.kill()
    this.ctx.demonitor(monitor, { flush: true })
  }
  link(target: LocalActorRef<Probe>): void {
    this.ctx.link(target)
  }
  trap(): void {
    this.ctx.trapExit = true
  }
  hear(text: string): void {
    this.log.push(text)
  }
}

test(
  'a monitor of a stopped actor gets one DOWN message with the reason noproc',
  virtually(async (log) => {
    const dead = await spawn(Probe, [[]], { name: 'dead' })
    await dead.stop()
    const watcher = await spawn(Watcher, [log])
    await watcher.ask.watch(dead)
    await settled()
    expect(log).toEqual(['down dead noproc'])
    await watcher.stop()
  }),
)

test(
  'each monitor of an actor gets a DOWN message, and demonitor with flush removes a waiting one',
  virtually(async (log) => {
    const target = await spawn(Probe, [[]], { name: 't' })
    const watcher = await spawn(Watcher, [log])
    await watcher.ask.watch(target)
    await watcher.ask.watchTwiceAndLeaveOne(target)
    await target.stop()
    await settled()
    expect(log).toEqual(['down t shutdown', 'down t shutdown'])
    const other = await spawn(Probe, [[]], { name: 'o' })
    await watcher.ask.flush(other)
    await settled()
    expect(log).toHaveLength(2)
    await watcher.stop()
  }),
)

test(
  'after a restart the monitor of a child hears of the restart, the monitor of an incarnation of its end',
  virtually(async (log) => {
    const system = await start({ children: [probe([], 'a')] })
    const watcher = await spawn(Watcher, [log])
    await watcher.ask.watch(ref(system, 'a'))
    await watcher.ask.watch(ref(system, 'a').pinned())
    await crash(ref(system, 'a'))
    expect(log).toEqual(['down a error', 'restarted a error'])
    await system.stop()
    await settled()
    expect(log).toEqual(['down a error', 'restarted a error', 'down a shutdown'])
    await watcher.stop()
  }),
)

class Talker extends Actor {
  talk(to: LocalActorRef<Watcher>): void {
    void to.tell.hear('one')
    void to.tell.hear('two')
    throw new Error('and gone')
  }
}

test(
  'a message that an actor sent before its crash arrives before the DOWN message about the actor',
  virtually(async (log) => {
    const watcher = await spawn(Watcher, [log])
    const talker = await spawn(Talker, [], { name: 'talker' })
    await watcher.ask.watch(talker)
    await talker.tell.talk(watcher)
    await settled()
    expect(log).toEqual(['one', 'two', 'down talker error'])
    await watcher.stop()
  }),
)

test(
  'a DOWN message to an actor without onDown becomes a dead letter',
  virtually(async () => {
    class Deaf extends Actor {
      watch(target: ChildRef): void {
        this.ctx.monitor(target)
      }
    }
    const system = await start({
      children: [child.actor('deaf', Deaf), probe([], 'a', {}, { restart: 'temporary' })],
    })
    await (system.lookup('deaf') as LocalActorRef<Deaf>).ask.watch(ref(system, 'a'))
    await crash(ref(system, 'a'))
    expect(system.deadLetters.recent).toMatchObject([{ path: '/s/deaf', reason: 'unhandled-down' }])
    await system.stop()
  }),
)

test(
  'a link ends an actor when the linked actor crashes, and not when it ends normally',
  virtually(async (log) => {
    for (const [end, survives] of [
      ['quit', true],
      ['crash', false],
    ] as const) {
      const target = await spawn(Probe, [[]])
      const watcher = await spawn(Watcher, [log])
      await watcher.ask.link(target)
      const ended = watcher.whenStopped
      await target.tell[end]()
      await settled()
      expect(watcher.status === 'running').toBe(survives)
      if (survives) await watcher.stop()
      else expect(await ended).toMatchObject({ kind: 'error', error: expect.any(LinkDied) })
    }
  }),
)

test(
  'an actor with trapExit gets a message when a linked actor ends, normally or by a crash',
  virtually(async (log) => {
    const watcher = await spawn(Watcher, [log])
    await watcher.ask.trap()
    for (const end of ['quit', 'crash'] as const) {
      const target = await spawn(Probe, [[]], { name: end })
      await watcher.ask.link(target)
      await target.tell[end]()
      await settled()
    }
    expect(log).toEqual(['down quit normal', 'down crash error'])
    await watcher.stop()
  }),
)

test(
  'a name that an actor registers in onStart is free when its next incarnation starts',
  virtually(async (log) => {
    let system: ActorSystem | null = null
    const onStart = (context: { self: LocalActorRef }): void => {
      if (system !== null) system.register('main', context.self)
    }
    system = await start({ maxRestarts: 3, children: [probe(log, 'a', { onStart })] })
    await crash(ref(system, 'a'))
    expect(system.lookup('main')?.path).toBe('/s/a')
    await crash(ref(system, 'a'))
    expect(ref(system, 'a').incarnation).toBe(3)
    await system.stop()
  }),
)

test(
  'a name registered by a handler that overlaps another is free at the end of the incarnation',
  virtually(async () => {
    class Named extends Actor {
      static override readonly interleave = ['register']
      async wait(): Promise<void> {
        await sleep(10)
        throw new Error('boom')
      }
      async register(system: ActorSystem): Promise<void> {
        await sleep(1)
        system.register('beside', this.ctx.self)
        await createTask(async () => system.register('task', this.ctx.self))
      }
    }
    const system = await start({ children: [child.actor('a', Named)] })
    const a = system.lookup(Named, 'a') as LocalActorRef<Named>
    void a.tell.wait()
    await a.ask.register(system)
    expect(Object.keys(system.snapshot().names)).toEqual(['beside', 'task'])
    await sleep(10)
    await settled()
    expect(a.incarnation).toBe(2)
    expect(system.snapshot().names).toEqual({})
    await system.stop()
  }),
)

test(
  'a registered name belongs to one child, and names nothing after the child was stopped',
  virtually(async (log) => {
    const system = await start({ children: [probe(log, 'a'), probe(log, 'b')] })
    system.register('main', ref(system, 'a'))
    system.register('main', ref(system, 'a'))
    expect(() => system.register('main', ref(system, 'b'))).toThrow(NameTaken)
    await system.root.stopChild('a')
    expect(system.lookup('main')).toBeNull()
    expect(system.unregister('main')).toBe(false)
    await system.stop()
  }),
)

test(
  'a member leaves its groups when it ends, watchers hear of it once, and a stopping actor cannot join',
  virtually(async (log) => {
    const system = await start({
      children: [probe(log, 'a', { cleanup: 100 }, { restart: 'temporary' }), probe(log, 'b')],
    })
    const group = system.group('workers')
    const events: string[] = []
    using watch = group.watch()
    createTask(async () => {
      for await (const event of watch) events.push(`${event.type} ${event.ref.name}`)
    })
    const a = ref(system, 'a')
    expect(group.join(a)).toBe(true)
    expect(group.join(a)).toBe(false)
    group.join(ref(system, 'b'))
    expect(group.members.map((each) => each.name)).toEqual(['a', 'b'])
    const stopped = a.stop()
    await sleep(50)
    group.leave(a)
    expect(group.join(a)).toBe(false)
    await stopped
    await settled()
    expect(events).toEqual(['joined a', 'joined b', 'left a'])
    expect(system.snapshot().groups).toEqual({ workers: ['/s/b'] })
    await system.stop()
  }),
)

test(
  'lookup takes paths with and without the name of the system, and finds children that an actor spawned',
  virtually(async () => {
    const parent = probe([], 'p', {
      onStart: async (context) => {
        await context.spawn(Probe, [[]], { name: 'kid' })
      },
    })
    const system = await start({ children: [child.supervisor('in', { children: [parent] })] })
    for (const path of ['/s/in/p/kid', 's/in/p/kid', 'in/p/kid']) {
      expect(system.lookup(path)?.path).toBe('/s/in/p/kid')
    }
    expect(system.lookup('in/nobody')).toBeNull()
    expect(system.lookup('/s')?.kind).toBe('supervisor')
    await system.stop()
  }),
)

test(
  'demonitor with flush removes all waiting notices of the monitor, also those of restarts',
  virtually(async (log) => {
    class Busy extends Watcher {
      async watchAndFlush(target: LocalActorRef<Probe>): Promise<void> {
        const monitor = this.ctx.monitor(target)
        await crash(target)
        await crash(target)
        this.ctx.demonitor(monitor, { flush: true })
      }
    }
    const system = await start({ maxRestarts: 5, children: [probe([], 'a')] })
    const busy = await spawn(Busy, [log])
    await busy.ask.watchAndFlush(ref(system, 'a'))
    await system.stop()
    await settled()
    expect(log).toEqual([])
    await busy.stop()
  }),
)
