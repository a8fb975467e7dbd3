// Tests asks that can never be answered because the actors ask each other in a cycle, and asks that only look like such a cycle.
import {
  Actor,
  type LocalActorRef,
  type ActorSystem,
  AskCycle,
  child,
  spawn,
} from '@tasktree/actor'
import {
  cancelScope,
  createTask,
  gather,
  getRunningLoop,
  shield,
  shielded,
  sleep,
  taskGroup,
  timeout,
} from '@tasktree/core'
import { Event } from '@tasktree/sync'
import { expect, test } from 'vitest'
import { probe, settled, start, supervisor, thrown, virtually } from './support/probe.ts'

type Way =
  | 'pipe'
  | 'deferred'
  | 'timed out'
  | 'raced'
  | 'raced, then busy'
  | 'timer'
  | 'callback'
  | 'not awaited'
  | 'cancelled'
  | 'aborted'

/** Asks its peer in each way in which its handler does not wait for the answer. */
class Free extends Actor {
  peer!: LocalActorRef<Back>
  last = 'nothing'
  meet(peer: LocalActorRef<Back>): void {
    this.peer = peer
  }
  #ask(options: { timeout?: number; signal?: AbortSignal } = {}): PromiseLike<string> {
    return this.peer.ask(options).work(this.ctx.self)
  }
  async go(way: Way): Promise<unknown> {
    return this.#ways[way]()
  }
  readonly #keep = (value: unknown): void => {
    this.last = String(value)
  }
  readonly #ways: Record<Way, () => unknown> = {
    pipe: () => {
      this.ctx.pipe(this.#ask(), this.#keep, this.#keep)
    },
    deferred: () => {
      const port = this.ctx.reply()
      this.ctx.pipe(this.#ask(), (value) => port.resolve(value))
      return port
    },
    'timed out': () => thrown(this.#ask({ timeout: 10 })),
    raced: () => Promise.race([this.#ask(), sleep(10)]),
    'raced, then busy': async () => {
      await Promise.race([this.#ask(), sleep(10)])
      await sleep(60)
    },
    timer: () => {
      this.ctx.after(1, () => void this.#ask().then(this.#keep, this.#keep))
    },
    callback: () => {
      getRunningLoop().callLater(1, () => void this.#ask().then(this.#keep, this.#keep))
    },
    'not awaited': () => {
      void this.#ask().then(this.#keep, this.#keep)
    },
    cancelled: async () => {
      const task = createTask(async () => this.#ask())
      await sleep(10)
      task.cancel()
    },
    aborted: () => {
      const controller = new AbortController()
      getRunningLoop().callLater(10, () => controller.abort())
      return thrown(this.#ask({ signal: controller.signal }))
    },
  }
  info(): number {
    return 42
  }
}

class Back extends Actor {
  got: unknown = 'no call'
  async work(back: LocalActorRef<Free>): Promise<string> {
    await sleep(40)
    try {
      this.got = await back.ask.info()
    } catch (error) {
      this.got = (error as Error).name
      throw error
    }
    return 'done'
  }
  result(): unknown {
    return this.got
  }
}

test.for<Way>([
  'pipe',
  'deferred',
  'timed out',
  'raced',
  'raced, then busy',
  'timer',
  'callback',
  'not awaited',
  'cancelled',
  'aborted',
])(
  'an ask that comes back to its asker gets an answer if the handler does not wait for it: %s',
  (way) =>
    virtually(async () => {
      const system = await start({ children: [child.actor('a', Free), child.actor('b', Back)] })
      const a = system.lookup('a') as LocalActorRef<Free>
      const b = system.lookup('b') as LocalActorRef<Back>
      await a.ask.meet(b)
      const gone = a.ask.go(way)
      await sleep(200)
      expect(gone.done()).toBe(true)
      expect(await b.ask.result()).toBe(42)
      expect([a.incarnation, b.incarnation]).toEqual([1, 1])
      await system.stop()
    })(),
)

class Circle extends Actor {
  peers: LocalActorRef<Circle>[] = []
  meet(...peers: LocalActorRef<Circle>[]): void {
    this.peers = peers
  }
  /** Asks all its peers at the same time. The peers ask their peers in turn, until `depth` is 0. */
  async all(wait: number, depth: number): Promise<string[]> {
    await sleep(wait)
    if (depth === 0) return [this.ctx.name]
    const answers = await Promise.all(this.peers.map((peer) => peer.ask.all(0, depth - 1)))
    return answers.flat()
  }
  async allOf(...calls: [number, 'slow' | 'all' | 'quick'][]): Promise<unknown> {
    return Promise.all(
      calls.map(([index, method]) => {
        const peer = this.peers[index] as LocalActorRef<Circle>
        if (method === 'slow') return peer.ask.slow()
        return method === 'quick' ? peer.ask.quick() : peer.ask.all(0, 1)
      }),
    )
  }
  async one(peer: number): Promise<unknown> {
    return this.peers[peer]?.ask.quick()
  }
  async caught(peer: number): Promise<string> {
    try {
      await this.peers[peer]?.ask.quick()
      return 'answered'
    } catch (error) {
      return (error as Error).name
    }
  }
  async afterSleep(): Promise<unknown> {
    return Promise.all([this.peers[0]?.ask.one(0), sleep(30)])
  }
  async lateWait(): Promise<unknown> {
    const ask = this.peers[0]?.ask.one(0)
    await sleep(20)
    return ask
  }
  async slow(): Promise<string> {
    await sleep(25)
    return 'slow'
  }
  quick(): string {
    return 'quick'
  }
}

async function circle(...names: string[]): Promise<[ActorSystem, ...LocalActorRef<Circle>[]]> {
  const system = await start({ children: names.map((name) => child.actor(name, Circle)) })
  return [system, ...names.map((name) => system.lookup(name) as LocalActorRef<Circle>)]
}

function cycleIn(error: unknown): AskCycle | null {
  for (let cause = error; cause instanceof Error; { cause } = cause) {
    if (cause instanceof AskCycle) return cause
    if (cause instanceof AggregateError) return cycleIn(cause.errors[0])
  }
  return null
}

test(
  'a cycle of three actors fails one ask with AskCycle, crashes no actor, and the other asks are answered',
  virtually(async () => {
    const [system, a, b, c] = await circle('a', 'b', 'c')
    await a!.ask.meet(b!)
    await b!.ask.meet(c!)
    await c!.ask.meet(a!)
    const before = getRunningLoop().time()
    const error = cycleIn(await thrown(a!.ask.all(0, 3)))
    expect(getRunningLoop().time()).toBe(before)
    expect(error?.path).toEqual(['/s/a', '/s/b', '/s/c', '/s/a'])
    await settled()
    expect([a!, b!, c!].map((ref) => ref.incarnation)).toEqual([1, 1, 1])
    expect(await a!.ask.quick()).toBe('quick')
    await system.stop()
  }),
)

test(
  'a handler that catches AskCycle goes on, and the ask in front of it is answered',
  virtually(async () => {
    const [system, a, b] = await circle('a', 'b')
    await a!.ask.meet(b!)
    await b!.ask.meet(a!)
    class Outer extends Actor {
      async go(): Promise<string> {
        return b!.ask.caught(0)
      }
    }
    const outer = await spawn(Outer)
    expect(await outer.ask.go()).toBe('answered')
    const [first, second] = [a!.ask.caught(0), b!.ask.caught(0)]
    expect(new Set([await first, await second])).toEqual(new Set(['answered', 'AskCycle']))
    await outer.stop()
    await system.stop()
  }),
)

test(
  'two actors that ask each other through Promise.all at the same time get one AskCycle at once',
  virtually(async () => {
    const [system, a, b, c, d] = await circle('a', 'b', 'c', 'd')
    await a!.ask.meet(b!, c!)
    await b!.ask.meet(a!, d!)
    const before = getRunningLoop().time()
    const outcomes = await Promise.allSettled([
      a!.ask.allOf([0, 'quick'], [1, 'quick']),
      b!.ask.allOf([0, 'quick'], [1, 'quick']),
    ])
    expect(getRunningLoop().time()).toBe(before)
    const failed = outcomes.filter((each) => each.status === 'rejected')
    expect(failed).toHaveLength(1)
    expect(cycleIn((failed[0] as PromiseRejectedResult).reason)).not.toBeNull()
    expect([a!, b!].map((ref) => ref.incarnation)).toEqual([1, 1])
    await system.stop()
  }),
)

test(
  'several ask cycles through the same handler are found at once',
  virtually(async () => {
    const [system, a, b, c] = await circle('a', 'b', 'c')
    await a!.ask.meet(b!, c!)
    await b!.ask.meet(a!)
    await c!.ask.meet(a!)
    const before = getRunningLoop().time()
    const outcomes = await Promise.allSettled([
      a!.ask.allOf([0, 'quick'], [1, 'quick']),
      b!.ask.caught(0),
      c!.ask.caught(0),
    ])
    expect(getRunningLoop().time()).toBe(before)
    expect(outcomes.every((each) => each.status === 'fulfilled')).toBe(true)
    await system.stop()
  }),
)

test(
  'an ask that closes a cycle gets AskCycle once the other handlers wait for nothing else',
  virtually(async () => {
    const [system, a, b] = await circle('a', 'b')
    await a!.ask.meet(b!)
    await b!.ask.meet(a!)
    const before = getRunningLoop().time()
    expect(cycleIn(await thrown(a!.ask.afterSleep()))).not.toBeNull()
    expect(getRunningLoop().time() - before).toBe(30)
    expect(cycleIn(await thrown(a!.ask.lateWait()))).not.toBeNull()
    expect(getRunningLoop().time() - before).toBe(50)
    await system.stop()
  }),
)

test(
  'an ask cycle is found at once if one of its actors is starting',
  virtually(async () => {
    let asked: LocalActorRef<Circle> | null = null
    class Starter extends Actor {
      protected override async onStart(): Promise<void> {
        if (this.ctx.incarnation > 1) await asked?.ask.one(0)
      }
      quick(): string {
        return 'quick'
      }
      crash(): void {
        throw new Error('once')
      }
    }
    const system = await start({
      maxRestarts: 5,
      children: [child.actor('c', Circle), child.actor('s', Starter)],
    })
    asked = system.lookup('c') as LocalActorRef<Circle>
    const starter = system.lookup('s') as LocalActorRef<Starter>
    await asked.ask.meet(starter as unknown as LocalActorRef<Circle>)
    const before = getRunningLoop().time()
    await starter.tell.crash()
    const outcome = asked.ask.caught(0)
    await thrown(system.done)
    expect(getRunningLoop().time()).toBe(before)
    await thrown(outcome).catch(() => {})
  }),
)

class SelfStopper extends Actor {
  readonly log: string[]
  constructor(log: string[]) {
    super()
    this.log = log
  }
  async endsWith(how: 'stop' | 'drain' | 'whenStopped'): Promise<void> {
    try {
      await (how === 'whenStopped' ? this.ctx.self.whenStopped : this.ctx.self[how]())
    } catch (error) {
      this.log.push((error as Error).message)
      throw error
    }
  }
  async races(): Promise<string> {
    return Promise.race([
      this.ctx.self.whenStopped.then(() => 'stopped'),
      sleep(10, 'slept'),
      (async () => {
        await this.ctx.self.whenStopped
        return 'stopped'
      })(),
    ])
  }
  stopsWithoutWaiting(): string {
    void this.ctx.self.stop()
    return 'answered'
  }
}

test.for(['stop', 'drain', 'whenStopped'] as const)(
  'a handler that awaits the end of its own actor gets AskCycle: %s',
  (how) =>
    virtually(async (log) => {
      const a = await spawn(SelfStopper, [log])
      const before = getRunningLoop().time()
      const ended = a.whenStopped
      expect(await thrown(a.ask.endsWith(how))).toBeInstanceOf(AskCycle)
      expect(log).toEqual([
        expect.stringMatching(/waits in its own handler for its own end.*ctx\.stop/),
      ])
      if (how === 'whenStopped') void a.stop()
      await ended
      expect(getRunningLoop().time()).toBe(before)
    })(),
)

test(
  'a handler may race the end of its own actor with a sleep, and may ask for that end without waiting',
  virtually(async (log) => {
    const a = await spawn(SelfStopper, [log])
    expect(await a.ask.races()).toBe('slept')
    const ended = a.whenStopped
    expect(await a.ask.stopsWithoutWaiting()).toBe('answered')
    expect(await ended).toMatchObject({ kind: 'shutdown' })
  }),
)

test(
  'of two actors that each wait in a handler for the end of the other, one gets AskCycle at once',
  virtually(async () => {
    class Ender extends Actor {
      async end(other: LocalActorRef<Ender>): Promise<string> {
        await sleep(1)
        try {
          await other.stop()
          return 'stopped it'
        } catch (error) {
          return (error as Error).name
        }
      }
    }
    const a = await spawn(Ender)
    const b = await spawn(Ender)
    const before = getRunningLoop().time()
    const outcomes = [a.ask.end(b), b.ask.end(a)]
    expect(new Set([await outcomes[0], await outcomes[1]])).toEqual(
      new Set(['AskCycle', 'stopped it']),
    )
    expect(getRunningLoop().time() - before).toBe(1)
  }),
)

test(
  'fifty asks that wait for a slow actor all get its answer, and no AskCycle',
  virtually(async () => {
    const open = new Event()
    class Slow extends Actor {
      async work(): Promise<string> {
        await open.wait()
        return 'worked'
      }
    }
    const slow = await spawn(Slow)
    class Asker extends Actor {
      async go(): Promise<string> {
        return slow.ask.work()
      }
    }
    const askers = await Promise.all(Array.from({ length: 50 }, () => spawn(Asker)))
    const answers = askers.map((asker) => asker.ask.go())
    await settled()
    open.set()
    expect(new Set(await Promise.all(answers))).toEqual(new Set(['worked']))
  }),
)

/** A native promise: Tasktree cannot see which code awaits it. */
function native(ms: number): Promise<string> {
  return new Promise((resolve) => {
    getRunningLoop().callLater(ms, () => resolve('native'))
  })
}

type Call = () => PromiseLike<unknown>

function rethrow(error: unknown): never {
  throw error
}

/** The ways in which a handler waits for the answer to `call`. */
const waitingWays = {
  'an await': (call) => call(),
  'an async function': async (call) => {
    await (async () => call())()
  },
  'a chain of then': (call) => Promise.resolve(call()).then((value) => value),
  'then of the ask': async (call) => call().then((value) => value),
  'catch of the ask': async (call) => (call() as Promise<unknown>).catch(rethrow),
  'finally of the ask': async (call) => (call() as Promise<unknown>).finally(() => {}),
  shield: (call) => shield(call()),
  'Promise.all': (call) => Promise.all([call(), native(5)]),
  'Promise.any': (call) => Promise.any([call(), Promise.reject(new Error('lost'))]),
  'an await after a lost race': async (call) => {
    await Promise.race([native(1), sleep(10)])
    await call()
  },
  'a for await': async (call) => {
    async function* answers(): AsyncGenerator {
      yield await call()
    }
    for await (const answer of answers()) void answer
  },
  timeout: (call) => timeout(1_000, async () => call()),
  cancelScope: (call) => cancelScope(async () => call()),
  shielded: (call) => shielded(async () => call()),
  'a task': (call) => createTask(async () => call()),
  'a task of a generator': (call) =>
    createTask(function* () {
      return yield* createTask(async () => call())
    }),
  gather: (call) => gather([async () => call(), async () => sleep(3)]),
  'gather in a task': (call) => createTask(async () => gather([async () => call()])),
  taskGroup: (call) =>
    taskGroup(async (group) => {
      group.createTask(async () => call())
    }),
} satisfies Record<string, (call: Call) => PromiseLike<unknown>>

/**
 * The ways in which a handler begins to wait for the answer to `call`, and continues without it after `lost()`. If
 * `lost()` never settles, the handler really waits.
 */
const leavingWays = {
  'Promise.race': (call, lost) => Promise.race([call(), lost()]),
  'Promise.race with an async function': (call, lost) =>
    Promise.race([(async () => call())(), lost()]),
  'Promise.race with a catch of the ask': (call, lost) =>
    Promise.race([(call() as Promise<unknown>).catch(rethrow), lost()]),
  'Promise.race with a shield': (call, lost) => Promise.race([shield(call()), lost()]),
  'Promise.any': (call, lost) => Promise.any([call(), lost()]),
  'Promise.all': (call, lost) =>
    Promise.all([call(), lost().then(() => Promise.reject(new Error('first')))]),
  'a call that no code awaits': async (call, lost) => {
    void (async () => call())()
    await lost()
  },
  'Promise.race in a task': (call, lost) => createTask(() => Promise.race([call(), lost()])),
  'Promise.race in a task that runs on': (call, lost) =>
    createTask(async () => {
      await Promise.race([call(), lost()])
      await native(40)
    }),
  'Promise.race in a gather': (call, lost) => gather([async () => Promise.race([call(), lost()])]),
  'Promise.race in a timeout': (call, lost) => timeout(1_000, () => Promise.race([call(), lost()])),
} satisfies Record<string, (call: Call, lost: Call) => PromiseLike<unknown>>

class Waiting extends Actor {
  answer = 'none'
  peer!: LocalActorRef<Waiting>
  meet(peer: LocalActorRef<Waiting>): void {
    this.peer = peer
  }
  async waits(way: keyof typeof waitingWays): Promise<unknown> {
    return waitingWays[way](() => this.peer.ask.asksBack())
  }
  async leaves(way: keyof typeof leavingWays, after: number): Promise<string> {
    try {
      await leavingWays[way](
        () => this.peer.ask.asksBack(),
        () => native(after),
      )
    } catch (error) {
      if (error instanceof AskCycle) throw error
    }
    await native(50)
    return 'left'
  }
  async asksBack(): Promise<unknown> {
    await sleep(20)
    try {
      this.answer = await this.peer.ask.quick()
      return this.answer
    } catch (error) {
      this.answer = (error as Error).name
      throw error
    }
  }
  lastAnswer(): string {
    return this.answer
  }
  quick(): string {
    return 'quick'
  }
}

async function pair(): Promise<[ActorSystem, LocalActorRef<Waiting>, LocalActorRef<Waiting>]> {
  const system = await start({
    children: [child.actor('a', Waiting), child.actor('b', Waiting)],
  })
  const a = system.lookup('a') as LocalActorRef<Waiting>
  const b = system.lookup('b') as LocalActorRef<Waiting>
  await a.ask.meet(b)
  await b.ask.meet(a)
  return [system, a, b]
}

test.for(Object.keys(waitingWays) as (keyof typeof waitingWays)[])(
  'an ask cycle is found at once when the handler waits by %s',
  (way) =>
    virtually(async () => {
      const [system, a] = await pair()
      const before = getRunningLoop().time()
      const error = cycleIn(await thrown(a.ask.waits(way)))
      expect(error?.path).toEqual(['/s/a', '/s/b', '/s/a'])
      expect(getRunningLoop().time() - before).toBeLessThanOrEqual(25)
      expect(await a.ask.quick()).toBe('quick')
      await system.stop()
    })(),
)

test(
  'an ask cycle is found at once when each handler waits by catch of its ask',
  virtually(async () => {
    class Catching extends Actor {
      peer!: LocalActorRef<Catching>
      meet(peer: LocalActorRef<Catching>): void {
        this.peer = peer
      }
      async ping(left: number): Promise<string> {
        if (left === 0) return 'pong'
        await sleep(1)
        return this.peer.ask.ping(left - 1).catch((error: Error) => error.name)
      }
    }
    const [a, b] = [await spawn(Catching), await spawn(Catching)]
    await a.ask.meet(b)
    await b.ask.meet(a)
    const before = getRunningLoop().time()
    expect(await a.ask.ping(2)).toBe('AskCycle')
    expect(getRunningLoop().time() - before).toBeLessThanOrEqual(5)
  }),
)

test.for(Object.keys(leavingWays) as (keyof typeof leavingWays)[])(
  'an ask that comes back is answered once the handler has continued after %s',
  (way) =>
    virtually(async () => {
      const [system, a, b] = await pair()
      expect(await a.ask.leaves(way, 1)).toBe('left')
      await settled()
      expect([a.incarnation, await b.ask.lastAnswer()]).toEqual([1, 'quick'])
      await system.stop()
    })(),
)

const racingWays = (Object.keys(leavingWays) as (keyof typeof leavingWays)[]).filter(
  (way) => way !== 'a call that no code awaits',
)

test.for(racingWays)(
  'an ask that comes back gets AskCycle while the handler still waits in %s',
  (way) =>
    virtually(async () => {
      const [system, a, b] = await pair()
      const before = getRunningLoop().time()
      const outcome = a.ask.leaves(way, 4_000)
      await sleep(30)
      expect(await b.ask.lastAnswer()).toBe('AskCycle')
      expect(getRunningLoop().time() - before).toBe(30)
      await Promise.allSettled([outcome])
      await system.stop()
    })(),
)

test.each(['alone', 'in gather'] as const)(
  'a task whose clean-up awaits a request to its supervisor, %s, gets AskCycle once a handler waits for its stop',
  (how) =>
    virtually(async (log) => {
      let seen: unknown = null
      const task = async (): Promise<void> => {
        try {
          await sleep(Infinity)
        } finally {
          const start = (): PromiseLike<unknown> => inner.startChild(probe(log, 'late'))
          seen = await thrown(how === 'alone' ? start() : gather([start()]))
        }
      }
      class Stopper extends Actor {
        async stopTask(): Promise<void> {
          await inner.stopChild('task')
        }
      }
      const system = await start({
        children: [
          child.actor('stopper', Stopper),
          child.supervisor('inner', {
            children: [child.task('task', task, { shutdown: Infinity })],
          }),
        ],
      })
      const inner = supervisor(system, 'inner')
      await settled()
      const before = system.snapshot().time
      await system.lookup(Stopper, 'stopper')?.ask.stopTask()
      expect(seen).toMatchObject({ name: 'AskCycle', path: ['/s/inner/task', '/s/inner/task'] })
      expect(String(seen)).toContain('/s/inner/task waits for a request to its supervisor /s/inner')
      expect(system.snapshot().time).toBe(before)
      await system.stop()
    })(),
)
