// A kill waits for the killed children of the actor. It must not wait for handlers that hang, and must leave no task.
import { Actor, type ActorSystem, child } from '@tasktree/actor'
import { allTasks, getEventLoop, run, sleep } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { expect, test } from 'vitest'
import { collect, settled, start, virtually } from './support/probe.ts'

/** An actor with one child, which has one child, and so on. Each of them has a name, which is free again when the actor has ended. */
class Ancestor extends Actor {
  readonly #system: ActorSystem
  readonly #depth: number
  constructor(system: ActorSystem, depth: number) {
    super()
    this.#system = system
    this.#depth = depth
  }
  protected override async onStart(): Promise<void> {
    this.#system.register(`depth ${this.#depth}`, this.ctx.self)
    if (this.#depth === 0) return
    const below = await this.ctx.spawn(Ancestor, [this.#system, this.#depth - 1], { name: 'n' })
    void below.tell.hang()
  }
  async hang(): Promise<void> {
    await new Promise(() => {})
  }
}

const paths = ['/s/a/n/n/n', '/s/a/n/n', '/s/a/n', '/s/a']

test.for(['kill', 'kill while it stops', 'stop'] as const)(
  'an actor ends after its children even if their handlers cannot be cancelled: %s',
  (how) =>
    virtually(async () => {
      const system = await start()
      const spec = child.actor('a', Ancestor, [system, 3], { onZombie: 'escalate', shutdown: 50 })
      const a = await system.root.startChild(spec)
      const [exits, zombies, fails] = [
        collect(system, 'exited'),
        collect(system, 'zombie'),
        collect(system, 'start-failed'),
      ]
      await sleep(1)
      if (how === 'kill while it stops') {
        void a.stop()
        await sleep(0)
      }
      if (how === 'stop') void a.stop()
      else void a.kill()
      await sleep(1_000)
      // The children hang, and not the actor, so the supervisor restarts the actor and does not escalate.
      expect(a.incarnation).toBe(2)
      expect(a.status).toBe('running')
      expect(exits.map(({ path }) => path)).toEqual(paths)
      expect(zombies.map(({ path }) => path)).toEqual(paths.slice(0, 3))
      expect(fails).toEqual([])
      await system.stop()
    })(),
)

test(
  'a cancel of the task of a stopping actor kills the children that it waits for, and lets its onStop finish',
  virtually(async (log) => {
    class Parent extends Actor {
      protected override async onStart(): Promise<void> {
        for (const name of ['one', 'two']) await this.ctx.spawn(Slow, [], { name })
      }
      protected override async onStop(): Promise<void> {
        await sleep(5)
        await sleep(5)
        log.push('cleaned up')
      }
    }
    class Slow extends Actor {
      protected override async onStop(): Promise<void> {
        await sleep(1_000)
      }
    }
    const system = await start()
    const spec = child.actor('parent', Parent, [], { restart: 'temporary' })
    const parent = await system.root.startChild(spec)
    const exits = collect(system, 'exited')
    const task = [...allTasks()].find(({ name }) => name === '/s/parent')
    void parent.stop()
    await sleep(1)
    const before = getEventLoop().time()
    task?.cancel()
    expect(await parent.whenStopped).toEqual({ kind: 'shutdown' })
    expect(getEventLoop().time() - before).toBe(10)
    expect(log).toEqual(['cleaned up'])
    await settled()
    expect(exits.map(({ path, reason }) => `${path} ${reason.kind}`)).toEqual([
      '/s/parent/one killed',
      '/s/parent/two killed',
      '/s/parent shutdown',
    ])
    await system.stop()
  }),
)

class Overlapping extends Actor {
  static override readonly interleave = ['query']
  async query(): Promise<void> {
    await new Promise(() => {})
  }
  async main(): Promise<void> {
    await sleep(5)
  }
}

test('a killed handler that never ends and overlaps another handler does not keep `run` from ending', async () => {
  await run(async () => {
    const system = await start({ children: [child.actor('o', Overlapping)] })
    const o = system.lookup(Overlapping, 'o')!
    void o.tell.main()
    void o.tell.query()
    await sleep(0)
    await o.kill()
    await settled()
    expect([...allTasks()].map(({ name }) => name)).not.toContain('/s/o query')
    await system.stop()
  })
})

test('an actor killed while it waits for an overlapping handler reports that handler once as a zombie', async () => {
  const errors: unknown[] = []
  await runVirtual(async () => {
    getEventLoop().setExceptionHandler((_loop, { exception }) => errors.push(exception))
    const spec = child.actor('o', Overlapping, [], { restart: 'temporary' })
    const system = await start({ children: [spec] })
    const o = system.lookup(Overlapping, 'o')!
    const zombies = collect(system, 'zombie')
    const main = o.ask.main()
    void o.tell.query()
    await sleep(1)
    void o.stop()
    await main
    await sleep(1)
    expect(await o.kill()).toEqual({ kind: 'killed' })
    await settled()
    expect(zombies.map(({ message }) => message)).toEqual(['query'])
    await system.stop()
  })
  // The loop would have reported an unread failure at the end of the run.
  expect(errors).toEqual([])
})
