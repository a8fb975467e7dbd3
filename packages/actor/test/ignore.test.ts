// Tests where `ctx.ignore()` may be called, and that it does not hide other errors.
import { Actor, type ActorContext, child, spawn } from '@tasktree/actor'
import { createTask, InvalidStateError, sleep } from '@tasktree/core'
import { expect, test } from 'vitest'
import { probe, start, thrown, virtually } from './support/probe.ts'

class Needless extends Actor {
  readonly #results: string[]
  constructor(results: string[], place: string) {
    super()
    this.#results = results
    if (place === 'constructor') this.ctx.ignore()
  }
  /** Calls `ctx.ignore()`, and logs the error that it throws. */
  tryIt(place: string): void {
    try {
      this.ctx.ignore()
    } catch (error) {
      this.#results.push(
        `${place}: ${error instanceof InvalidStateError ? error.message : String(error)}`,
      )
    }
  }
  handler(): void {
    this.tryIt('handler')
  }
  async task(): Promise<void> {
    await createTask(async () => this.tryIt('task'))
  }
  timer(): void {
    this.ctx.after(1, () => this.tryIt('timer'))
  }
  pipe(): void {
    this.ctx.pipe(sleep(1), () => this.tryIt('pipe'))
  }
  async down(): Promise<void> {
    const other = await this.ctx.spawn(Empty)
    this.ctx.monitor(other)
    void other.stop()
  }
  context(): ActorContext {
    return this.ctx
  }
  protected override onDown(): void {
    this.tryIt('onDown')
  }
  protected override onStop(): void {
    this.tryIt('onStop')
  }
}

class Empty extends Actor {}

test(
  'ctx.ignore() after the start throws an InvalidStateError that says what is wrong',
  virtually(async (log) => {
    const actor = await spawn(Needless, [log, 'nowhere'], { name: 'a' })
    await actor.ask.handler()
    await actor.ask.task()
    await actor.ask.timer()
    await sleep(5)
    await actor.ask.pipe()
    await sleep(5)
    await actor.ask.down()
    await sleep(5)
    const context = await actor.ask.context()
    expect(() => context.ignore()).toThrow(InvalidStateError)
    await actor.stop()
    const message =
      'ctx.ignore() belongs in onStart of /a, which is over; ctx.stop() ends a running actor'
    const places = ['handler', 'task', 'timer', 'pipe', 'onDown', 'onStop']
    expect(log).toEqual(places.map((place) => `${place}: ${message}`))
  }),
)

test(
  'ctx.ignore() in a handler crashes the actor with an InvalidStateError',
  virtually(async () => {
    class Careless extends Actor {
      go(): void {
        this.ctx.ignore()
      }
    }
    const error = await thrown((await spawn(Careless)).ask.go())
    expect(error).toMatchObject({ name: 'ActorCrashed', cause: { name: 'InvalidStateError' } })
  }),
)

test(
  'ctx.ignore() in onStop throws after the supervisor has stopped the start',
  virtually(async (log) => {
    const system = await start()
    let context: ActorContext | null = null
    const spec = probe(log, 'a', {
      onStart: (own) => {
        context = own
        return sleep(10).catch(() => {})
      },
      onStop: () => {
        expect(() => context?.ignore()).toThrow(InvalidStateError)
      },
    })
    const starting = thrown(system.root.startChild(spec))
    await sleep(1)
    await system.stop()
    expect(await starting).toMatchObject({ name: 'SupervisorStopping' })
    expect(log).toEqual(['start a', 'stop a shutdown'])
  }),
)

test(
  'a start succeeds as ignored if the constructor or a task that onStart awaits calls ctx.ignore()',
  virtually(async (log) => {
    const system = await start()
    const inTask = {
      onStart: async (context: ActorContext): Promise<void> => {
        await createTask(async () => context.ignore())
      },
    }
    await system.root.startChild(child.actor('a', Needless, [log, 'constructor']))
    await system.root.startChild(probe(log, 'b', inTask))
    expect(system.root.countChildren()).toMatchObject({ specs: 2, active: 0 })
    await system.stop()
    expect(log).toEqual([])
  }),
)

const ignoresWhenCancelled = {
  onStart: async (context: ActorContext): Promise<void> => {
    try {
      await sleep(100)
    } catch {
      context.ignore()
    }
  },
}

test(
  'a caller of spawn that is cancelled stays cancelled when onStart then calls ctx.ignore()',
  virtually(async () => {
    class Shy extends Actor {
      protected override onStart(): Promise<void> {
        return ignoresWhenCancelled.onStart(this.ctx)
      }
    }
    const caller = createTask(async () => {
      await spawn(Shy)
    })
    await sleep(1)
    caller.cancel()
    expect(await thrown(caller)).toMatchObject({ name: 'CancelledError' })
    expect(caller.cancelled()).toBe(true)
  }),
)

test(
  'a start that takes longer than startTimeout fails, even if onStart then calls ctx.ignore()',
  virtually(async (log) => {
    const system = await start()
    const spec = probe(log, 'a', ignoresWhenCancelled, { startTimeout: 5 })
    expect(await thrown(system.root.startChild(spec))).toMatchObject({ name: 'TimeoutError' })
    expect(system.root.whichChildren()).toEqual([])
    await system.stop()
  }),
)

test(
  'ctx.ignore() in onStart of a child that its supervisor is stopping does not make the start succeed',
  virtually(async (log) => {
    const system = await start()
    const starting = thrown(system.root.startChild(probe(log, 'a', ignoresWhenCancelled)))
    await sleep(1)
    await system.stop()
    expect(await starting).toMatchObject({ name: 'SupervisorStopping' })
  }),
)

test(
  'ctx.stop() before ctx.ignore() in onStart changes nothing',
  virtually(async (log) => {
    const system = await start()
    const both = {
      onStart: (context: ActorContext): void => {
        context.stop()
        context.ignore()
      },
    }
    await system.root.startChild(probe(log, 'a', both))
    expect(system.root.countChildren()).toMatchObject({ specs: 1, active: 0 })
    await system.stop()
  }),
)

test(
  'ctx.supervise of a supervisor that returns ignore throws a TypeError that says so',
  virtually(async () => {
    class Parent extends Actor {
      async go(): Promise<void> {
        await this.ctx.supervise({ name: 'kids', children: () => 'ignore' })
      }
    }
    const error = await thrown((await spawn(Parent)).ask.go())
    expect(error).toMatchObject({
      cause: {
        name: 'TypeError',
        message: "kids was not started: its option children returned 'ignore'",
      },
    })
  }),
)
