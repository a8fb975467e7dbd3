import {
  Actor,
  type ActorContext,
  ActorSystem,
  AlreadyPresent,
  AlreadyStarted,
  type LocalActorRef,
  child,
  FailedToStart,
  silentLogger,
  spawn,
  TooManyChildren,
  UnexpectedCancellation,
  type Down,
} from '@tasktree/actor'
import {
  allTasks,
  CancelledError,
  createTask,
  getRunningLoop,
  sleep,
  TimeoutError,
} from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { expect, test } from 'vitest'
import {
  crash,
  Probe,
  probe,
  ref,
  thrown,
  settled,
  start,
  supervisor,
  virtually,
} from './support/probe.ts'

test(
  'a system without children starts, stops, and is then done',
  virtually(async () => {
    const system = await start()
    expect(system.root.whichChildren()).toEqual([])
    await system.stop()
    await system.done
    expect(system.root.status).toBe('stopped')
    expect(await system.root.whenStopped).toEqual({ kind: 'shutdown' })
  }),
)

test(
  "a supervisor whose function for the children returns 'ignore' does not run",
  virtually(async () => {
    const system = await start({ children: () => 'ignore' })
    await system.done
    expect(system.root.status).toBe('stopped')
    const outer = await start({
      children: [child.supervisor('inner', { children: () => 'ignore' })],
    })
    expect(supervisor(outer, 'inner').status).toBe('stopped')
    await outer.stop()
  }),
)

const ignoring = { onStart: (context: { ignore(): never }) => context.ignore() }

test(
  'a permanent child that calls ctx.ignore() keeps its place and does not run',
  virtually(async (log) => {
    const system = await start({ children: [probe(log, 'a', ignoring), probe(log, 'b')] })
    expect(system.root.countChildren()).toEqual({ specs: 2, active: 1, supervisors: 0, workers: 2 })
    expect(ref(system, 'a').status).toBe('stopped')
    await system.stop()
    expect(log).toEqual(['start b', 'stop b shutdown'])
  }),
)

test(
  'a temporary child that calls ctx.ignore() is removed',
  virtually(async (log) => {
    const spec = probe(log, 'a', ignoring, { restart: 'temporary' })
    const system = await start({ children: [spec, child.dynamic('d')] })
    await system.root.startChild(spec)
    await supervisor(system, 'd').startChild(spec)
    expect(system.root.whichChildren().map((each) => each.id)).toEqual(['d'])
    expect(supervisor(system, 'd').whichChildren()).toEqual([])
    await system.stop()
  }),
)

test(
  'if a child fails to start, the children before it stop in reverse and later children never start',
  virtually(async (log) => {
    const cause = new Error('no')
    const failing = probe(log, 'c', {
      onStart: () => {
        throw cause
      },
    })
    const error = await thrown(
      start({ children: [probe(log, 'a'), probe(log, 'b'), failing, probe(log, 'd')] }),
    )
    expect(error).toBeInstanceOf(FailedToStart)
    expect(error).toMatchObject({ childId: 'c', cause })
    expect(log).toEqual(['start a', 'start b', 'stop b shutdown', 'stop a shutdown'])
  }),
)

test(
  'startChild of a child whose onStart throws rejects with that error and leaves no child',
  virtually(async (log) => {
    const system = await start()
    const cause = new Error('no')
    expect(
      await thrown(
        system.root.startChild(
          probe(log, 'a', {
            onStart: () => {
              throw cause
            },
          }),
        ),
      ),
    ).toBe(cause)
    expect(system.root.whichChildren()).toEqual([])
    await system.stop()
  }),
)

test(
  'startChild throws AlreadyStarted for the id of a running child, AlreadyPresent for a stopped child',
  virtually(async (log) => {
    const system = await start()
    const a = await system.root.startChild(probe(log, 'a'))
    const error = await thrown(system.root.startChild(probe(log, 'a')))
    expect(error).toBeInstanceOf(AlreadyStarted)
    expect((error as AlreadyStarted).ref).toBe(a)
    await system.root.stopChild('a')
    expect(await thrown(system.root.startChild(probe(log, 'a')))).toBeInstanceOf(AlreadyPresent)
    await system.root.deleteChild('a')
    await system.root.startChild(probe(log, 'a'))
    expect(log).toEqual(['start a', 'stop a shutdown', 'start a'])
    await system.stop()
  }),
)

test.for<[string, () => unknown]>([
  ['duplicate', () => start({ children: [probe([], 'a'), probe([], 'a')] })],
  ['restart', () => probe([], 'a', {}, { restart: 'sometimes' as 'permanent' })],
  ['maxRestarts', () => start({ maxRestarts: Infinity })],
  ['maxRestarts', () => start({ maxRestarts: -1 })],
  ['within', () => start({ within: 0 })],
  ['strategy', () => start({ strategy: 'one-for-none' as 'one-for-one' })],
  ['significant', () => probe([], 'a', {}, { significant: true })],
  [
    'significant',
    () => start({ children: [probe([], 'a', {}, { significant: true, restart: 'transient' })] }),
  ],
  ['capacity', () => probe([], 'a', {}, { mailbox: { capacity: 0 } })],
  ['shutdown', () => probe([], 'a', {}, { shutdown: -1 })],
  ['colour', () => start({ colour: 'red' } as object)],
])('a wrong option is refused at once with its name: %s', ([field, make]) => {
  expect(make).toThrow(field)
})

const wrong = (value: unknown): never => value as never

test.for<[string, (context: ActorContext) => unknown]>([
  ['spawn takes a class that extends Actor, got null', () => spawn(wrong(null))],
  ['args must be an array or a function, got number 5', () => spawn(Probe, wrong(5))],
  ['the options must be an object, got number 5', () => spawn(Probe, [[]], wrong(5))],
  ['mailbox must be an object, got number 5', () => spawn(Probe, [[]], { mailbox: wrong(5) })],
  ["a child's id must be a string", () => spawn(Probe, [[]], { name: wrong(5) })],
  ['spawn takes a class that extends Actor, got string x', (ctx) => ctx.spawn(wrong('x'))],
  ["a supervisor's options must be an object, got null", (ctx) => ctx.supervise(wrong(null))],
  ['strategy must be one of', (ctx) => ctx.supervise({ strategy: wrong('x') })],
  ['ctx.monitor takes the ref of a child, got number 5', (ctx) => ctx.monitor(wrong(5))],
  ['ctx.link takes the ref of an actor, got number 5', (ctx) => ctx.link(wrong(5))],
  ['the options must be an object, got null', (ctx) => ctx.self.ask(wrong(null))],
  ['must be an AbortSignal, got number 5', (ctx) => ctx.self.ask({ signal: wrong(5) })],
  ['timeout must be a number, got number NaN', (ctx) => ctx.self.stop(null, { timeout: NaN })],
  ['takes an object of options, got number 5', () => ActorSystem.start(wrong(5))],
  ['reentrant must be true or false, got null', (ctx) => ctx.self.ask({ reentrant: wrong(null) })],
  ['perChild must be true or false, got', (ctx) => ctx.supervise({ perChild: wrong('yes') })],
  ['children must be an array or a', (ctx) => ctx.supervise({ children: wrong('abc') })],
  ['significant must be true or', () => probe([], 'a', {}, { significant: wrong(1) })],
  ['stickyStop must be true or false', () => probe([], 'a', {}, { stickyStop: wrong(null) })],
])('wrong arguments are refused at once, and nothing starts or ends: %s', ([message, call]) =>
  runVirtual(async () => {
    let context: ActorContext | null = null
    const a = await spawn(Probe, [[], { onStart: (ctx: ActorContext) => void (context = ctx) }])
    const before = allTasks().size
    const made = context as unknown as ActorContext
    expect(() => call(made)).toThrow(TypeError)
    expect(() => call(made)).toThrow(message)
    expect([allTasks().size, a.status]).toEqual([before, 'running'])
    await a.stop()
  }),
)

test(
  'stop and stopChild refuse a wrong time, and stop nothing',
  virtually(async (log) => {
    const system = await start({ children: [probe(log, 'a')] })
    expect(() => system.stop({ timeout: wrong('1') })).toThrow(
      new TypeError('timeout must be a number, got string 1'),
    )
    expect(() => system.stop(wrong(5))).toThrow(
      new TypeError('the options must be an object, got number 5'),
    )
    expect(() => system.root.stopChild('a', { shutdown: NaN })).toThrow(
      new TypeError('shutdown must be a number, got number NaN'),
    )
    await settled()
    expect(log).toEqual(['start a'])
    await system.stop()
  }),
)

test(
  'by default children are permanent, have 5000 ms to stop, and supervisors have no limit',
  virtually(async (log) => {
    const system = await start({
      children: [
        probe(log, 'a'),
        child.supervisor('b', {}),
        child.task('t', () => sleep(Infinity)),
        child.dynamic('d'),
      ],
    })
    const specs = ['a', 'b', 't', 'd'].map((id) => system.root.getSpec(id))
    expect(specs.map((spec) => spec.restart)).toEqual(Array.from({ length: 4 }, () => 'permanent'))
    expect(specs.map((spec) => spec.shutdown)).toEqual([5000, Infinity, 5000, Infinity])
    await system.stop()
  }),
)

test(
  'a start that never settles is cancelled after startTimeout and fails',
  virtually(async (log) => {
    const system = await start()
    const begun = getRunningLoop().time()
    for (const wait of [() => new Promise<void>(() => {}), () => sleep(Infinity)]) {
      const spec = probe(log, 'a', { onStart: wait }, { startTimeout: 50 })
      expect(await thrown(system.root.startChild(spec))).toBeInstanceOf(TimeoutError)
    }
    expect(getRunningLoop().time() - begun).toBe(100)
    expect(system.root.whichChildren()).toEqual([])
    await system.stop()
  }),
)

test(
  'a caller that is cancelled while it starts a child leaves nothing of the child',
  virtually(async (log) => {
    const system = await start()
    const spec = probe(log, 'a', {
      onStart: async () => {
        try {
          await sleep(Infinity)
        } finally {
          log.push('undone')
        }
      },
    })
    const starter = createTask(async () => {
      await system.root.startChild(spec)
    })
    await settled()
    starter.cancel()
    expect(await thrown(starter)).toBeInstanceOf(CancelledError)
    expect(log).toEqual(['undone'])
    expect(system.root.whichChildren()).toEqual([])
    await system.root.startChild(probe(log, 'a'))
    await system.stop()
  }),
)

test(
  'a caller that is cancelled while it spawns an actor leaves the name free',
  virtually(async (log) => {
    const spawner = createTask(async () => {
      await spawn(Probe, [log, { onStart: () => sleep(Infinity) }], { name: 'x' })
    })
    await settled()
    spawner.cancel()
    expect(await thrown(spawner)).toBeInstanceOf(CancelledError)
    const again = await spawn(Probe, [log], { name: 'x' })
    await again.stop()
  }),
)

class Broken extends Actor {
  constructor() {
    super()
    throw new Error('constructor')
  }
}

test(
  'an actor whose constructor throws leaves no child',
  virtually(async () => {
    const system = await start()
    expect(await thrown(system.root.startChild(child.actor('b', Broken)))).toMatchObject({
      message: 'constructor',
    })
    expect(system.root.whichChildren()).toEqual([])
    await expect(spawn(Broken)).rejects.toThrow('constructor')
    await system.stop()
  }),
)

test(
  'a start that throws a CancelledError without a cancel fails',
  virtually(async (log) => {
    const spec = probe(log, 'a', {
      onStart: () => {
        throw new CancelledError('odd')
      },
    })
    const error = await thrown(start({ children: [spec] }))
    expect((error as FailedToStart).cause).toBeInstanceOf(UnexpectedCancellation)
  }),
)

test(
  'an onStart that returns a rejected promise fails the start',
  virtually(async (log) => {
    const spec = probe(log, 'a', {
      onStart: async () => {
        await sleep(5)
        throw new Error('late')
      },
    })
    expect(((await thrown(start({ children: [spec] }))) as FailedToStart).cause).toMatchObject({
      message: 'late',
    })
  }),
)

test(
  'a dynamic supervisor refuses more than maxChildren children, restarting children included',
  virtually(async (log) => {
    const system = await start({
      children: [child.dynamic('d', { maxChildren: 2, backoff: { min: 100, max: 100 } })],
    })
    const d = supervisor(system, 'd')
    const a = await d.startChild(probe(log, 'a'))
    await d.startChild(probe(log, 'b'))
    expect(await thrown(d.startChild(probe(log, 'c')))).toBeInstanceOf(TooManyChildren)
    await a.tell.crash()
    await settled()
    expect(a.status).toBe('restarting')
    expect(await thrown(d.startChild(probe(log, 'c')))).toBeInstanceOf(TooManyChildren)
    await d.stopChild('b')
    await d.startChild(probe(log, 'c'))
    await system.stop()
  }),
)

test(
  'startChild of a dynamic supervisor with a template makes the child from its argument',
  virtually(async (log) => {
    const template = (id: string): ReturnType<typeof probe> => probe(log, id)
    const system = await start({ children: [child.dynamic('d', { template })] })
    const a = await supervisor(system, 'd').startChild<LocalActorRef<Probe>>('a')
    expect(await a.ask.ping()).toBe(1)
    expect(a.path).toBe('/s/d/a')
    await system.stop()
  }),
)

test(
  'the error about an argument that is an actor made with new names the class of the argument',
  virtually(async () => {
    class Inner extends Actor {}
    class Outer extends Actor {
      readonly inner: Inner
      constructor(inner: Inner) {
        super()
        this.inner = inner
      }
    }
    const error = await thrown(spawn(Outer, () => [new Inner()]))
    expect(error).toMatchObject({
      name: 'TypeError',
      message: expect.stringContaining('Inner was made with new'),
    })
  }),
)

test('new of an actor class throws an error that says to use spawn', () => {
  expect(() => new Probe([])).toThrow('use spawn(Probe)')
})

test('a system starts and answers outside of run', async () => {
  const system = await ActorSystem.start({
    name: 'plain',
    logger: silentLogger,
    children: [probe([], 'a')],
  })
  expect(await ref(system, 'a').ask.ping()).toBe(1)
  await system.stop()
})

test(
  'whenStopped settles when the constructor of a restarted child throws until its supervisor gives up',
  virtually(async () => {
    let made = 0
    class Once extends Actor {
      constructor() {
        super()
        if (++made > 1) throw new Error('constructor')
      }
      crash(): void {
        throw new Error('boom')
      }
    }
    const system = await start({ maxRestarts: 1, children: [child.actor('once', Once)] })
    const done = thrown(system.done)
    const once = system.lookup<LocalActorRef<Once>>('once') as LocalActorRef<Once>
    const ended = once.whenStopped
    await once.tell.crash()
    expect(await ended).toMatchObject({ kind: 'error' })
    expect(await done).toMatchObject({ cause: { message: 'constructor' } })
    expect(made).toBe(2)
  }),
)

test(
  'a start that fails leaves no monitor, pipe or timer for the next incarnation',
  virtually(async () => {
    const seen: string[] = []
    const system = await start({ maxRestarts: 50, children: [probe([], 'target')] })
    const target = ref(system, 'target')
    class Starter extends Actor {
      protected override async onStart(): Promise<void> {
        if (this.ctx.incarnation !== 2) return
        this.ctx.monitor(target)
        this.ctx.pipe(sleep(0), () => seen.push('pipe'))
        this.ctx.after(0, () => seen.push('tick'))
        await sleep(5)
        await crash(target)
        throw new Error('the start fails')
      }
      protected override onDown(): void {
        seen.push('down')
      }
      boom(): void {
        throw new Error('boom')
      }
    }
    const starter = await system.root.startChild(child.actor('starter', Starter))
    void starter.tell.boom()
    await sleep(10)
    await settled()
    expect(starter).toMatchObject({ incarnation: 3, status: 'running' })
    await crash(target)
    await settled()
    expect(seen).toEqual([])
    await system.stop()
  }),
)

test(
  'a start that fails breaks the links that it made',
  virtually(async () => {
    const seen: string[] = []
    class Linked extends Actor {
      protected override onStart(): void {
        this.ctx.trapExit = true
      }
      protected override onDown({ link, reason }: Down): void {
        seen.push(`${link} ${reason.kind}`)
      }
    }
    const linked = await spawn(Linked)
    class Starter extends Actor {
      protected override onStart(): void {
        this.ctx.link(linked)
        throw new Error('the start fails')
      }
    }
    await thrown(spawn(Starter))
    await settled()
    expect(seen).toEqual(['true error'])
    await linked.stop()
  }),
)
