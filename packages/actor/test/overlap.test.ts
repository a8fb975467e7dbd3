// Tests handlers that overlap. Each must act for its own message, even if its actor handles other messages at the same time.
import { Actor, type LocalActorRef, child, type ReplyPort, spawn, sys } from '@tasktree/actor'
import { createTask, gather, InvalidStateError, sleep } from '@tasktree/core'
import { expect, test } from 'vitest'
import { thrown, settled, start, virtually } from './support/probe.ts'

class Overlapping extends Actor {
  static override readonly interleave = ['query', 'later', 'queryAfter', 'throwing', 'plain']
  readonly log: string[]
  open = false
  constructor(log: string[] = []) {
    super()
    this.log = log
  }
  async slow(ms: number, text: string): Promise<string> {
    await sleep(ms)
    return text
  }
  async slowThenReply(ms: number): Promise<ReplyPort<string>> {
    await sleep(ms)
    const port = this.ctx.reply<string>()
    this.ctx.after(10, () => port.resolve('slow reply'))
    return port
  }
  query(text: string): ReplyPort<string> {
    const port = this.ctx.reply<string>()
    this.ctx.after(10, () => port.resolve(text))
    return port
  }
  async queryAfter(ms: number, text: string): Promise<ReplyPort<string>> {
    await sleep(ms)
    const port = this.ctx.reply<string>()
    port.resolve(text)
    return port
  }
  later(text: string): void {
    if (!this.open) this.ctx.stash()
    else this.log.push(text)
  }
  unlock(): void {
    this.open = true
    this.ctx.unstashAll()
  }
  async throwing(ms: number): Promise<void> {
    await sleep(ms)
    throw new Error('beside')
  }
  /** Returns a value at once for 0, and a promise otherwise, as a cache may do. */
  plain(ms: number): string | PromiseLike<unknown> {
    if (ms === 0) return 'at once'
    return sleep(ms).then(() => {
      const port = this.ctx.reply<string>()
      port.resolve(`after ${ms}`)
      return port
    })
  }
  inTasks(): PromiseLike<unknown> {
    return gather([
      createTask(async () => {
        await sleep(1)
        this.ctx.reply<string>().resolve('from a task')
      }),
      sleep(5),
    ])
  }
  leaveCallback(): void {
    this.ctx.pipe(sleep(0), () => {})
    void (async () => {
      await sleep(20)
      try {
        this.ctx.reply()
      } catch (error) {
        this.log.push((error as Error).message)
      }
    })()
  }
}

test(
  'handlers that overlap reply each to their own ask, before and after their awaits',
  virtually(async () => {
    const a = await spawn(Overlapping)
    const asks = [
      a.ask.slow(50, 'slow'),
      a.ask.query('query'),
      a.ask.queryAfter(5, 'five'),
      a.ask.queryAfter(3, 'three'),
      a.ask.plain(0),
      a.ask.plain(7),
      a.ask.plain(2),
    ]
    expect(await gather(asks)).toEqual([
      'slow',
      'query',
      'five',
      'three',
      'at once',
      'after 7',
      'after 2',
    ])
    const [slow, query] = [a.ask.slowThenReply(20), a.ask.queryAfter(10, 'beside')]
    expect(await query).toBe('beside')
    expect(await slow).toBe('slow reply')
    expect(await a.ask.inTasks()).toBe('from a task')
    await a.stop()
  }),
)

test(
  'a handler that overlaps another stashes its own message once',
  virtually(async (log) => {
    const a = await spawn(Overlapping, [log])
    const slow = a.ask.slow(50, 'slow')
    await sleep(5)
    void a.tell.later('1')
    void a.tell.later('2')
    await sleep(5)
    expect(sys.statistics(a).stashed).toBe(2)
    expect(await slow).toBe('slow')
    await a.ask.unlock()
    await settled()
    expect(log).toEqual(['1', '2'])
    await a.stop()
  }),
)

test(
  'a callback that a handler left behind cannot reply to the message of a later handler',
  virtually(async (log) => {
    const a = await spawn(Overlapping, [log])
    await a.ask.leaveCallback()
    expect(await a.ask.slow(50, 'mine')).toBe('mine')
    expect(log).toEqual([expect.stringMatching(/ctx\.reply\(\).*(has ended|no message)/)])
    await a.stop()
  }),
)

class Misuse extends Actor {
  static seen: unknown[] = []
  protected override onStart(): void {
    this.#try(() => this.ctx.reply())
  }
  #try(call: () => unknown): void {
    try {
      call()
    } catch (error) {
      Misuse.seen.push(error)
    }
  }
  replyThenStash(): void {
    const port = this.ctx.reply()
    this.#try(() => this.ctx.stash())
    port.resolve('answered')
  }
  stashThenReply(): void {
    this.ctx.stash()
    this.#try(() => this.ctx.reply())
  }
  timer(): void {
    this.ctx.after(1, () => this.#try(() => this.ctx.stash()))
  }
  same(): boolean {
    const port = this.ctx.reply<boolean>()
    port.resolve(port === this.ctx.reply())
    return false
  }
}

test(
  'ctx.reply and ctx.stash throw outside of a handler, and one after the other',
  virtually(async () => {
    Misuse.seen = []
    const m = await spawn(Misuse)
    expect(await (m.ask.replyThenStash() as unknown as PromiseLike<string>)).toBe('answered')
    await m.tell.stashThenReply()
    await m.tell.timer()
    await sleep(5)
    expect(await m.ask.same()).toBe(true)
    expect(Misuse.seen).toHaveLength(4)
    for (const error of Misuse.seen) expect(error).toBeInstanceOf(InvalidStateError)
    await m.stop()
  }),
)

test(
  'a message that is stashed by a handler that then throws is not handled again',
  virtually(async (log) => {
    class Both extends Actor {
      tries = 0
      work(): void {
        this.tries++
        this.ctx.stash()
        throw new Error('after the stash')
      }
      unlock(): void {
        this.ctx.unstashAll()
      }
    }
    const system = await start({ children: [child.actor('b', Both)] })
    const b = system.lookup('b') as LocalActorRef<Both>
    log.push(((await thrown(b.ask.work())) as Error).name)
    await b.ask.unlock()
    await settled()
    expect((await sys.getState(b)).tries).toBe(0)
    expect(b.incarnation).toBe(2)
    expect(log).toEqual(['ActorCrashed'])
    await system.stop()
  }),
)

test(
  'a crash fails the asks of both overlapping handlers, and the next incarnation handles waiting messages',
  virtually(async () => {
    const system = await start({ children: [child.actor('o', Overlapping)] })
    const o = system.lookup('o') as LocalActorRef<Overlapping>
    const slow = thrown(o.ask.slow(50, 'slow'))
    const throwing = thrown(o.ask.throwing(5))
    const next = o.ask.slow(1, 'next')
    expect(await throwing).toMatchObject({ name: 'ActorCrashed', path: '/s/o' })
    expect(await slow).toMatchObject({ name: expect.stringMatching(/ActorStopped|ActorCrashed/) })
    expect(await next).toBe('next')
    expect(o.incarnation).toBe(2)
    await system.stop()
  }),
)

test(
  'a stop and a drain let overlapping handlers finish, and a kill does not',
  virtually(async () => {
    for (const how of ['stop', 'drain'] as const) {
      const a = await spawn(Overlapping)
      const asks = [a.ask.slow(10, 'slow'), a.ask.queryAfter(30, 'beside')]
      await sleep(1)
      const end = a[how]()
      expect(await gather(asks)).toEqual(['slow', 'beside'])
      await end
    }
    const a = await spawn(Overlapping)
    const asks = [thrown(a.ask.slow(10, 'slow')), thrown(a.ask.queryAfter(30, 'beside'))]
    await sleep(1)
    await a.kill()
    for (const error of await Promise.all(asks))
      expect(error).toMatchObject({ name: 'ActorStopped' })
  }),
)

class Reentrant extends Actor {
  peer: LocalActorRef<Reentrant> | null = null
  setPeer(peer: LocalActorRef<Reentrant>): void {
    this.peer = peer
  }
  async go(): Promise<string> {
    return `go: ${await this.peer?.ask({ reentrant: true }).work(this.self)}`
  }
  async work(back: LocalActorRef<Reentrant>): Promise<string> {
    return `work of ${await back.ask.info()}`
  }
  info(): ReplyPort<string> {
    const port = this.ctx.reply<string>()
    // This does not use `ctx.after`, because its tick is a message and would wait until `go` has ended.
    void sleep(5).then(() => port.resolve('info'))
    return port
  }
  async goAndGiveUp(): Promise<string> {
    const [ask] = [this.peer?.ask({ reentrant: true, timeout: 10 }).workLater(this.self)]
    await ask?.catch(() => {})
    await sleep(100)
    return 'alone'
  }
  async workLater(back: LocalActorRef<Reentrant>): Promise<void> {
    await sleep(20)
    this.seen = await back.ask.now()
  }
  seen = 0
  now(): number {
    this.calls++
    return this.calls
  }
  calls = 0
  get self(): LocalActorRef<Reentrant> {
    return this.ctx.self
  }
}

test(
  'a message that comes back from a reentrant ask gets its own answer',
  virtually(async () => {
    const a = await spawn(Reentrant)
    const b = await spawn(Reentrant)
    await a.ask.setPeer(b)
    expect(await a.ask.go()).toBe('go: work of info')
    await a.stop()
    await b.stop()
  }),
)

test(
  'after a reentrant ask was given up, messages that come back from it wait for their turn',
  virtually(async () => {
    const a = await spawn(Reentrant)
    const b = await spawn(Reentrant)
    await a.ask.setPeer(b)
    const alone = a.ask.goAndGiveUp()
    await sleep(50)
    expect(sys.statistics(a).mailbox).toBe(1)
    expect(await alone).toBe('alone')
    await settled()
    expect((await sys.getState(b)).seen).toBe(1)
    await a.stop()
    await b.stop()
  }),
)

test(
  'an interleaved message is handled beside a waiting handler even if the mailbox is full',
  virtually(async () => {
    const a = await spawn(Overlapping, [], { mailbox: { capacity: 1 } })
    const slow = a.ask.slow(50, 'slow')
    await settled()
    void a.tell.leaveCallback()
    expect(await a.ask({ timeout: 20 }).queryAfter(5, 'beside')).toBe('beside')
    expect(await slow).toBe('slow')
    await a.stop()
  }),
)

test(
  'sys.trace reports each message once, even if overlapping handlers crash',
  virtually(async (log) => {
    const system = await start({ children: [child.actor('o', Overlapping)] })
    const o = system.lookup('o') as LocalActorRef<Overlapping>
    sys.trace(o, ({ message, error }) => {
      log.push(`${message.method}${error === undefined ? '' : ` ${(error as Error).message}`}`)
    })
    const slow = thrown(o.ask.slow(50, 'slow'))
    await o.ask.queryAfter(5, 'x')
    await thrown(o.ask.throwing(1))
    await slow
    expect(log.toSorted()).toEqual(['queryAfter', 'slow', 'throwing beside'])
    await system.stop()
  }),
)

test(
  'requests of sys that wait in the mailbox fail when the actor is killed',
  virtually(async () => {
    const a = await spawn(Overlapping)
    void a.tell.slow(50, 'busy')
    await settled()
    const requests = [sys.getState(a), sys.suspend(a), sys.resume(a), sys.replaceState(a, () => {})]
    const outcomes = requests.map((request) => thrown(request))
    await a.kill()
    for (const outcome of await Promise.all(outcomes)) {
      expect(outcome).toMatchObject({ name: 'ActorStopped' })
    }
    expect(() => sys.getState(a)).toThrow(/no running actor/)
  }),
)

test(
  'messages that may overlap and that came while an actor was suspended are handled after resume',
  virtually(async () => {
    const a = await spawn(Overlapping)
    await sys.suspend(a)
    const asks = [a.ask.slow(20, 'slow'), a.ask.queryAfter(1, 'beside')]
    await sleep(50)
    expect(asks.some((ask) => ask.done())).toBe(false)
    await sys.resume(a)
    expect(await gather(asks)).toEqual(['slow', 'beside'])
    await a.stop()
  }),
)

test(
  'a handler that crashes fails the asks of all overlapping handlers with its error',
  virtually(async () => {
    class Overlapping extends Actor {
      static override readonly interleave = ['boom', 'calm']
      async wait(): Promise<void> {
        await sleep(1000)
      }
      async boom(): Promise<void> {
        await sleep(1)
        throw new Error('boom')
      }
      async calm(): Promise<void> {
        await sleep(1000)
      }
    }
    const system = await start({ children: [child.actor('o', Overlapping)] })
    const o = system.lookup(Overlapping, 'o') as LocalActorRef<Overlapping>
    const asks = [thrown(o.ask.wait())]
    await settled()
    asks.push(thrown(o.ask.calm()), thrown(o.ask.boom()))
    for (const ask of asks) {
      expect(await ask).toMatchObject({
        name: 'ActorCrashed',
        delivered: true,
        cause: { message: 'boom' },
      })
    }
    await system.stop()
  }),
)
