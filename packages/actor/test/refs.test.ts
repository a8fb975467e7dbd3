// Tests refs as a program sees them: the names of messages, the output on the console, typed lookups, and waits for an end.
import { inspect } from 'node:util'
import {
  Actor,
  type LocalActorRef,
  child,
  ResourceRef,
  spawn,
  StaleIncarnation,
  SupervisorRef,
} from '@tasktree/actor'
import { createTask, FIRST_COMPLETED, sleep, wait } from '@tasktree/core'
import { expect, test } from 'vitest'
import { crash, Probe, probe, ref, thrown, settled, start, virtually } from './support/probe.ts'

const names = [
  'target',
  'pinned',
  'options',
  'name',
  'length',
  'call',
  'apply',
  'bind',
  'caller',
  'arguments',
  'prototype',
  'toString',
  'valueOf',
  'toJSON',
  'inspect',
  'then',
  'hasOwnProperty',
  'isPrototypeOf',
  'kind',
  'path',
  'stop',
  'send',
  'self',
  'log',
]

test.for(names)('a method of an actor named %s can be asked and told', (name) =>
  virtually(async () => {
    class Named extends Actor {
      other(): string {
        return 'other'
      }
    }
    Object.defineProperty(Named.prototype, name, {
      value: (...args: unknown[]) => `${name} ${args.join()}`,
      writable: true,
    })
    const named = await spawn(Named)
    const sends = named as unknown as Record<
      'ask' | 'tell',
      Record<string, (...args: unknown[]) => PromiseLike<unknown>>
    >
    expect(await sends.ask[name]!(1, 2)).toBe(`${name} 1,2`)
    expect(await sends.tell[name]!()).toBe(true)
    expect(await sends.ask['other']!()).toBe('other')
    const withOptions = named.ask({ timeout: 10 }) as unknown as typeof sends.ask
    expect(await withOptions[name]!(3)).toBe(`${name} 3`)
    await named.stop()
  })(),
)

test.for(['name', 'length', 'call'])(
  'a function in a field of an actor named %s can be asked and told',
  (name) =>
    virtually(async () => {
      class Named extends Actor {
        constructor() {
          super()
          Object.assign(this, { [name]: (n: number) => n + 1 })
        }
      }
      const named = await spawn(Named)
      const sends = named as unknown as Record<
        'ask' | 'tell',
        Record<string, (n: number) => PromiseLike<unknown>>
      >
      expect(await sends.ask[name]!(1)).toBe(2)
      expect(await sends.tell[name]!(1)).toBe(true)
      await named.stop()
    })(),
)

class Guarded extends Actor {
  static override readonly hidden = ['audit']
  looked = 0
  protected audit(): string {
    return 'secret'
  }
  get report(): () => string {
    this.looked++
    return () => 'report'
  }
  state(): number {
    return this.looked
  }
  become(): void {
    this.ctx.become({ state: () => 7, audit: () => 'secret', onStop: () => 'secret' })
  }
}

test.for([
  'audit',
  'report',
  'constructor',
  'ctx',
  'onStart',
  'onStop',
  'toString',
  'hasOwnProperty',
  '__defineGetter__',
  'valueOf',
  'propertyIsEnumerable',
])('a ref cannot ask for a member of an actor that is not a message: %s', (name) =>
  virtually(async () => {
    const guarded = await spawn(Guarded)
    const ask = guarded.ask as unknown as Record<string, (() => PromiseLike<unknown>) | undefined>
    await guarded.ask.become()
    const send = ask[name]
    if (send !== undefined) await expect(send.call(ask)).rejects.toThrow(`has no method ${name}`)
    expect(await guarded.ask.state()).toBe(7)
    expect(guarded.status).toBe('running')
    await guarded.stop()
  })(),
)

test(
  'a method taken off ref.ask throws how to call it, and an unknown option of ask is refused by name',
  virtually(async () => {
    const guarded = await spawn(Guarded)
    const { state } = guarded.ask
    expect(() => state()).toThrow('call it as ref.ask.state(...)')
    expect(() => guarded.ask({ timeuot: 1 } as never)).toThrow('ask has no option timeuot')
    expect(await guarded.ask(undefined as never).state()).toBe(await guarded.ask.state())
    expect(await guarded.tell(undefined as never).state()).toBe(true)
    await guarded.stop()
  }),
)

test(
  'the console and JSON show a ref with its path, status and incarnation',
  virtually(async (log) => {
    const system = await start({
      children: [probe(log, 'a'), child.resource('pool', () => new AsyncDisposableStack())],
    })
    await crash(ref(system, 'a'))
    expect(inspect(ref(system, 'a'))).toBe('LocalActorRef /s/a (running, incarnation 2)')
    expect(inspect({ ref: system.lookup('pool') })).toBe(
      '{ ref: ResourceRef /s/pool (running, incarnation 1) }',
    )
    expect(inspect(system.root)).toBe('SupervisorRef /s (running, incarnation 1)')
    for (const each of [ref(system, 'a'), ref(system, 'a').pinned(), system.root]) {
      expect(JSON.stringify({ ref: each })).toBe(JSON.stringify({ ref: inspect(each) }))
    }
    await system.stop()
    expect(inspect(ref(system, '/s'))).toBe('SupervisorRef /s (stopped, incarnation 1)')
  }),
)

test(
  'lookup with a class returns the child, and throws if the child is of another class',
  virtually(async (log) => {
    class Special extends Probe {}
    const system = await start({
      children: [
        probe(log, 'a'),
        child.actor('special', Special, [log]),
        child.dynamic('workers'),
        child.resource('pool', () => new AsyncDisposableStack()),
      ],
    })
    const a: LocalActorRef<Probe> | null = system.lookup(Probe, 'a')
    expect(await a?.ask.ping()).toBe(1)
    expect(system.lookup(Probe, 'special')?.path).toBe('/s/special')
    const workers: SupervisorRef | null = system.lookup(SupervisorRef, 'workers')
    expect(workers?.countChildren().specs).toBe(0)
    expect(system.lookup(ResourceRef, '/s/pool')?.status).toBe('running')
    expect(system.lookup(Probe, 'nobody')).toBeNull()
    expect(() => system.lookup(Special, 'a')).toThrow(
      'at /s/a is an actor of class Probe, not Special',
    )
    expect(() => system.lookup(Probe, 'workers')).toThrow(
      'at /s/workers is the child of kind dynamic, not Probe',
    )
    expect(() => system.lookup({} as never, 'a')).toThrow('lookup takes a class before the path')
    await system.stop()
  }),
)

test(
  'child() of a supervisor takes a class after the id, and checks the class of the child',
  virtually(async (log) => {
    class Special extends Probe {}
    const system = await start({
      children: [
        probe(log, 'a'),
        child.dynamic('workers'),
        child.resource('pool', () => new AsyncDisposableStack()),
      ],
    })
    const { root } = system
    const a: LocalActorRef<Probe> | null = root.child('a', Probe)
    expect(await a?.ask.ping()).toBe(1)
    expect(root.child('a')).toBe(a)
    const workers: SupervisorRef | null = root.child('workers', SupervisorRef)
    expect(workers?.countChildren().specs).toBe(0)
    expect(root.child('pool', ResourceRef)?.status).toBe('running')
    expect(root.child('nobody', Probe)).toBeNull()
    expect(() => root.child('a', Special)).toThrow(
      'at /s/a is an actor of class Probe, not Special',
    )
    expect(() => root.child('workers', Probe)).toThrow(
      'at /s/workers is the child of kind dynamic, not Probe',
    )
    expect(() => root.child('a', {} as never)).toThrow('child takes a class after the id')
    await system.stop()
  }),
)

class Neighbour extends Actor {
  readonly find = (path: string): unknown => this.ctx.lookup(path)

  pathOf(path: string): string | null {
    return this.ctx.lookup(path)?.path ?? null
  }

  async pingAt(path: string): Promise<number | null> {
    return (await this.ctx.lookup(Probe, path)?.ask.ping()) ?? null
  }

  supervisors(path: string): number | null {
    return this.ctx.lookup(SupervisorRef, path)?.countChildren().specs ?? null
  }

  whatLookupThrows(...args: unknown[]): string {
    try {
      const ctx = this.ctx as unknown as { lookup(...wrong: unknown[]): unknown }
      ctx.lookup(...args)
    } catch (error) {
      return String(error)
    }
    return 'nothing'
  }
}

test(
  'ctx.lookup finds what the lookup of the system finds, with the same checks',
  virtually(async (log) => {
    const system = await start({
      children: [
        probe(log, 'a'),
        child.supervisor('in', { children: [child.actor('n', Neighbour), probe(log, 'b')] }),
      ],
    })
    const n = system.lookup(Neighbour, 'in/n') as LocalActorRef<Neighbour>
    system.register('main', ref(system, 'a'))
    for (const path of ['a', '/s/a', 'main', 'in/b', 'in', 's', '/s/in/n', 'nobody', '', 'a/b']) {
      expect(await n.ask.pathOf(path)).toBe(system.lookup(path)?.path ?? null)
    }
    expect([await n.ask.pingAt('in/b'), await n.ask.pingAt('nobody')]).toEqual([1, null])
    expect(await n.ask.supervisors('in')).toBe(2)
    expect(await n.ask.whatLookupThrows(Neighbour, 'a')).toBe(
      'TypeError: at /s/a is an actor of class Probe, not Neighbour',
    )
    expect(await n.ask.whatLookupThrows({}, 'a')).toContain('lookup takes a class before the path')
    expect(await n.ask.whatLookupThrows(1)).toContain('lookup takes a path or a name')
    await system.stop()
  }),
)

test(
  'ctx.lookup of an actor outside of every system finds the actors that spawn has started, and nothing of a system',
  virtually(async (log) => {
    const system = await start({ children: [probe(log, 'a')] })
    const n = await spawn(Neighbour, [], { name: 'n' })
    const other = await spawn(Probe, [log], { name: 'other' })
    expect(await n.ask.pathOf('other')).toBe('/other')
    expect(await n.ask.pingAt('/other')).toBe(1)
    expect([await n.ask.pathOf('a'), await n.ask.pathOf('/s/a'), await n.ask.pathOf('')]).toEqual([
      null,
      null,
      null,
    ])
    await other.stop()
    expect(await n.ask.pathOf('other')).toBeNull()
    await n.stop()
    await system.stop()
  }),
)

test(
  'ctx.lookup throws StaleIncarnation after its incarnation has ended',
  virtually(async () => {
    let find: (path: string) => unknown = () => null
    class Leaks extends Neighbour {
      protected override onStart(): void {
        find = this.find
      }
    }
    const system = await start({ children: [child.actor('n', Leaks)] })
    expect(find('n')).toBe(system.lookup('n'))
    await system.lookup('n')?.kill()
    await system.stop()
    expect(() => find('n')).toThrow(StaleIncarnation)
  }),
)

test(
  'a cancelled wait for whenStopped leaves whenStopped as it is for other readers',
  virtually(async (log) => {
    const a = await spawn(Probe, [log])
    const first = a.whenStopped
    for (let i = 0; i < 1000; i++) expect(a.whenStopped).toBe(first)
    const waiting = createTask(async () => a.whenStopped)
    await settled()
    waiting.cancel()
    await thrown(waiting)
    const again = createTask(async () => a.whenStopped)
    await settled()
    expect(first.done()).toBe(false)
    await a.stop()
    expect(await again).toEqual({ kind: 'shutdown' })
    expect(await first).toEqual({ kind: 'shutdown' })
    expect(await a.whenStopped).toEqual({ kind: 'shutdown' })
  }),
)

test(
  'a thousand waits that race whenStopped use one future',
  virtually(async (log) => {
    const a = await spawn(Probe, [log])
    const seen = new Set<unknown>()
    for (let i = 0; i < 1000; i++) {
      const ended = a.whenStopped
      seen.add(ended)
      await wait([ended, createTask(async () => sleep(0))], { returnWhen: FIRST_COMPLETED })
    }
    expect(seen.size).toBe(1)
    await a.stop()
    expect(await (seen.values().next().value as PromiseLike<unknown>)).toEqual({ kind: 'shutdown' })
  }),
)
