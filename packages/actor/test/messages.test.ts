import {
  Actor,
  ActorCrashed,
  type LocalActorRef,
  ActorRestarting,
  ActorStopped,
  AskTimeout,
  child,
  MailboxFull,
  type MailboxOptions,
  type Message,
  NoProc,
  ReplyError,
  type ReplyPort,
  spawn,
  StashFull,
} from '@tasktree/actor'
import {
  CancelledError,
  createTask,
  gather,
  getRunningLoop,
  InvalidStateError,
  sleep,
} from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { expect, test } from 'vitest'
import { crash, Probe, probe, ref, thrown, settled, start, virtually } from './support/probe.ts'

test(
  'after a crash the next incarnation handles the messages of the mailbox in order',
  virtually(async (log) => {
    const system = await start({ children: [probe(log, 'a')] })
    const a = ref(system, 'a')
    void a.tell.crash()
    const answer = a.ask.ping()
    for (let i = 0; i < 10; i++) void a.tell.note(`n${i}`)
    await settled()
    expect(log.slice(2)).toEqual(['start a', ...Array.from({ length: 10 }, (_, i) => `n${i}`)])
    expect(await answer).toBe(2)
    await system.stop()
  }),
)

test(
  "with onRestart 'drop' a crash turns waiting tells into dead letters and fails waiting asks",
  virtually(async (log) => {
    const system = await start({
      children: [probe(log, 'a', {}, { mailbox: { onRestart: 'drop' } })],
    })
    const a = ref(system, 'a')
    void a.tell.crash()
    const ask = thrown(a.ask.ping())
    for (let i = 0; i < 10; i++) void a.tell.note(`n${i}`)
    await settled()
    expect(log).toEqual(['start a', 'stop a error', 'start a'])
    expect(system.deadLetters.recent.map((letter) => letter.reason)).toEqual(
      Array.from({ length: 10 }, () => 'dropped-on-restart'),
    )
    const error = await ask
    expect(error).toBeInstanceOf(ActorRestarting)
    expect(error).toMatchObject({ delivered: false })
    expect(await a.ask.ping()).toBe(2)
    await system.stop()
  }),
)

test(
  'the ask that crashes an actor fails with the cause, and is not handled again',
  virtually(async (log) => {
    const system = await start({ children: [probe(log, 'a')] })
    const cause = new Error('mine')
    const error = await thrown(ref(system, 'a').ask.crash(cause))
    expect(error).toBeInstanceOf(ActorCrashed)
    expect(error).toMatchObject({ cause, delivered: true, path: '/s/a' })
    await settled()
    expect(ref(system, 'a').incarnation).toBe(2)
    await system.stop()
  }),
)

test(
  'an ask to a stopped actor fails at once, and a tell becomes a dead letter',
  virtually(async (log) => {
    const system = await start({ children: [probe(log, 'a')] })
    const a = ref(system, 'a')
    await system.root.stopChild('a')
    const ask = a.ask.ping()
    expect(ask.done()).toBe(true)
    expect(ask.exception()).toBeInstanceOf(NoProc)
    expect(await a.tell.note('x')).toBe(false)
    expect(system.deadLetters.recent).toMatchObject([
      { path: '/s/a', reason: 'no-proc', message: { method: 'note', args: ['x'], kind: 'tell' } },
    ])
    await system.stop()
  }),
)

test(
  'a reply that comes after the timeout of its ask is counted and dropped',
  virtually(async (log) => {
    const system = await start({ children: [probe(log, 'a')] })
    const a = ref(system, 'a')
    const before = getRunningLoop().time()
    const error = await thrown(a.ask({ timeout: 50 }).nap(100))
    expect(error).toBeInstanceOf(AskTimeout)
    expect(error).toMatchObject({ path: '/s/a', method: 'nap', timeout: 50 })
    expect(getRunningLoop().time() - before).toBe(50)
    await sleep(100)
    expect(system.lateReplies).toBe(1)
    await system.stop()
  }),
)

test(
  'an ask times out after 5000 ms by default, and is never handled if it was still in the mailbox',
  virtually(async (log) => {
    const system = await start({ children: [probe(log, 'a')] })
    const a = ref(system, 'a')
    const before = getRunningLoop().time()
    const long = a.ask({ timeout: Infinity }).nap(60_000)
    const short = thrown(a.ask({ timeout: 10 }).note('late'))
    expect(await thrown(a.ask.note('late'))).toBeInstanceOf(AskTimeout)
    expect(getRunningLoop().time() - before).toBe(5000)
    expect(await short).toBeInstanceOf(AskTimeout)
    expect(await long).toBe('rested')
    await settled()
    expect(log).toEqual(['start a'])
    await system.stop()
  }),
)

test(
  'an ask whose signal aborts before its turn is never handled',
  virtually(async (log) => {
    const a = await spawn(Probe, [log])
    const controller = new AbortController()
    const nap = a.ask.nap(10)
    const ask = thrown(a.ask({ signal: controller.signal }).note('never'))
    controller.abort(new Error('changed my mind'))
    const error = await ask
    expect(error).toBeInstanceOf(CancelledError)
    expect((error as CancelledError).cause).toMatchObject({ message: 'changed my mind' })
    await nap
    await settled()
    expect(log).toEqual(['start probe-1'])
    await a.stop()
  }),
)

test(
  'an ask whose task is cancelled before its turn is never handled',
  virtually(async (log) => {
    const a = await spawn(Probe, [log], { name: 'a' })
    void a.tell.nap(10)
    const asking = createTask(async () => {
      await a.ask.note('never')
    })
    await settled()
    asking.cancel()
    await thrown(asking)
    await sleep(20)
    expect(log).toEqual(['start a'])
    await a.stop()
  }),
)

class Deferring extends Actor {
  ports: ReplyPort<string>[] = []
  later(): ReplyPort<string> {
    const port = this.ctx.reply<string>()
    this.ports.push(port)
    return port
  }
  release(value: string): void {
    this.ports.shift()?.resolve(value)
  }
  twice(): string {
    const port = this.ctx.reply<string>()
    port.resolve('first')
    try {
      port.resolve('second')
    } catch (error) {
      this.seen = error
    }
    return ''
  }
  seen: unknown = null
  look(): unknown {
    return this.seen
  }
  refuse(): ReplyPort<string> {
    const port = this.ctx.reply<string>()
    port.reject(new Error('no'))
    return port
  }
  give(to: LocalActorRef<Deferring>): void {
    const port = this.ctx.reply<string>()
    port.handOver(to)
    void to.tell.take(port)
  }
  take(port: ReplyPort<string>): void {
    this.ports.push(port)
  }
  crash(): void {
    throw new Error('boom')
  }
}

test(
  'a deferred reply answers after its handler has returned, and a crash before it fails the ask',
  virtually(async () => {
    const system = await start({ children: [child.actor('d', Deferring)] })
    const d = system.lookup<LocalActorRef<Deferring>>('d') as LocalActorRef<Deferring>
    const first = d.ask.later()
    await settled()
    expect(first.done()).toBe(false)
    await d.ask.release('now')
    expect(await first).toBe('now')
    const second = thrown(d.ask.later())
    await d.tell.crash()
    expect(await second).toBeInstanceOf(ActorCrashed)
    await system.stop()
  }),
)

test(
  'a ReplyPort that was handed to another actor answers after the crash of its first owner',
  virtually(async () => {
    const system = await start({
      children: [child.actor('d', Deferring), child.actor('e', Deferring)],
    })
    const d = system.lookup<LocalActorRef<Deferring>>('d') as LocalActorRef<Deferring>
    const e = system.lookup<LocalActorRef<Deferring>>('e') as LocalActorRef<Deferring>
    const answer = d.ask.give(e) as unknown as PromiseLike<string>
    await settled()
    await d.tell.crash()
    await settled()
    await e.ask.release('from e')
    expect(await answer).toBe('from e')
    await system.stop()
  }),
)

test(
  'a second reply to an ask throws InvalidStateError in the handler',
  virtually(async () => {
    const d = await spawn(Deferring)
    expect(await d.ask.twice()).toBe('first')
    expect(await d.ask.look()).toBeInstanceOf(InvalidStateError)
    await expect(d.ask.refuse()).rejects.toThrow('no')
    expect(d.status).toBe('running')
    await d.stop()
  }),
)

class Shop extends Actor {
  buy(): void {
    throw new ReplyError('sold out')
  }
}

test(
  'a ReplyError that a handler throws fails the ask and does not crash the actor',
  virtually(async () => {
    const shop = await spawn(Shop)
    await expect(shop.ask.buy()).rejects.toThrow('sold out')
    expect(shop.status).toBe('running')
    await shop.stop()
  }),
)

class Parent extends Actor {
  protected override async onStart(): Promise<void> {
    await this.ctx.spawn(Child, [this.ctx.self as LocalActorRef<Parent>])
  }
  config(): string {
    return 'config'
  }
}
const childErrors: unknown[] = []
class Child extends Actor {
  readonly #parent: LocalActorRef<Parent>
  constructor(parent: LocalActorRef<Parent>) {
    super()
    this.#parent = parent
  }
  protected override async onStop(): Promise<void> {
    childErrors.push(await thrown(this.#parent.ask.config()))
  }
}

test(
  'a child that asks its stopping parent gets an error, and the tree stops',
  virtually(async () => {
    const parent = await spawn(Parent)
    const before = getRunningLoop().time()
    await parent.stop()
    expect(getRunningLoop().time()).toBe(before)
    expect(childErrors).toMatchObject([{ name: 'ActorStopped', delivered: false }])
  }),
)

test(
  'drain handles the messages that were sent before it and refuses later messages',
  virtually(async (log) => {
    class Relay extends Actor {
      async pass(text: string): Promise<void> {
        await sleep(1)
        log.push(text)
        log.push(`more ${await (this.ctx.self as LocalActorRef<Relay>).tell.pass('from within')}`)
      }
    }
    const relay = await spawn(Relay)
    await relay.tell.pass('one')
    await relay.tell.pass('two')
    const end = relay.drain()
    expect(await relay.tell.pass('late')).toBe(false)
    expect(await end).toEqual({ kind: 'normal' })
    expect(log).toEqual(['one', 'more false', 'two', 'more false'])
  }),
)

test(
  'a reply on a port after the end of its actor throws an error that says so',
  virtually(async () => {
    const d = await spawn(Deferring, [], { name: 'd' })
    const answer = d.ask.later()
    await settled()
    const { sys } = await import('@tasktree/actor')
    const [port] = (await sys.getState(d)).ports
    await d.stop()
    expect(await thrown(answer)).toMatchObject({ name: 'ActorStopped' })
    expect(port?.settled).toBe(true)
    const message = 'resolve: /d has ended, so this message can no longer be answered'
    expect(() => port?.resolve('too late')).toThrow(new InvalidStateError(message))
    expect(() => port?.reject(new Error('too late'))).toThrow('reject: /d has ended')
  }),
)

test(
  'after a drain no sender waits for room in the empty mailbox',
  virtually(async (log) => {
    const spec = probe(log, 'a', {}, { mailbox: { capacity: 1 } })
    const system = await start({ children: [spec] })
    const a = ref(system, 'a')
    const sent = gather([1, 2, 3, 4, 5].map(() => a.tell.nap(10)))
    const asked = gather([1, 2].map(() => a.ask({ timeout: Infinity }).nap(10)))
    await sleep(1)
    void a.drain()
    expect(await sent).toEqual([true, true, false, false, false])
    expect(await asked).toEqual(['rested', 'rested'])
    await settled()
    expect(a.incarnation).toBe(2)
    await system.stop()
  }),
)

test(
  'a second drain does not limit the time of onStop',
  virtually(async (log) => {
    const system = await start({ children: [probe(log, 'a', { cleanup: 10 }, { shutdown: 5 })] })
    const a = ref(system, 'a')
    const first = a.drain()
    await settled()
    expect(a.status).toBe('stopping')
    expect(await a.drain()).toEqual({ kind: 'normal' })
    expect(await first).toEqual({ kind: 'normal' })
    expect(log).toContain('stop a normal')
    await system.stop()
  }),
)

test(
  'drain waits for deferred replies',
  virtually(async () => {
    const d = await spawn(Deferring)
    const answer = d.ask.later()
    await settled()
    const end = d.drain()
    await settled()
    expect(end.done()).toBe(false)
    const { sys } = await import('@tasktree/actor')
    const state = await sys.getState(d)
    state.ports[0]?.resolve('at last')
    expect(await answer).toBe('at last')
    await end
  }),
)

class Undelivering extends Actor {
  static readonly seen: Message[] = []
  protected override onUndelivered(messages: readonly Message[]): void {
    Undelivering.seen.push(...messages)
  }
  crash(): void {
    throw new Error('boom')
  }
  work(_n: number): void {}
}

test(
  'when the restart limit is reached, onUndelivered gets exactly the tells that waited',
  virtually(async () => {
    const system = await start({ maxRestarts: 0, children: [child.actor('u', Undelivering)] })
    const u = system.lookup<LocalActorRef<Undelivering>>('u') as LocalActorRef<Undelivering>
    void u.tell.work(0)
    void u.tell.crash()
    for (let i = 1; i <= 3; i++) void u.tell.work(i)
    const ask = thrown(u.ask.work(4))
    await thrown(system.done)
    expect(Undelivering.seen.map((message) => message.args)).toEqual([[1], [2], [3]])
    expect(await ask).toMatchObject({ name: 'ActorStopped', delivered: false })
    expect(system.deadLetters.recent.map((letter) => letter.reason)).toEqual([
      'stopped',
      'stopped',
      'stopped',
    ])
  }),
)

const small = (overflow: MailboxOptions['overflow']): { mailbox: MailboxOptions } => ({
  mailbox: { capacity: 2, overflow: overflow as 'wait' },
})

/** Starts an actor that is busy for 100 ms, and sends it two messages, which fill its mailbox. */
async function full(
  log: string[],
  overflow: MailboxOptions['overflow'],
): Promise<LocalActorRef<Probe>> {
  const a = await spawn(Probe, [log], { name: 'a', ...small(overflow) })
  void a.tell.nap(100)
  await settled()
  void a.tell.note('1')
  void a.tell.note('2')
  log.length = 0
  return a
}

test(
  'senders to a full mailbox wait, and get their turn in the order in which they came',
  virtually(async (log) => {
    const a = await full(log, 'wait')
    const sends = [a.tell.note('3'), a.tell.note('4'), a.tell.note('5')]
    const ask = a.ask.ping()
    const given = createTask(async () => {
      await a.tell.note('never')
    })
    await settled()
    expect(sends.some((send) => send.done())).toBe(false)
    given.cancel()
    await thrown(given)
    expect(await gather(sends)).toEqual([true, true, true])
    expect(await ask).toBe(1)
    expect(log).toEqual(['1', '2', '3', '4', '5'])
    await a.stop()
  }),
)

test('when an actor ends, an ask that waits for room fails, and a tell returns false as a dead letter', async () => {
  const errors: unknown[] = []
  await runVirtual(async () => {
    const system = await start({
      children: [
        probe([], 'a', {}, { restart: 'temporary', mailbox: { capacity: 2, overflow: 'wait' } }),
      ],
    })
    getRunningLoop().setExceptionHandler((_loop, context) => errors.push(context))
    const a = ref(system, 'a')
    void a.tell.nap(100)
    await settled()
    void a.tell.note('1')
    void a.tell.note('2')
    const tell = a.tell.note('3')
    void a.tell.note('4')
    const ask = thrown(a.ask.ping())
    await settled()
    expect(tell.done()).toBe(false)
    await a.kill()
    expect(await tell).toBe(false)
    expect(await ask).toBeInstanceOf(ActorStopped)
    await settled()
    expect(
      system.deadLetters.recent.map(({ message, reason }) => [message.args[0], reason]).toSorted(),
    ).toEqual([
      ['1', 'stopped'],
      ['2', 'stopped'],
      ['3', 'stopped'],
      ['4', 'stopped'],
    ])
    await system.stop()
  })
  // The loop would have reported an unread failure at the end of the run.
  expect(errors).toEqual([])
})

test.for(['reject', 'drop-newest'] as const)(
  "with overflow '%s', a tell to a full mailbox returns false and an ask throws MailboxFull",
  (overflow) =>
    virtually(async (log) => {
      const a = await full(log, overflow)
      expect(await a.tell.note('3')).toBe(false)
      const error = await thrown(a.ask.ping())
      expect(error).toBeInstanceOf(MailboxFull)
      expect(error).toMatchObject({ capacity: 2 })
      await sleep(200)
      expect(log).toEqual(['1', '2'])
      await a.stop()
    })(),
)

test(
  "with overflow 'drop-oldest', a full mailbox drops the oldest tell and no ask",
  virtually(async (log) => {
    const a = await full(log, 'drop-oldest')
    expect(await a.tell.note('3')).toBe(true)
    const ask = a.ask.ping()
    await settled()
    const second = a.ask.ping()
    expect(await thrown(a.ask.ping())).toBeInstanceOf(MailboxFull)
    expect(await a.tell.note('4')).toBe(false)
    expect(await gather([ask, second])).toEqual([1, 1])
    expect(log).toEqual([])
    await a.stop()
  }),
)

class Stasher extends Actor {
  readonly #log: string[]
  open = false
  constructor(log: string[]) {
    super()
    this.#log = log
  }
  work(text: string): string {
    if (!this.open) {
      this.ctx.stash()
      return ''
    }
    if (text === 'bad') throw new Error('bad')
    this.#log.push(text)
    return text
  }
  unlock(): void {
    this.open = true
    this.ctx.unstashAll()
  }
  crash(): void {
    throw new Error('boom')
  }
}

test(
  'unstashed messages are handled before newer messages, in order, and their asks are answered',
  virtually(async (log) => {
    const s = await spawn(Stasher, [log])
    const answer = s.ask.work('1')
    void s.tell.work('2')
    void s.tell.unlock()
    void s.tell.work('3')
    expect(await answer).toBe('1')
    await settled()
    expect(log).toEqual(['1', '2', '3'])
    await s.stop()
  }),
)

test(
  'a stash beyond the capacity of the mailbox throws StashFull in the handler',
  virtually(async (log) => {
    const s = await spawn(Stasher, [log], { mailbox: { capacity: 2 } })
    await s.tell.work('1')
    await s.tell.work('2')
    await settled()
    expect(await thrown(s.ask.work('3'))).toMatchObject({ cause: expect.any(StashFull) })
  }),
)

test(
  'after a restart stashed messages come before queued messages, except for the message that crashed',
  virtually(async (log) => {
    const system = await start({ children: [child.actor('s', Stasher, [log])] })
    const s = system.lookup<LocalActorRef<Stasher>>('s') as LocalActorRef<Stasher>
    void s.tell.work('1')
    void s.tell.work('bad')
    void s.tell.work('2')
    await settled()
    void s.tell.crash()
    void s.tell.work('3')
    await settled()
    void s.tell.unlock()
    await settled()
    expect(log).toEqual(['1'])
    void s.tell.unlock()
    await settled()
    expect(log).toEqual(['1', '2', '3'])
    await system.stop()
  }),
)

class Switching extends Actor {
  open(): void {
    this.ctx.become({ say: (text: string) => `open ${text}` })
  }
  close(): void {
    this.ctx.become(null)
  }
  say(text: string): string {
    return `closed ${text}`
  }
}

test(
  'become changes the handlers for the next messages until the next become',
  virtually(async () => {
    const s = await spawn(Switching)
    expect(await s.ask.say('a')).toBe('closed a')
    await s.ask.open()
    expect(await s.ask.say('b')).toBe('open b')
    await s.ask.close()
    expect(await s.ask.say('c')).toBe('closed c')
    await s.stop()
  }),
)

test(
  'a method that only the instance has can be asked for, and an unknown method is refused',
  virtually(async () => {
    class Arrow extends Actor {
      hello = (): string => 'hello'
    }
    const arrow = await spawn(Arrow)
    expect(await arrow.ask.hello()).toBe('hello')
    const unknown = arrow.ask as unknown as { nothing(): PromiseLike<void> }
    await expect(unknown.nothing()).rejects.toThrow('has no method nothing')
    await arrow.stop()
  }),
)

test(
  'a message to the registered name of a restarting child waits for the next incarnation',
  virtually(async (log) => {
    const system = await start({ backoff: { min: 100, max: 100 }, children: [probe(log, 'a')] })
    system.register('main', ref(system, 'a'))
    await crash(ref(system, 'a'))
    expect(ref(system, 'main').status).toBe('restarting')
    expect(await ref(system, 'main').ask.ping()).toBe(2)
    await system.stop()
  }),
)

test(
  'a message that is stashed and unstashed by a handler that then throws is not handled again',
  virtually(async (log) => {
    class Stashing extends Actor {
      once(): void {
        log.push(`once ${this.ctx.incarnation}`)
        this.ctx.stash()
        this.ctx.unstashAll()
        throw new Error('boom')
      }
    }
    const system = await start({ children: [child.actor('s', Stashing)] })
    const s = system.lookup(Stashing, 's') as LocalActorRef<Stashing>
    void s.tell.once()
    await settled()
    expect(await thrown(s.ask.once())).toBeInstanceOf(ActorCrashed)
    await settled()
    expect(log).toEqual(['once 1', 'once 2'])
    await system.stop()
  }),
)
