import {
  Actor,
  type ActorContext,
  ActorStopped,
  type LocalActorRef,
  child,
  type ExitReason,
  NoProc,
  ResourceRef,
  spawn,
  SupervisorStopping,
  type SupervisorRef,
  sys,
} from '@tasktree/actor'
import {
  createTask,
  type Future,
  getEventLoop,
  getRunningLoop,
  shielded,
  sleep,
} from '@tasktree/core'
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
  supervisor,
  virtually,
} from './support/probe.ts'

const now = (): number => getRunningLoop().time()

async function takes(operation: () => PromiseLike<unknown>): Promise<number> {
  const before = now()
  await operation()
  return now() - before
}

test(
  "a child with shutdown 'kill' is gone at once, and its asks fail",
  virtually(async (log) => {
    const system = await start({ children: [probe(log, 'a', {}, { shutdown: 'kill' })] })
    const a = ref(system, 'a')
    const asks = [a.ask.stall(), a.ask.ping()].map(thrown)
    await settled()
    expect(await takes(() => system.root.stopChild('a'))).toBe(0)
    expect(await Promise.all(asks)).toMatchObject([
      { name: 'ActorStopped', delivered: true },
      { name: 'ActorStopped', delivered: false },
    ])
    expect(log).toEqual(['start a'])
    await system.stop()
  }),
)

test(
  'an onStop that takes too long is killed at its deadline and reported, and its siblings stop in order',
  virtually(async (log) => {
    const system = await start({
      children: [probe(log, 'a'), probe(log, 'b', { cleanup: 5000 }, { shutdown: 500 })],
    })
    const errors = collect(system, 'shutdown-error')
    await settled()
    expect(await takes(() => system.stop())).toBe(500)
    await system.done
    await settled()
    expect(errors).toMatchObject([{ id: 'b', reason: { kind: 'killed' } }])
    expect(log.at(-1)).toBe('stop a shutdown')
  }),
)

test(
  'with shutdown Infinity a supervisor waits for an onStop of any length',
  virtually(async (log) => {
    const system = await start({
      children: [probe(log, 'a', { cleanup: 10_000 }, { shutdown: Infinity })],
    })
    expect(await takes(() => system.stop())).toBe(10_000)
    expect(log.at(-1)).toBe('stop a shutdown')
  }),
)

class Naughty extends Actor {
  swallowed = 0
  async work(): Promise<void> {
    try {
      await sleep(Infinity)
    } catch {
      this.swallowed++
    }
    await sleep(Infinity)
  }
}

test(
  'a handler that swallows its cancel is cancelled again at its next await',
  virtually(async () => {
    const system = await start({ children: [child.actor('n', Naughty)] })
    const naughty = system.lookup<LocalActorRef<Naughty>>('n') as LocalActorRef<Naughty>
    await naughty.tell.work()
    await settled()
    expect(await takes(() => system.stop())).toBe(0)
  }),
)

class Stubborn extends Actor {
  async work(): Promise<void> {
    for (;;) {
      try {
        await sleep(Infinity)
      } catch {
        // this task swallows the cancel and goes on
      }
    }
  }
}

test.for(['native', 'shielded'])(
  'a handler that swallows cancels is cancelled again if a %s wait delayed the first cancel',
  (kind) =>
    virtually(async (log) => {
      class Deaf extends Actor {
        async hear(): Promise<void> {
          const loop = getEventLoop()
          await (kind === 'native'
            ? new Promise<void>((resolve) => loop.callLater(10, resolve))
            : shielded(() => sleep(10)))
          for (let wait = 1; wait <= 3; wait++) {
            await sleep(60_000).catch(() => log.push(`wait ${wait}`))
          }
        }
      }
      const system = await start({ children: [child.actor('deaf', Deaf)] })
      void system.lookup(Deaf, 'deaf')?.tell.hear()
      await sleep(1)
      expect(await system.root.stopChild('deaf')).toEqual({ kind: 'shutdown' })
      expect(log).toEqual(['wait 1', 'wait 2', 'wait 3'])
      await system.stop()
    })(),
)

test(
  'a handler that swallows every cancel is killed at its deadline',
  virtually(async () => {
    const system = await start({ children: [child.actor('n', Stubborn, [], { shutdown: 300 })] })
    await (system.lookup('n') as LocalActorRef<Stubborn>).tell.work()
    await settled()
    expect(await takes(() => system.stop())).toBe(300)
  }),
)

test(
  'a permanent task that returns normally after its cancel is reported and not restarted',
  virtually(async (log) => {
    const system = await start({
      children: [
        child.task('t', async () => {
          try {
            await sleep(Infinity)
          } catch {
            // this task ends normally after the cancel
          }
        }),
      ],
    })
    const errors = collect(system, 'shutdown-error')
    await settled()
    await system.stop()
    await settled()
    expect(errors).toMatchObject([{ id: 't', reason: { kind: 'normal' } }])
    expect(log).toEqual([])
  }),
)

test(
  'a parallel stop takes as long as the slowest child, and an ordered stop the sum of all children',
  virtually(async (log) => {
    const children = Array.from({ length: 1000 }, (_, i) => probe(log, `c${i}`, { cleanup: 1000 }))
    const parallel = await start({ stopMode: 'parallel', children })
    expect(await takes(() => parallel.stop())).toBe(1000)
    const ordered = await start({ shutdownTimeout: Infinity, children: children.slice(0, 100) })
    expect(await takes(() => ordered.stop())).toBe(100_000)
  }),
)

test(
  'in a parallel stop each child is killed at its own deadline',
  virtually(async (log) => {
    const system = await start({
      stopMode: 'parallel',
      children: [100, 200, 300].map((shutdown) =>
        probe(log, `c${shutdown}`, { cleanup: 5000 }, { shutdown }),
      ),
    })
    const ends = [100, 200, 300].map((ms) => takes(() => ref(system, `c${ms}`).whenStopped))
    await settled()
    const refs = [100, 200, 300].map((ms) => ref(system, `c${ms}`))
    expect(await takes(() => system.stop())).toBe(300)
    expect(refs.map((each) => each.status)).toEqual(['stopped', 'stopped', 'stopped'])
    expect(await Promise.all(ends)).toEqual([100, 200, 300])
  }),
)

test(
  'a child that crashes during a stop, before its own turn, is reported with its own error',
  virtually(async (log) => {
    const system = await start({
      children: [probe(log, 'a', {}, { restart: 'transient' }), probe(log, 'b', { cleanup: 100 })],
    })
    const errors = collect(system, 'shutdown-error')
    await settled()
    const stopped = system.stop()
    await sleep(50)
    await ref(system, 'a').tell.crash(new Error('early'))
    await stopped
    await settled()
    expect(errors).toMatchObject([
      { id: 'a', reason: { kind: 'error', error: { message: 'early' } } },
    ])
  }),
)

test(
  'a stop while a child starts cancels the start and leaves no child',
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
    const starting = thrown(system.root.startChild(spec))
    await settled()
    expect(system.root.whichChildren()).toMatchObject([{ status: 'starting' }])
    expect(await takes(() => system.stop())).toBe(0)
    expect(await starting).toBeInstanceOf(SupervisorStopping)
    expect(log).toEqual(['undone'])
  }),
)

test(
  'a second stop waits for the same end, and may shorten the time limit',
  virtually(async (log) => {
    const system = await start({
      children: [probe(log, 'a', { cleanup: 10_000 }, { shutdown: 20_000 })],
    })
    expect(
      await takes(() =>
        Promise.all([system.stop(), sleep(100).then(() => system.stop({ timeout: 500 }))]),
      ),
    ).toBe(600)
    const a = await spawn(Probe, [log, { cleanup: 10_000 }])
    expect(
      await takes(() =>
        Promise.all([a.stop(), sleep(100).then(() => a.stop(null, { timeout: 50 }))]),
      ),
    ).toBe(150)
  }),
)

test(
  'the whole system stops within the timeout of stop',
  virtually(async (log) => {
    const children = ['a', 'b', 'c'].map((id) => probe(log, id, { cleanup: 2000 }))
    const system = await start({ shutdownTimeout: 3000, children })
    const errors = collect(system, 'shutdown-error')
    await settled()
    expect(await takes(() => system.stop())).toBe(3000)
    await settled()
    expect(log.filter((line) => line.startsWith('stop'))).toEqual(['stop c shutdown'])
    expect(errors.map((event) => event.id)).toContain('b')
  }),
)

test(
  'onStop gets the reason of a normal end, a shutdown or an error, and is not called after a kill',
  virtually(async (log) => {
    const seen: ExitReason[] = []
    const options = {
      onStop: (reason: ExitReason) => {
        seen.push(reason)
      },
    }
    const make = (): Promise<LocalActorRef<Probe>> => spawn(Probe, [log, options])
    const quit = await make()
    await quit.tell.quit()
    await quit.whenStopped
    await (await make()).stop('detail')
    const broken = await make()
    const error = new Error('x')
    const system = await start({ maxRestarts: 1, children: [probe(log, 'a', options)] })
    await crash(ref(system, 'a'), error)
    await system.stop()
    await (await make()).kill()
    expect(seen).toEqual([
      { kind: 'normal' },
      { kind: 'shutdown', detail: 'detail' },
      { kind: 'error', error },
      { kind: 'shutdown' },
    ])
    await broken.kill()
  }),
)

test(
  'an onStop that throws is reported, and the other children stop',
  virtually(async (log) => {
    const system = await start({
      children: [
        probe(log, 'a'),
        probe(log, 'b', {
          onStop: () => {
            throw new Error('cleanup')
          },
        }),
      ],
    })
    const errors = collect(system, 'shutdown-error')
    await settled()
    await system.stop()
    await settled()
    expect(errors).toMatchObject([
      { id: 'b', reason: { kind: 'error', error: { message: 'cleanup' } } },
    ])
    expect(log.at(-1)).toBe('stop a shutdown')
  }),
)

test(
  'the children of a killed actor are killed too',
  virtually(async (log) => {
    const system = await start({
      children: [child.supervisor('in', { children: [probe(log, 'a')] }, { restart: 'temporary' })],
    })
    await supervisor(system, 'in').kill()
    expect(log).toEqual(['start a'])
    const parent = await spawn(Probe, [
      log,
      {
        onStart: async (context: ActorContext) => {
          await context.spawn(Probe, [log], { name: 'kid' })
        },
      },
    ])
    log.length = 0
    await parent.kill()
    await settled()
    expect(log).toEqual([])
    await system.stop()
  }),
)

test(
  'the children that an actor spawned stop before the actor, the last child first',
  virtually(async (log) => {
    const onStart = async (context: ActorContext): Promise<void> => {
      await context.spawn(Probe, [log], { name: 'k1' })
      await context.supervise({ name: 'sup', children: [probe(log, 'k2')] })
    }
    const parent = await spawn(Probe, [log, { onStart }], { name: 'parent' })
    await parent.stop()
    expect(log).toEqual([
      'start k1',
      'start k2',
      'start parent',
      'stop k2 shutdown',
      'stop k1 shutdown',
      'stop parent shutdown',
    ])
  }),
)

test(
  'a cancel of the task of an actor ends the actor as a shutdown with the message of the cancel',
  virtually(async (log) => {
    const seen: ExitReason[] = []
    const a = await spawn(Probe, [
      log,
      {
        onStop: (reason: ExitReason) => {
          seen.push(reason)
        },
      },
    ])
    const { allTasks } = await import('@tasktree/core')
    const task = [...allTasks()].find((each) => each.name === a.path)
    task?.cancel('enough')
    await a.whenStopped
    expect(seen).toEqual([{ kind: 'shutdown', detail: { cancelled: 'enough' } }])
  }),
)

test(
  'stop lets the running handler finish, and the waiting messages are not handled',
  virtually(async (log) => {
    const a = await spawn(Probe, [log])
    const nap = a.ask.nap(100)
    void a.tell.note('never')
    await settled()
    expect(await takes(() => a.stop())).toBe(100)
    expect(await nap).toBe('rested')
    expect(log).not.toContain('never')
  }),
)

test(
  'a killed actor does not wait for a handler that awaits a native promise, and the late error is reported',
  virtually(async (log) => {
    let settle = (): void => {}
    const contexts: ActorContext[] = []
    class Foreign extends Actor {
      async wait(): Promise<void> {
        contexts.push(this.ctx)
        await new Promise<void>((resolve) => {
          settle = resolve
        })
        try {
          void this.ctx.tell(this.ctx.self)
        } catch (error) {
          log.push((error as Error).name)
        }
        throw new Error('swallowed')
      }
    }
    const system = await start({ children: [child.actor('f', Foreign), probe(log, 'b')] })
    const zombies = collect(system, 'zombie')
    const ends = collect(system, 'zombie-settled')
    const f = system.lookup<LocalActorRef<Foreign>>('f') as LocalActorRef<Foreign>
    const ask = thrown(f.ask.wait())
    await settled()
    expect(await takes(() => f.kill())).toBe(0)
    expect(await ask).toBeInstanceOf(ActorStopped)
    await settled()
    expect(f.incarnation).toBe(2)
    expect(zombies).toMatchObject([{ path: '/s/f', incarnation: 1, message: 'wait' }])
    settle()
    await settled()
    expect(ends).toHaveLength(1)
    expect(log).toContain('StaleIncarnation')
    await system.stop()
  }),
)

test(
  'a task child is cancelled to stop, and restarted when it fails',
  virtually(async (log) => {
    let runs = 0
    const coroutine = async (): Promise<void> => {
      runs++
      if (runs === 1) throw new Error('first')
      try {
        await sleep(Infinity)
      } finally {
        await sleep(100)
        log.push('cleaned')
      }
    }
    const system = await start({ children: [child.task('t', coroutine)] })
    await settled()
    expect(runs).toBe(2)
    expect(await takes(() => system.stop())).toBe(100)
    expect(log).toEqual(['cleaned'])
  }),
)

test(
  'a task child that returns ends normally, and one that ignores its cancel is killed',
  virtually(async () => {
    const system = await start({
      children: [
        child.task(
          'once',
          async () => {
            await sleep(1)
          },
          { restart: 'transient' },
        ),
        child.task(
          'deaf',
          async () => {
            await new Promise(() => {})
          },
          { shutdown: 100 },
        ),
      ],
    })
    await sleep(10)
    expect(system.lookup('once')?.status).toBe('stopped')
    expect(await takes(() => system.stop())).toBe(100)
  }),
)

class FakePool {
  static readonly made: FakePool[] = []
  disposed = false
  fail: (error: unknown) => void = () => {}
  readonly #end = new Promise<number>((_, reject) => {
    this.fail = reject
  })
  constructor() {
    FakePool.made.push(this)
  }
  wait(): Promise<number> {
    return this.#end
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await sleep(50)
    this.disposed = true
  }
}

test(
  'a resource that fails is disposed of and made again, and a stop disposes of it',
  virtually(async () => {
    FakePool.made.length = 0
    const spec = child.resource('pool', () => new FakePool())
    const system = await start({ children: [] })
    const pool = await system.root.startChild(spec)
    expect(pool.value).toBe(FakePool.made[0])
    FakePool.made[0]?.fail(new Error('died'))
    await sleep(100)
    expect(FakePool.made.map((each) => each.disposed)).toEqual([true, false])
    expect(pool.value).toBe(FakePool.made[1])
    expect(await takes(() => system.stop())).toBe(50)
    expect(FakePool.made[1]?.disposed).toBe(true)
    expect(() => pool.value).toThrow(NoProc)
  }),
)

test(
  'a resource whose start fails is disposed of',
  virtually(async () => {
    const disposed: string[] = []
    const spec = child.resource('r', () => ({
      start: async () => {
        throw new Error('refused')
      },
      [Symbol.dispose]: () => {
        disposed.push('r')
      },
    }))
    const system = await start()
    expect(await thrown(system.root.startChild(spec))).toMatchObject({ message: 'refused' })
    expect(disposed).toEqual(['r'])
    await system.stop()
  }),
)

test(
  'a cancel of the task that uses a system by `await using` stops the system',
  virtually(async (log) => {
    const task = createTask(async () => {
      await using system = await start({ children: [probe(log, 'a'), probe(log, 'b')] })
      await system.done
    })
    await settled()
    task.cancel()
    await thrown(task)
    expect(log).toEqual(['start a', 'start b', 'stop b shutdown', 'stop a shutdown'])
  }),
)

test(
  "with onZombie 'escalate', a killed child whose handler does not end makes its supervisor fail",
  virtually(async (log) => {
    const system = await start({ children: [probe(log, 'a', {}, { onZombie: 'escalate' })] })
    const done = thrown(system.done)
    void thrown(ref(system, 'a').ask.hang())
    await settled()
    await ref(system, 'a').kill()
    expect(await done).toMatchObject({ name: 'ActorStopped', path: '/s/a' })
  }),
)

test(
  'a kill of a child does not wait for the branches of a Promise.all in its code',
  virtually(async () => {
    const flows = async (): Promise<void> => {
      const slowToClean = async (): Promise<void> => {
        for (let i = 0; i < 10; i++) await sleep(60_000).catch(() => {})
      }
      await Promise.all([slowToClean(), sleep(Infinity)])
    }
    class Many extends Actor {
      async work(): Promise<void> {
        await flows()
      }
    }
    const system = await start({
      children: [
        child.task('t', flows, { restart: 'temporary' }),
        child.actor('a', Many, [], { restart: 'temporary' }),
        child.resource('r', () => ({ wait: flows, async [Symbol.asyncDispose]() {} }), {
          restart: 'temporary',
        }),
      ],
    })
    void system.lookup(Many, 'a')?.tell.work()
    await settled()
    const before = system.snapshot().time
    const ends = ['t', 'a', 'r'].map((id) => system.lookup(id)?.kill())
    for (const end of ends) expect(await end).toEqual({ kind: 'killed' })
    expect(system.snapshot().time).toBe(before)
    await system.stop()
    expect(system.snapshot().time).toBe(before)
  }),
)

test(
  'a handler that awaits stopChild of its own actor is cancelled, and the actor stops at once',
  virtually(async () => {
    class Resigns extends Actor {
      async resign(parent: SupervisorRef): Promise<void> {
        await parent.stopChild(this.ctx.name)
      }
    }
    const system = await start({ children: [child.actor('a', Resigns)] })
    const a = system.lookup(Resigns, 'a')
    const before = system.snapshot().time
    const ended = a?.whenStopped
    void a?.tell.resign(system.root)
    expect(await ended).toEqual({ kind: 'shutdown' })
    expect(system.snapshot().time).toBe(before)
    expect(a?.status).toBe('stopped')
    await system.stop()
  }),
)

test.each(['ref', 'supervisor'] as const)(
  'an onStop that awaits the stop of its own actor through the %s fails at once',
  (of) =>
    virtually(async (log) => {
      let seen: unknown = null
      class Resigns extends Actor {
        protected override async onStop(): Promise<void> {
          const parent = this.ctx.parent as SupervisorRef
          seen = await thrown(of === 'ref' ? this.ctx.self.stop() : parent.stopChild(this.ctx.name))
          log.push('stopped')
        }
      }
      const system = await start({
        children: [child.actor('a', Resigns, [], { shutdown: Infinity })],
      })
      const a = system.lookup(Resigns, 'a')
      const before = system.snapshot().time
      await a?.stop()
      await settled()
      expect(log).toEqual(['stopped'])
      expect(seen).toMatchObject({ name: 'AskCycle', path: ['/s/a', '/s/a'] })
      expect(String(seen)).toContain(
        of === 'ref'
          ? '/s/a waits in its own handler for its own end'
          : '/s/a waits for a request to its supervisor /s, which waits for the end of /s/a',
      )
      expect(system.snapshot().time).toBe(before)
      await system.stop()
    })(),
)

test(
  'an onStop that waits for another actor, whose handler waits for this stop, fails at once',
  virtually(async () => {
    class Stopper extends Actor {
      async stop(parent: SupervisorRef, id: string): Promise<void> {
        await parent.stopChild(id)
      }
    }
    let seen: unknown = null
    class Asks extends Actor {
      protected override async onStop(): Promise<void> {
        const stopper = this.ctx.lookup(Stopper, 'stopper')
        seen = await thrown(stopper!.ask.stop(this.ctx.parent as SupervisorRef, this.ctx.name))
      }
    }
    const system = await start({
      children: [
        child.actor('stopper', Stopper),
        child.actor('a', Asks, [], { shutdown: Infinity }),
      ],
    })
    const before = system.snapshot().time
    await system.root.stopChild('a')
    expect(seen).toMatchObject({ name: 'AskCycle' })
    expect(system.snapshot().time).toBe(before)
    await system.stop()
  }),
)

test(
  'ctx.spawn and ctx.supervise in onStop throw, because nothing would stop the new child',
  virtually(async () => {
    const errors: unknown[] = []
    class Late extends Actor {
      protected override async onStop(): Promise<void> {
        errors.push(await thrown(this.ctx.spawn(Probe, [[]])))
        errors.push(await thrown(this.ctx.supervise({})))
      }
    }
    const late = await spawn(Late, [], { name: 'late' })
    await late.stop()
    const message = '/late is stopping: it starts no children'
    expect(errors).toMatchObject([{ message }, { message }])
  }),
)

test(
  'a ctx.pipe that onStop began is cancelled when the actor ends',
  virtually(async () => {
    let piped: Future<void> | null = null
    class Late extends Actor {
      protected override onStop(): void {
        piped = sleep(60_000)
        this.ctx.pipe(piped, () => {})
      }
    }
    const late = await spawn(Late)
    await late.stop()
    expect((piped as Future<void> | null)?.cancelled()).toBe(true)
  }),
)

test(
  'drain of a suspended actor waits until the actor is resumed and has handled its messages',
  virtually(async (log) => {
    const a = await spawn(Probe, [log])
    await sys.suspend(a)
    void a.tell.note('queued')
    const drained = a.drain()
    await settled()
    expect(drained.done()).toBe(false)
    await sys.resume(a)
    expect(await drained).toEqual({ kind: 'normal' })
    expect(log).toContain('queued')
  }),
)

test(
  'an actor that crashes while it drains accepts messages again for its next incarnation',
  virtually(async (log) => {
    const system = await start({
      backoff: { min: 1000, max: 1000 },
      within: 10_000,
      children: [probe(log, 'a')],
    })
    const a = ref(system, 'a')
    void a.tell.crash()
    expect(await a.drain()).toMatchObject({ kind: 'error' })
    await settled()
    expect(a.status).toBe('restarting')
    expect(await a.tell.note('in the gap')).toBe(true)
    await sleep(1000)
    await settled()
    expect(log).toContain('in the gap')
    await system.stop()
  }),
)

test(
  'a child of each kind has the status stopping while it ends, and a stopping resource has no value',
  virtually(async (log) => {
    const system = await start({
      maxRestarts: 10,
      children: [
        probe(log, 'actor', { cleanup: 10 }),
        child.task('task', async () => {
          try {
            await sleep(Infinity)
          } finally {
            await sleep(10)
          }
        }),
        child.supervisor('supervisor', { children: [probe(log, 'inner', { cleanup: 10 })] }),
        child.resource('resource', () => ({ [Symbol.asyncDispose]: () => sleep(10) })),
      ],
    })
    await settled()
    for (const { ref: each } of system.root.whichChildren()) {
      const ended = each.stop()
      await settled()
      expect([each.id, each.status]).toEqual([each.id, 'stopping'])
      if (each instanceof ResourceRef) expect(() => each.value).toThrow(NoProc)
      await ended
      await settled()
      expect([each.id, each.status]).toEqual([each.id, 'running'])
    }
    await system.stop()
  }),
)
