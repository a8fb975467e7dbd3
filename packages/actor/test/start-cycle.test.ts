// Tests a cycle of waits: a handler waits for the start of an actor, and the `onStart` of that actor asks the actor of the handler.
import { Actor, AskCycle, child, type LocalActorRef, type SupervisorRef } from '@tasktree/actor'
import { createTask, gather, getRunningLoop, sleep, timeout } from '@tasktree/core'
import { expect, test } from 'vitest'
import { settled, start, supervisor, thrown, virtually } from './support/probe.ts'

type Asking =
  | 'waits'
  | 'waits later'
  | 'does not wait'
  | 'loses a race'
  | 'gives up'
  | 'does not ask'

/** An actor that asks the actor that starts it, while it starts. */
class Newcomer extends Actor {
  readonly #opener: LocalActorRef<Opener>
  readonly #asking: Asking

  constructor(opener: LocalActorRef<Opener>, asking: Asking) {
    super()
    this.#opener = opener
    this.#asking = asking
  }

  protected override async onStart(): Promise<void> {
    if (this.#asking === 'does not ask') await sleep(20)
    else if (this.#asking === 'loses a race') await Promise.race([this.#ask(), native(5)])
    else if (this.#asking === 'gives up') await thrown(this.#ask(5))
    else if (this.#asking === 'waits') await this.#ask()
    else if (this.#asking === 'waits later') {
      await sleep(20)
      await this.#ask()
    } else void this.#ask().then(undefined, () => {})
    await native(20)
  }

  #ask(ms = 5000): PromiseLike<string> {
    return this.#opener.ask({ timeout: ms }).quick()
  }
}

/** A native promise: Tasktree cannot see which code awaits it. */
function native(ms: number): Promise<void> {
  return new Promise((resolve) => {
    getRunningLoop().callLater(ms, () => resolve())
  })
}

type Start = () => PromiseLike<unknown>

/** The ways in which a handler waits for a start. */
const waitingWays = {
  'an await': (begin) => begin(),
  'an await that comes later': async (begin) => {
    const started = begin()
    await sleep(10)
    await started
  },
  'an await in an async function': async (begin) => {
    await (async () => begin())()
  },
  'a task': (begin) => createTask(async () => begin()),
  gather: (begin) => gather([async () => begin(), async () => sleep(3)]),
  timeout: (begin) => timeout(1_000, async () => begin()),
  'Promise.all': (begin) => Promise.all([begin(), native(3)]),
} satisfies Record<string, (begin: Start) => PromiseLike<unknown>>

/** The ways in which a handler begins a start and goes on before the child has started. */
const leavingWays = {
  'Promise.race': (begin) => Promise.race([begin(), native(1)]),
  'a call that no code awaits': async (begin) => {
    void Promise.resolve(begin()).catch(() => {})
    await native(1)
  },
  'a task that no code awaits': async (begin) => {
    void createTask(async () => begin())
    await native(1)
  },
} satisfies Record<string, (begin: Start) => PromiseLike<unknown>>

const places = ['ctx.spawn', 'ctx.supervise', 'startChild', 'startChild of a supervisor'] as const
type Place = (typeof places)[number]

/** The path of the actor that starts last, by the way in which it is started. */
const paths: Record<Place, string> = {
  'ctx.spawn': '/s/opener/new',
  'ctx.supervise': '/s/opener/group/new',
  startChild: '/s/pool/new',
  'startChild of a supervisor': '/s/pool/group/new',
}

class Opener extends Actor {
  pool!: SupervisorRef

  meet(pool: SupervisorRef): void {
    this.pool = pool
  }

  #begin(place: Place, asking: Asking): PromiseLike<unknown> {
    const self = this.ctx.self as LocalActorRef<Opener>
    const spec = child.actor('new', Newcomer, [self, asking])
    if (place === 'ctx.spawn') return this.ctx.spawn(Newcomer, [self, asking], { name: 'new' })
    if (place === 'ctx.supervise') return this.ctx.supervise({ name: 'group', children: [spec] })
    if (place === 'startChild') return this.pool.startChild(spec)
    return this.pool.startChild(child.supervisor('group', { children: [spec] }))
  }

  async waits(place: Place, way: keyof typeof waitingWays, asking: Asking): Promise<unknown> {
    try {
      await waitingWays[way](() => this.#begin(place, asking))
      return 'started'
    } catch (error) {
      return error
    }
  }

  async leaves(place: Place, way: keyof typeof leavingWays): Promise<string> {
    await leavingWays[way](() => this.#begin(place, 'waits later'))
    await native(50)
    return 'left'
  }

  async stops(id: string): Promise<string> {
    await this.pool.stopChild(id)
    return 'stopped'
  }

  quick(): string {
    return 'quick'
  }
}

async function setUp(): Promise<{
  system: Awaited<ReturnType<typeof start>>
  opener: LocalActorRef<Opener>
  pool: SupervisorRef
}> {
  const system = await start({
    children: [child.supervisor('pool', {}), child.actor('opener', Opener)],
  })
  const opener = system.lookup('opener') as LocalActorRef<Opener>
  const pool = supervisor(system, 'pool')
  await opener.ask.meet(pool)
  return { system, opener, pool }
}

/** The first AskCycle among an error and its causes. */
function cycleIn(error: unknown): AskCycle | null {
  for (let each = error; each instanceof Error; each = each.cause) {
    if (each instanceof AskCycle) return each
    if (each instanceof AggregateError) return cycleIn(each.errors[0])
  }
  return null
}

const ways = Object.keys(waitingWays) as (keyof typeof waitingWays)[]
test.for(places.flatMap((place) => ways.map((way) => [place, way] as const)))(
  'a start fails at once if it asks the handler that waits for the start: %s, awaited by %s',
  ([place, way]) =>
    virtually(async () => {
      const { system, opener, pool } = await setUp()
      const before = getRunningLoop().time()
      const error = cycleIn(await opener.ask.waits(place, way, 'waits'))
      expect(error?.path).toEqual(['/s/opener', paths[place], '/s/opener'])
      expect(getRunningLoop().time() - before).toBeLessThanOrEqual(10)
      await settled()
      expect([opener.incarnation, await opener.ask.quick()]).toEqual([1, 'quick'])
      expect([system.lookup(paths[place]), pool.countChildren().specs]).toEqual([null, 0])
      await system.stop()
    })(),
)

const harmless = ['does not wait', 'loses a race', 'gives up', 'does not ask'] as const
test.for(places.flatMap((place) => harmless.map((asking) => [place, asking] as const)))(
  'a start succeeds if it does not wait for the handler that started it: %s, the child %s',
  ([place, asking]) =>
    virtually(async () => {
      const { system, opener } = await setUp()
      const answer = opener.ask.waits(place, 'an await that comes later', asking)
      await sleep(1)
      const other = opener.ask.quick()
      expect([await answer, await other]).toEqual(['started', 'quick'])
      await system.stop()
    })(),
)

const leaving = Object.keys(leavingWays) as (keyof typeof leavingWays)[]
test.for(places.flatMap((place) => leaving.map((way) => [place, way] as const)))(
  'a start succeeds after the handler has stopped waiting for it: %s, %s',
  ([place, way]) =>
    virtually(async () => {
      const { system, opener } = await setUp()
      expect(await opener.ask.leaves(place, way)).toBe('left')
      await sleep(100)
      expect(system.lookup(paths[place])).toMatchObject({ status: 'running', incarnation: 1 })
      await system.stop()
    })(),
)

test(
  'a start that asks a handler whose request to the supervisor waits behind this start fails at once',
  virtually(async () => {
    const { system, opener, pool } = await setUp()
    await pool.startChild(child.task('other', () => sleep(10_000)))
    const started = pool.startChild(child.actor('new', Newcomer, [opener, 'waits']))
    const before = getRunningLoop().time()
    const stopped = opener.ask.stops('other')
    expect(cycleIn(await thrown(started))?.path).toEqual(['/s/opener', '/s/pool/new', '/s/opener'])
    expect(await stopped).toBe('stopped')
    expect(getRunningLoop().time()).toBe(before)
    await system.stop()
  }),
)

test.for(['an await', 'a call that no code awaits'] as const)(
  'a child that asks its own supervisor for another child while it starts: %s',
  (way) =>
    virtually(async () => {
      class Sibling extends Actor {
        protected override async onStart(): Promise<void> {
          const started = this.#pool.startChild(child.task('other', () => sleep(10_000)))
          if (way === 'an await') await started
          await native(5)
        }
        readonly #pool: SupervisorRef
        constructor(pool: SupervisorRef) {
          super()
          this.#pool = pool
        }
      }
      const { system, pool } = await setUp()
      const outcome = await pool.startChild(child.actor('sibling', Sibling, [pool])).then(
        (ref) => ref.path,
        (error: unknown) => cycleIn(error)?.path,
      )
      await settled()
      const ids = pool.whichChildren().map(({ id }) => id)
      if (way === 'an await') {
        expect([outcome, ids]).toEqual([['/s/pool/sibling', '/s/pool/sibling'], []])
      } else expect([outcome, ids]).toEqual(['/s/pool/sibling', ['sibling', 'other']])
      await system.stop()
    })(),
)
