import {
  Actor,
  type LocalActorRef,
  type ActorContext,
  AskCycle,
  child,
  spawn,
  sys,
  type SystemEvent,
} from '@tasktree/actor'
import { getRunningLoop, sleep } from '@tasktree/core'
import { expect, test } from 'vitest'
import {
  collect,
  crash,
  Probe,
  probe,
  ref,
  thrown,
  settled,
  start,
  virtually,
} from './support/probe.ts'

class Node extends Actor {
  static override readonly interleave = ['peek']
  peer: LocalActorRef<Node> | null = null
  meet(peer: LocalActorRef<Node>): void {
    this.peer = peer
  }
  self(): LocalActorRef<Node> {
    return this.ctx.self
  }
  echo(): string {
    return 'echo'
  }
  peek(): string {
    return 'peek'
  }
  async callSelf(reentrant: boolean): Promise<string> {
    return this.self().ask({ reentrant }).echo()
  }
  async callPeer(): Promise<string> {
    return this.peer?.ask.echo() ?? ''
  }
  async callBack(reentrant: boolean): Promise<string> {
    return this.peer?.ask({ reentrant }).callPeer() ?? ''
  }
  async busyThenCallPeer(): Promise<string> {
    await sleep(10)
    return this.peer?.ask.echo() ?? ''
  }
  async nap(ms: number): Promise<void> {
    await sleep(ms)
  }
}

async function pair(): Promise<[LocalActorRef<Node>, LocalActorRef<Node>]> {
  const a = await spawn(Node, [], { name: 'a' })
  const b = await spawn(Node, [], { name: 'b' })
  await a.ask.meet(b)
  await b.ask.meet(a)
  return [a, b]
}

test(
  'an ask that comes back to its waiting asker fails at once with AskCycle, which names the path',
  virtually(async () => {
    const [a, b] = await pair()
    const before = getRunningLoop().time()
    const self = (await thrown(a.ask.callSelf(false))) as { cause: AskCycle }
    expect(self.cause).toBeInstanceOf(AskCycle)
    expect(self.cause.path).toEqual(['/a', '/a'])
    const again = await spawn(Node, [], { name: 'c' })
    await again.ask.meet(b)
    await b.ask.meet(again)
    const around = (await thrown(again.ask.callBack(false))) as Error
    let cause: unknown = around
    while (cause instanceof Error && !(cause instanceof AskCycle)) ({ cause } = cause)
    expect((cause as AskCycle).path).toEqual(['/c', '/b', '/c'])
    expect(getRunningLoop().time()).toBe(before)
  }),
)

test(
  'a reentrant ask is answered while its asker waits',
  virtually(async () => {
    const [a, b] = await pair()
    expect(await a.ask.callSelf(true)).toBe('echo')
    expect(await a.ask.callBack(true)).toBe('echo')
    await a.stop()
    await b.stop()
  }),
)

test(
  'when two actors ask each other at the same time, an ask fails with AskCycle within a turn',
  virtually(async () => {
    const [a, b] = await pair()
    const before = getRunningLoop().time()
    const results = await Promise.allSettled([a.ask.busyThenCallPeer(), b.ask.busyThenCallPeer()])
    expect(getRunningLoop().time() - before).toBe(10)
    const failed = results.filter((each) => each.status === 'rejected')
    expect(failed.length).toBeGreaterThan(0)
    expect((failed[0] as PromiseRejectedResult).reason.cause).toBeInstanceOf(AskCycle)
  }),
)

test(
  'two actors that wait for room in the full mailboxes of each other get AskCycle',
  virtually(async () => {
    class Pusher extends Actor {
      peer: LocalActorRef<Pusher> | null = null
      meet(peer: LocalActorRef<Pusher>): void {
        this.peer = peer
      }
      async push(): Promise<void> {
        await sleep(1)
        for (let i = 0; i < 5; i++) await this.peer?.tell.noop()
      }
      noop(): void {}
    }
    const options = { mailbox: { capacity: 1 } }
    const a = await spawn(Pusher, [], options)
    const b = await spawn(Pusher, [], options)
    await a.ask.meet(b)
    await b.ask.meet(a)
    const results = await Promise.allSettled([a.ask.push(), b.ask.push()])
    expect(
      results.some((each) => each.status === 'rejected' && each.reason.cause instanceof AskCycle),
    ).toBe(true)
  }),
)

test(
  'an interleaved message is handled while another handler waits, and a normal message is not',
  virtually(async () => {
    const [a, b] = await pair()
    void a.tell.nap(100)
    const echo = a.ask.echo()
    expect(await a.ask.peek()).toBe('peek')
    expect(echo.done()).toBe(false)
    expect(await echo).toBe('echo')
    await a.stop()
    await b.stop()
  }),
)

const odd: [string, () => unknown][] = [
  ['undefined', () => undefined],
  ['null', () => null],
  ['a string', () => 'text'],
  ['a frozen object', () => Object.freeze({})],
  [
    'a proxy that throws',
    () =>
      new Proxy(
        {},
        {
          get() {
            throw new Error('hands off')
          },
          getPrototypeOf() {
            throw new Error('hands off')
          },
        },
      ),
  ],
]

class Thrower extends Actor {
  static make: () => unknown = () => null
  fail(): void {
    throw Thrower.make()
  }
  incarnation(): number {
    return this.ctx.incarnation
  }
}

test.for(odd)(
  'throwing %s in a handler fails the ask with ActorCrashed and restarts the actor',
  ([, make]) =>
    virtually(async () => {
      Thrower.make = make
      const system = await start({ children: [child.actor('t', Thrower)] })
      const t = system.lookup('t') as LocalActorRef<Thrower>
      const restarts = collect(system, 'restarting')
      await settled()
      expect(await thrown(t.ask.fail())).toMatchObject({ name: 'ActorCrashed' })
      expect(await t.ask.incarnation()).toBe(2)
      await settled()
      expect(restarts).toHaveLength(1)
      await system.stop()
    })(),
)

class Ticker extends Actor {
  readonly #log: string[]
  constructor(log: string[]) {
    super()
    this.#log = log
  }
  #tick(name: string): void {
    this.#log.push(`${name} ${this.ctx.incarnation}`)
  }
  once(ms: number): void {
    this.ctx.after(ms, () => this.#tick('once'))
  }
  every(ms: number, mode: 'fixed-delay' | 'fixed-rate'): void {
    this.ctx.every(ms, () => this.#tick('every'), { key: 'every', mode })
  }
  replace(): void {
    this.ctx.after(0, () => this.#tick('old'), { key: 'k' })
    this.ctx.after(5, () => this.#tick('new'), { key: 'k' })
  }
  async nap(ms: number): Promise<void> {
    await sleep(ms)
  }
  crash(): void {
    throw new Error('boom')
  }
  crashLater(): void {
    this.ctx.after(1, () => {
      throw new Error('in a timer')
    })
  }
}

async function ticker(
  log: string[],
): Promise<{ t: LocalActorRef<Ticker>; stop: () => Promise<void> }> {
  const system = await start({ children: [child.actor('t', Ticker, [log])] })
  return { t: system.lookup('t') as LocalActorRef<Ticker>, stop: () => system.stop() }
}

test(
  'the ticks of a timer come as messages, and stop with the incarnation, queued ticks included',
  virtually(async (log) => {
    const { t, stop } = await ticker(log)
    await t.ask.once(10)
    await t.ask.every(10, 'fixed-delay')
    await sleep(35)
    expect(log.toSorted()).toEqual(['every 1', 'every 1', 'every 1', 'once 1'])
    void t.tell.nap(20)
    void t.tell.crash()
    await sleep(100)
    expect(log).toHaveLength(4)
    await stop()
  }),
)

test(
  'a timer with the same key replaces the earlier timer, and queued ticks of a timer are merged into one',
  virtually(async (log) => {
    const { t, stop } = await ticker(log)
    await t.ask.replace()
    await sleep(10)
    expect(log).toEqual(['new 1'])
    log.length = 0
    await t.ask.every(10, 'fixed-rate')
    void t.tell.nap(100)
    await sleep(105)
    expect(log.length).toBeLessThanOrEqual(2)
    await sleep(100)
    expect(log.length).toBeGreaterThanOrEqual(10)
    await stop()
  }),
)

test(
  'an error that the callback of a timer throws crashes the actor',
  virtually(async (log) => {
    const { t, stop } = await ticker(log)
    await t.ask.crashLater()
    await sleep(10)
    expect(t.incarnation).toBe(2)
    await stop()
  }),
)

class Piper extends Actor {
  readonly got: unknown[] = []
  load(ms: number): void {
    this.ctx.pipe(sleep(ms, 'loaded'), (value) => this.got.push(value))
  }
  loadBad(): void {
    this.ctx.pipe(
      Promise.reject(new Error('bad')),
      () => {},
      (error) => this.got.push((error as Error).message),
    )
  }
  loadBadUnhandled(): void {
    this.ctx.pipe(Promise.reject(new Error('bad')), () => {})
  }
  all(): unknown[] {
    return this.got
  }
}

test(
  'ctx.pipe delivers a result as a message, and the actor handles other messages meanwhile',
  virtually(async () => {
    const system = await start({ children: [child.actor('p', Piper)] })
    const p = system.lookup('p') as LocalActorRef<Piper>
    await p.ask.load(50)
    await p.ask.loadBad()
    await settled()
    expect(await p.ask.all()).toEqual(['bad'])
    await sleep(60)
    expect(await p.ask.all()).toEqual(['bad', 'loaded'])
    await p.tell.loadBadUnhandled()
    await settled()
    expect(p.incarnation).toBe(2)
    await system.stop()
  }),
)

test(
  'sys reads and replaces the state of an actor, suspends it, and traces its messages',
  virtually(async (log) => {
    const node = await spawn(Node)
    expect((await sys.getState(node)).peer).toBeNull()
    await sys.replaceState(node, (state) => {
      state.peer = node
    })
    expect((await sys.getState(node)).peer).toBe(node)
    await sys.suspend(node)
    const echo = node.ask.echo()
    await settled()
    expect(echo.done()).toBe(false)
    expect(node.status).toBe('suspended')
    expect(sys.statistics(node)).toMatchObject({ mailbox: 1, suspended: true })
    sys.trace(node, (event) => log.push(event.message.method))
    await sys.resume(node)
    expect(await echo).toBe('echo')
    expect(log).toEqual(['echo'])
    await sys.suspend(node)
    expect(await node.stop()).toEqual({ kind: 'shutdown' })
  }),
)

test(
  'a pinned ref reaches one incarnation and refuses messages for the next',
  virtually(async (log) => {
    const system = await start({ children: [probe(log, 'a')] })
    const pinned = ref(system, 'a').pinned()
    expect(await pinned.ask.ping()).toBe(1)
    await crash(ref(system, 'a'))
    expect(await thrown(pinned.ask.ping())).toMatchObject({ name: 'NoProc' })
    expect(await ref(system, 'a').ask.ping()).toBe(2)
    await system.stop()
  }),
)

test(
  'a context throws after its incarnation has ended',
  virtually(async (log) => {
    const contexts: ActorContext[] = []
    const a = await spawn(Probe, [
      log,
      {
        onStart: (context: ActorContext) => {
          contexts.push(context)
        },
      },
    ])
    await a.stop()
    expect(() => contexts[0]?.after(1, () => {})).toThrow(/incarnation 1 of .* is over/)
  }),
)

test(
  'the tree and the snapshot of a system show its children with status, incarnation and mailbox',
  virtually(async (log) => {
    const system = await start({
      strategy: 'rest-for-one',
      children: [
        probe(log, 'store'),
        child.dynamic('workers'),
        child.task('loop', () => sleep(Infinity)),
      ],
    })
    void ref(system, 'store').tell.nap(100)
    void ref(system, 'store').tell.note('x')
    await settled()
    expect(system.tree()).toBe(
      [
        's  rest-for-one  running',
        '├─ store  actor  running  mailbox 1  in nap  waits for Sleep',
        '├─ workers  dynamic  running',
        '└─ loop  task  running  waits for Sleep',
      ].join('\n'),
    )
    const { root } = system.snapshot()
    expect(root.children[0]).toMatchObject({
      path: '/s/store',
      mailbox: { size: 1 },
      handling: { method: 'nap' },
    })
    const snapshot = system.snapshot()
    expect(structuredClone(snapshot)).toEqual(snapshot)
    await system.stop()
  }),
)

test(
  'the system publishes an event for each exit, restart and start, in order',
  virtually(async (log) => {
    const system = await start({ children: [probe(log, 'a')] })
    const types: SystemEvent['type'][] = []
    using events = system.events.subscribe()
    void (async () => {
      for await (const event of events) types.push(event.type)
    })()
    await crash(ref(system, 'a'))
    await system.stop()
    await settled()
    expect(types).toEqual(['exited', 'restarting', 'started', 'exited', 'exited'])
  }),
)

test('a handler that blocks the thread for 120 ms is logged with its message name', async () => {
  class Busy extends Actor {
    spin(ms: number): void {
      const until = performance.now() + ms
      while (performance.now() < until);
    }
  }
  const lines: string[] = []
  const system = await start({
    logger: {
      debug() {},
      info() {},
      error() {},
      warn: (line) => {
        lines.push(line)
      },
    },
    children: [child.actor('busy', Busy)],
  })
  await (system.lookup('busy') as LocalActorRef<Busy>).ask.spin(120)
  await settled()
  expect(lines.join()).toMatch(/\/s\/busy kept the thread for \d{3,} ms in spin/)
  await system.stop()
})
