// A pinned ref reaches only one incarnation. After the end of that incarnation, every use of the ref acts as if the actor had ended,
// like every use of a pid in Erlang/OTP.
import { inspect } from 'node:util'
import {
  Actor,
  ActorStopped,
  type ActorSystem,
  child,
  type ChildRef,
  type Down,
  LinkDied,
  type Message,
  type LocalActorRef,
  NoProc,
  type ReplyPort,
  spawn,
  sys,
} from '@tasktree/actor'
import { createTask, sleep } from '@tasktree/core'
import { expect, test } from 'vitest'
import { crash, Probe, probe, ref, settled, start, thrown, virtually } from './support/probe.ts'

class Watcher extends Actor {
  readonly #log: string[]

  constructor(log: string[]) {
    super()
    this.#log = log
  }

  protected override onDown({ ref: { incarnation }, reason, restarted, link }: Down): void {
    const what = restarted ? 'restarted' : link ? 'link' : 'down'
    this.#log.push(`${what} ${incarnation} ${reason.kind}`)
  }

  watch(target: ChildRef): void {
    this.ctx.monitor(target)
  }

  link(target: LocalActorRef<Probe>): void {
    this.ctx.link(target)
  }

  trap(): void {
    this.ctx.trapExit = true
  }
}

/** Starts a system with one actor, and returns a pinned ref of each of its first two incarnations. */
async function crashedOnce(): Promise<{
  system: ActorSystem
  old: LocalActorRef<Probe>
  current: LocalActorRef<Probe>
}> {
  const system = await start({ children: [probe([], 'a')] })
  const old = ref(system, 'a').pinned()
  await crash(ref(system, 'a'))
  return { system, old, current: ref(system, 'a').pinned() }
}

test(
  'a monitor of an incarnation that has ended gets one DOWN message with the reason noproc',
  virtually(async (log) => {
    const { system, old } = await crashedOnce()
    const watcher = await spawn(Watcher, [log])
    await watcher.ask.watch(old)
    await settled()
    expect(log).toEqual(['down 1 noproc'])
    await crash(ref(system, 'a'))
    await system.stop()
    await settled()
    expect(log).toHaveLength(1)
    await watcher.stop()
  }),
)

test(
  'a monitor of an incarnation that runs hears of its end, and nothing of later incarnations',
  virtually(async (log) => {
    const { system, current } = await crashedOnce()
    const watcher = await spawn(Watcher, [log])
    await watcher.ask.watch(current)
    await crash(ref(system, 'a'))
    expect(log).toEqual(['down 2 error'])
    await crash(ref(system, 'a'))
    await system.stop()
    expect(log).toHaveLength(1)
    await watcher.stop()
  }),
)

test(
  'a monitor of an ended incarnation gets a DOWN message while the child waits for its restart',
  virtually(async (log) => {
    const system = await start({
      backoff: { min: 1000, max: 1000 },
      within: 10_000,
      children: [probe([], 'a')],
    })
    const old = ref(system, 'a').pinned()
    await crash(ref(system, 'a'))
    expect(ref(system, 'a').status).toBe('restarting')
    const watcher = await spawn(Watcher, [log])
    await watcher.ask.watch(old)
    await watcher.ask.watch(ref(system, 'a'))
    await settled()
    expect(log).toEqual(['down 1 noproc'])
    await system.stop()
    await watcher.stop()
  }),
)

test(
  'a link to an incarnation that has ended fails with NoProc, and does not reach the next incarnation',
  virtually(async (log) => {
    const { system, old, current } = await crashedOnce()
    const watcher = await spawn(Watcher, [log])
    const ended = watcher.whenStopped
    expect(await thrown(watcher.ask.link(old))).toMatchObject({ cause: expect.any(NoProc) })
    expect(await ended).toMatchObject({ kind: 'error', error: expect.any(NoProc) })
    const other = await spawn(Watcher, [log])
    const otherEnded = other.whenStopped
    await other.ask.link(current)
    await crash(ref(system, 'a'))
    expect(await otherEnded).toMatchObject({ kind: 'error', error: expect.any(LinkDied) })
    await system.stop()
  }),
)

test(
  'with trapExit, a link to an incarnation or actor that has ended is a noproc message, as in OTP',
  virtually(async (log) => {
    const { system, old } = await crashedOnce()
    const stopped = await spawn(Probe, [[]])
    await stopped.stop()
    const watcher = await spawn(Watcher, [log])
    await watcher.ask.trap()
    await watcher.ask.link(old)
    await watcher.ask.link(stopped)
    await settled()
    expect(log).toEqual(['link 1 noproc', 'link 1 noproc'])
    expect(watcher.status).toBe('running')
    await watcher.stop()
    await system.stop()
  }),
)

test(
  'whenStopped of a pinned ref settles at the end of its incarnation',
  virtually(async () => {
    const { system, old, current } = await crashedOnce()
    expect(await old.whenStopped).toEqual({ kind: 'noproc' })
    const ended = current.whenStopped
    await settled()
    expect(ended.done()).toBe(false)
    await crash(ref(system, 'a'), new Error('second'))
    expect(ended.done()).toBe(true)
    expect(await ended).toMatchObject({ kind: 'error', error: { message: 'second' } })
    expect(ref(system, 'a').whenStopped.done()).toBe(false)
    await system.stop()
  }),
)

test(
  'reading whenStopped of a pinned ref again and again keeps one future',
  virtually(async () => {
    const { system, current } = await crashedOnce()
    expect(current.whenStopped).toBe(current.whenStopped)
    await system.stop()
  }),
)

test(
  'stop, kill and drain of an incarnation that has ended leave the next incarnation alone',
  virtually(async () => {
    const { system, old } = await crashedOnce()
    expect(await old.stop()).toEqual({ kind: 'noproc' })
    expect(await old.kill()).toEqual({ kind: 'noproc' })
    expect(await old.drain()).toEqual({ kind: 'noproc' })
    await settled()
    expect(ref(system, 'a')).toMatchObject({ incarnation: 2, status: 'running' })
    expect(await ref(system, 'a').ask.ping()).toBe(2)
    await system.stop()
  }),
)

test(
  'stop of an incarnation that has ended does not cancel the restart of a transient child',
  virtually(async () => {
    const system = await start({
      backoff: { min: 1000, max: 1000 },
      within: 10_000,
      children: [probe([], 'a', {}, { restart: 'transient' })],
    })
    const old = ref(system, 'a').pinned()
    await crash(ref(system, 'a'), new Error('first'))
    for (const end of ['stop', 'drain'] as const) {
      expect(await old[end]()).toMatchObject({ kind: 'error', error: { message: 'first' } })
    }
    await sleep(1000)
    await settled()
    expect(ref(system, 'a')).toMatchObject({ incarnation: 2, status: 'running' })
    await system.stop()
  }),
)

test(
  'stop, kill and drain of a pinned ref end the incarnation that runs',
  virtually(async () => {
    const system = await start({ children: [probe([], 'a')], maxRestarts: 5 })
    for (const [end, kind] of [
      ['stop', 'shutdown'],
      ['kill', 'killed'],
      ['drain', 'normal'],
    ] as const) {
      const before = ref(system, 'a').incarnation
      expect(await ref(system, 'a').pinned()[end]()).toMatchObject({ kind })
      await settled()
      expect(ref(system, 'a').incarnation).toBe(before + 1)
    }
    await system.stop()
  }),
)

test(
  'a pinned ref to an incarnation that has ended shows as stopped',
  virtually(async () => {
    const { system, old, current } = await crashedOnce()
    expect(old.status).toBe('stopped')
    expect(current.status).toBe('running')
    expect(inspect(old)).toBe('LocalActorRef /s/a (stopped, incarnation 1)')
    await system.stop()
  }),
)

test(
  'a message to a pinned ref that waits in the mailbox does not reach the next incarnation',
  virtually(async (log) => {
    const system = await start({
      children: [child.actor('a', Probe, [log], { mailbox: { capacity: 3 } })],
    })
    const a = ref(system, 'a')
    const pinned = a.pinned()
    const nap = a.ask.nap(100)
    await settled()
    void a.tell.crash()
    void pinned.tell.note('pinned')
    const asked = thrown(pinned.ask.ping())
    const waiting = pinned.tell.note('pinned, in the line before the mailbox')
    const waitingAsk = thrown(pinned.ask.ping())
    void a.tell.note('to the child')
    expect(await nap).toBe('rested')
    await settled()
    expect(log).toEqual(['start a', 'stop a error', 'start a', 'to the child'])
    expect(await asked).toMatchObject({ name: 'ActorStopped', delivered: false })
    expect(await waitingAsk).toMatchObject({ name: 'ActorStopped', delivered: false })
    expect(await waiting).toBe(false)
    expect(system.deadLetters.recent).toMatchObject([
      { path: '/s/a', reason: 'stopped', message: { args: [expect.stringContaining('line')] } },
      { path: '/s/a', reason: 'stopped', message: { args: ['pinned'] } },
    ])
    await system.stop()
  }),
)

test(
  'onUndelivered gets a tell to a pinned ref of an actor that is not restarted',
  virtually(async () => {
    const undelivered: string[] = []
    class Last extends Actor {
      crash(): void {
        throw new Error('boom')
      }
      note(_text: string): void {}
      protected override onUndelivered(messages: readonly Message[]): void {
        for (const { args } of messages) undelivered.push(String(args[0]))
      }
    }
    const last = await spawn(Last)
    void last.tell.crash()
    void last.pinned().tell.note('pinned')
    await settled()
    expect(undelivered).toEqual(['pinned'])
  }),
)

test(
  'a stashed message to a pinned ref does not reach the next incarnation',
  virtually(async (log) => {
    class Stasher extends Actor {
      keep(text: string): void {
        log.push(`${this.ctx.incarnation} ${text}`)
        if (this.ctx.incarnation === 1) this.ctx.stash()
      }
      crash(): void {
        throw new Error('boom')
      }
    }
    const system = await start({ children: [child.actor('a', Stasher)] })
    const a = system.lookup(Stasher, 'a') as LocalActorRef<Stasher>
    const asked = thrown(a.pinned().ask.keep('pinned'))
    void a.tell.keep('to the child')
    void a.tell.crash()
    await settled()
    expect(log).toEqual(['1 pinned', '1 to the child', '2 to the child'])
    expect(await asked).toBeInstanceOf(ActorStopped)
    await system.stop()
  }),
)

test(
  'a name that is given to an incarnation is free when that incarnation ends',
  virtually(async () => {
    const { system, old, current } = await crashedOnce()
    expect(() => system.register('old', old)).toThrow(NoProc)
    system.register('main', current)
    expect(system.lookup('main')?.path).toBe('/s/a')
    await crash(ref(system, 'a'))
    expect(system.lookup('main')).toBeNull()
    system.register('main', ref(system, 'a').pinned())
    system.register('main', ref(system, 'a'))
    await crash(ref(system, 'a'))
    expect(system.lookup('main')).toBe(ref(system, 'a'))
    await system.stop()
  }),
)

test(
  'a pinned ref leaves its group when its incarnation ends, and cannot join a group afterwards',
  virtually(async () => {
    const { system, old, current } = await crashedOnce()
    const group = system.group('workers')
    const events: string[] = []
    using watch = group.watch()
    createTask(async () => {
      for await (const event of watch) events.push(`${event.type} ${event.ref.incarnation}`)
    })
    expect(group.join(old)).toBe(false)
    expect(group.join(current)).toBe(true)
    expect(group.leave(old)).toBe(false)
    await crash(ref(system, 'a'))
    expect(group.members).toEqual([])
    expect(events).toEqual(['joined 2', 'left 2'])
    await system.stop()
  }),
)

test(
  'sys refuses an incarnation that has ended',
  virtually(async () => {
    const { system, old, current } = await crashedOnce()
    for (const call of [
      () => sys.getState(old),
      () => sys.suspend(old),
      () => sys.trace(old, null),
      () => sys.statistics(old),
    ]) {
      expect(call).toThrow(NoProc)
    }
    expect(sys.statistics(current)).toMatchObject({ incarnation: 2, restarts: 1 })
    await system.stop()
  }),
)

test(
  'a ReplyPort is not handed over to an incarnation that has ended',
  virtually(async () => {
    class Giver extends Actor {
      give(to: LocalActorRef<Probe>): ReplyPort<string> {
        const port = this.ctx.reply<string>()
        port.handOver(to)
        return port
      }
      crash(): void {
        throw new Error('the giver')
      }
    }
    const { system, old, current } = await crashedOnce()
    for (const [to, cause] of [
      [old, 'the giver'],
      [current, 'the taker'],
    ] as const) {
      const giver = await spawn(Giver)
      const answer = thrown(giver.ask.give(to))
      await giver.tell.crash()
      await settled()
      if (to === current) await crash(ref(system, 'a'), new Error('the taker'))
      expect(await answer).toMatchObject({ name: 'ActorCrashed', cause: { message: cause } })
    }
    await system.stop()
  }),
)
