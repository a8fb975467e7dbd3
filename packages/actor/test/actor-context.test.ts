// Tests members of `this.ctx` that have no test file of their own.
import {
  Actor,
  type ActorContext,
  ActorSystem,
  type LocalActorRef,
  child,
  type DeadLetter,
  spawn,
} from '@tasktree/actor'
import { createTask, Future, sleep } from '@tasktree/core'
import { expect, test, vi } from 'vitest'
import { probe, settled, start, virtually } from './support/probe.ts'

class Member extends Actor {
  static override readonly interleave = ['watch', 'brief']
  readonly #log: string[]
  constructor(log: string[] = []) {
    super()
    this.#log = log
  }
  kid: LocalActorRef<Member> | null = null
  async bear(): Promise<string | undefined> {
    this.kid = await this.ctx.spawn(Member, [], { name: 'kid' })
    return this.kid.ask.parentPath()
  }
  parentPath(): string | undefined {
    return this.ctx.parent?.path
  }
  say(text: string): void {
    this.ctx.log.info(text, { by: this.ctx.name })
  }
  async watch(name: string): Promise<void> {
    const { signal } = this.ctx
    signal.addEventListener('abort', () => this.#log.push(name))
    await sleep(Infinity)
  }
  async brief(name: string): Promise<void> {
    const { signal } = this.ctx
    signal.addEventListener('abort', () => this.#log.push(name))
    await sleep(1)
  }
  async stall(name: string): Promise<void> {
    await this.watch(name)
  }
  escape(out: (() => unknown)[], other: LocalActorRef<Member>): void {
    out.push(() => this.ctx.ask(other).parentPath())
    out.push(() => this.ctx.tell(other).parentPath())
  }
}

test(
  'ctx.parent is the supervisor or actor that started the actor, and undefined after spawn outside of an actor',
  virtually(async () => {
    const system = await start({ children: [child.actor('m', Member)] })
    const m = system.lookup(Member, 'm')
    expect(await m?.ask.parentPath()).toBe('/s')
    expect(await m?.ask.bear()).toBe('/s/m')
    const loose = await spawn(Member)
    expect(await loose.ask.parentPath()).toBeUndefined()
    await loose.stop()
    await system.stop()
  }),
)

test(
  'ctx.log writes to the logger of the system, whether it takes plain messages or structured fields',
  virtually(async (log) => {
    const silent = { debug() {}, warn() {}, error() {} }
    const plain = {
      ...silent,
      info: (message: string, ...details: unknown[]) => {
        log.push(`${message} ${JSON.stringify(details)}`)
      },
    }
    const structured = {
      ...silent,
      info: (fields: object, message: string) => {
        log.push(`${message} ${JSON.stringify(fields)}`)
      },
      child: () => null,
    }
    for (const logger of [plain, structured]) {
      const system = await start({ logger, children: [child.actor('m', Member)] })
      await system.lookup(Member, 'm')?.ask.say('hello')
      await system.stop()
    }
    expect(log).toEqual(['hello [{"by":"m"}]', 'hello {"details":[{"by":"m"}]}'])
  }),
)

test(
  'ctx.log writes all levels if the logger is the console, and only warnings and errors by default',
  virtually(async () => {
    const levels = ['debug', 'info', 'warn', 'error'] as const
    class Talker extends Actor {
      talk(): void {
        for (const level of levels) this.ctx.log[level](level)
      }
    }
    const spies = levels.map((level) => vi.spyOn(console, level).mockImplementation(() => {}))
    for (const options of [{ logger: console }, {}]) {
      const system = await ActorSystem.start({
        name: 's',
        ...options,
        children: [child.actor('t', Talker)],
      })
      await system.lookup(Talker, 't')?.ask.talk()
      await system.stop()
    }
    expect(spies.map(({ mock }) => mock.calls)).toEqual([
      [['debug']],
      [['info']],
      [['warn'], ['warn']],
      [['error'], ['error']],
    ])
    vi.restoreAllMocks()
  }),
)

test(
  'a stop aborts ctx.signal of the handlers that still run, and not of a handler that has ended',
  virtually(async (log) => {
    const system = await start({ children: [child.actor('m', Member, [log])] })
    const m = system.lookup(Member, 'm') as LocalActorRef<Member>
    const asks = [m.ask.stall('main'), m.ask.watch('beside'), m.ask.brief('brief')]
    const outcomes = asks.map((ask) =>
      ask.then(
        () => 'done',
        (error: unknown) => (error as Error).name,
      ),
    )
    await sleep(10)
    await system.stop()
    expect(await Promise.all(outcomes)).toEqual(['ActorStopped', 'ActorStopped', 'done'])
    expect(log.toSorted()).toEqual(['beside', 'main'])
  }),
)

test(
  'ctx.ask and ctx.tell throw after their incarnation has ended',
  virtually(async () => {
    const a = await spawn(Member)
    const b = await spawn(Member)
    const out: (() => unknown)[] = []
    await a.ask.escape(out, b)
    expect(await (out[0]?.() as PromiseLike<unknown>)).toBeUndefined()
    expect(await (out[1]?.() as PromiseLike<unknown>)).toBe(true)
    await a.stop()
    for (const send of out) expect(send).toThrow(/incarnation 1 of .* is over/)
    await b.stop()
  }),
)

test(
  'ctx.become, ctx.pipe and the timers refuse wrong arguments at the call, before a message comes',
  virtually(async () => {
    class Careless extends Actor {
      go(call: (context: ActorContext) => void): void {
        call(this.ctx)
      }
      ping(): string {
        return 'pong'
      }
    }
    const a = await spawn(Careless)
    const accepted: string[] = []
    await a.ask.go((context) => void accepted.push(...wrongCalls(context)))
    expect(accepted).toEqual([])
    expect(await a.ask.ping()).toBe('pong')
    await sleep(50)
    expect(a.status).toBe('running')
    await a.stop()
  }),
)

/** Makes calls that must throw a TypeError, and returns the text of each call that does not. */
function wrongCalls(context: ActorContext): string[] {
  const never = new Future<never>()
  const calls: (() => unknown)[] = [
    () => context.become(undefined as never),
    () => context.become('ping' as never),
    () => context.become((() => {}) as never),
    () => context.pipe(never, () => {}, null as never),
    () => context.pipe(never, () => {}, 5 as never),
    () => context.after(1, () => {}, null as never),
    () => context.after(1, () => {}, 'key' as never),
    () => context.every(1, () => {}, { mode: 'fixed' as never }),
  ]
  return calls.map(String).filter((_text, index) => {
    try {
      calls[index]?.()
      return true
    } catch (error) {
      return !(error instanceof TypeError)
    }
  })
}

test(
  'a subscriber of deadLetters gets a message that was sent to a stopped actor',
  virtually(async (log) => {
    const system = await start({ children: [probe(log, 'a', {}, { restart: 'temporary' })] })
    const letters: DeadLetter[] = []
    using subscription = system.deadLetters.subscribe()
    createTask(async () => {
      for await (const letter of subscription) letters.push(letter)
    })
    const a = system.lookup('a') as LocalActorRef<Member>
    await a.stop()
    await a.tell.say('too late')
    await settled()
    expect(letters).toMatchObject([{ path: '/s/a', reason: 'no-proc', message: { method: 'say' } }])
    expect(system.deadLetters.count).toBe(1)
    await system.stop()
  }),
)
