// `ref.stop()` of a child that is not permanent is final: the child is not restarted, even if it crashes or is killed before it has
// ended. In Erlang/OTP 25, `supervisor:terminate_child` also keeps a transient child stopped if the child is killed at its deadline
// or if its clean-up crashes.
import { Actor, type ChildOptions, child, type ChildSpec, type Message } from '@tasktree/actor'
import { sleep } from '@tasktree/core'
import { expect, test } from 'vitest'
import {
  crash,
  failToRestart,
  probe,
  ref,
  settled,
  slowRestarts,
  start,
  thrown,
  virtually,
} from './support/probe.ts'

const transient = { restart: 'transient' } as const

/** Waits until it is cancelled, and then throws another error. */
async function failWhenCancelled(): Promise<void> {
  try {
    await sleep(Infinity)
  } catch (cause) {
    throw new Error('late', { cause })
  }
}

interface Ending {
  name: string
  kind: string
  spec: (options: ChildOptions) => ChildSpec
}

const endings: Ending[] = [
  {
    name: 'an actor whose clean-up takes too long',
    kind: 'killed',
    spec: (options) => probe([], 'a', { cleanup: 60_000 }, options),
  },
  {
    name: 'a supervisor whose children take too long to end',
    kind: 'killed',
    spec: (options) =>
      child.supervisor('a', { children: [probe([], 'b', { cleanup: 60_000 })] }, options),
  },
  {
    name: 'a resource whose disposal takes too long',
    kind: 'killed',
    spec: (options) =>
      child.resource('a', () => ({ [Symbol.asyncDispose]: () => sleep(60_000) }), options),
  },
  {
    name: 'a task whose clean-up throws',
    kind: 'error',
    spec: (options) => child.task('a', failWhenCancelled, options),
  },
]

for (const { name, kind, spec } of endings) {
  test(
    `${name} is restarted after stop() if it is permanent, and not if it is transient`,
    virtually(async () => {
      for (const restart of ['transient', 'permanent'] as const) {
        const system = await start({ children: [spec({ restart })] })
        const a = system.root.child('a')
        await settled()
        expect(await a?.stop(undefined, { timeout: 20 })).toMatchObject({ kind })
        await settled()
        expect([a?.status, a?.incarnation]).toEqual(
          restart === 'transient' ? ['stopped', 1] : ['running', 2],
        )
        await system.stop({ timeout: 0 })
      }
    }),
  )
}

test(
  'a transient actor whose handler ignores stop() is killed at the deadline and not restarted',
  virtually(async (log) => {
    const system = await start({ children: [probe(log, 'a', {}, transient)] })
    const a = ref(system, 'a')
    const hanging = thrown(a.ask.hang())
    const waiting = thrown(a.ask.ping())
    await settled()
    expect(await a.stop(undefined, { timeout: 20 })).toEqual({ kind: 'killed' })
    expect(await hanging).toMatchObject({ name: 'ActorStopped', delivered: true })
    expect(await waiting).toMatchObject({ name: 'ActorStopped', delivered: false })
    await settled()
    expect([a.status, a.incarnation]).toEqual(['stopped', 1])
    await system.root.restartChild('a')
    await a.kill()
    await settled()
    expect([a.status, a.incarnation]).toEqual(['running', 3])
    await system.stop()
  }),
)

test(
  'a kill ends a child that is stopping, and does not restart it',
  virtually(async (log) => {
    const system = await start({ children: [probe(log, 'a', { cleanup: 1000 }, transient)] })
    const a = ref(system, 'a')
    void a.stop()
    await settled()
    expect(await a.kill()).toEqual({ kind: 'killed' })
    await settled()
    expect([a.status, a.incarnation]).toEqual(['stopped', 1])
    await system.stop()
  }),
)

test(
  'a crashed child that is stopped while it cleans up is not restarted',
  virtually(async (log) => {
    const system = await start({ children: [probe(log, 'a', { cleanup: 100 }, transient)] })
    const a = ref(system, 'a')
    await crash(a)
    const asked = thrown(a.ask.ping())
    expect(await a.stop()).toMatchObject({ kind: 'error' })
    expect(await asked).toMatchObject({ name: 'ActorStopped', delivered: false })
    await settled()
    expect([a.status, a.incarnation]).toEqual(['stopped', 1])
    await system.stop()
  }),
)

test(
  'a crashed child that is stopped while its supervisor is busy is not restarted',
  virtually(async (log) => {
    const system = await start({ children: [probe(log, 'a', {}, transient)] })
    const a = ref(system, 'a')
    const starting = system.root.startChild(probe(log, 'slow', { onStart: () => sleep(100) }))
    await settled()
    await crash(a)
    const asked = thrown(a.ask.ping())
    const ended = a.whenStopped
    expect(await a.stop()).toEqual({ kind: 'shutdown' })
    expect(await asked).toMatchObject({ name: 'ActorStopped', delivered: false })
    await starting
    expect(await ended).toMatchObject({ kind: 'error' })
    expect([a.status, a.incarnation]).toEqual(['stopped', 1])
    await system.stop()
  }),
)

test.for(['before', 'during'] as const)(
  'a restart of the group does not start a child whose stop() began %s the restart and has not ended',
  (when) =>
    virtually(async (log) => {
      for (const restart of ['transient', 'temporary'] as const) {
        const system = await start({
          strategy: 'one-for-all',
          children: [probe(log, 'a', { cleanup: 100 }, { restart }), probe(log, 'b')],
        })
        const [a, b] = [ref(system, 'a'), ref(system, 'b')]
        if (when === 'before') void a.stop()
        await crash(b)
        expect(a.status).toBe('stopping')
        if (when === 'during') void a.stop()
        await sleep(200)
        expect([a.status, a.incarnation, b.status, b.incarnation]).toEqual([
          'stopped',
          1,
          'running',
          2,
        ])
        await system.stop()
      }
    })(),
)

test.for(['stop', 'stopChild'] as const)(
  'a child that %s has ended during a restart of its group is not started by the later attempts of the restart',
  (how) =>
    virtually(async (log) => {
      const onStart = async (context: { incarnation: number }): Promise<void> => {
        if (context.incarnation === 2) throw new Error('start')
      }
      const system = await start({
        ...slowRestarts,
        strategy: 'one-for-all',
        children: [probe(log, 'a'), probe(log, 'b', { onStart }), probe(log, 'c', {}, transient)],
      })
      const c = ref(system, 'c')
      await crash(ref(system, 'b'))
      await (how === 'stop' ? c.stop() : system.root.stopChild('c'))
      await sleep(1000)
      expect([ref(system, 'b').incarnation, ref(system, 'b').status]).toEqual([3, 'running'])
      expect([c.incarnation, c.status]).toEqual([1, 'stopped'])
      // The next restart of the group starts the child `c` again, as in OTP.
      await crash(ref(system, 'a'))
      await sleep(1000)
      expect([c.incarnation, c.status]).toEqual([2, 'running'])
      await system.stop()
    })(),
)

test(
  'a significant child that is stopped while it restarts ends its supervisor, even if the start fails',
  virtually(async (log) => {
    const system = await start({
      autoShutdown: 'any',
      children: [probe(log, 'a', { onStart: failToRestart }, { ...transient, significant: true })],
    })
    await crash(ref(system, 'a'))
    await sleep(10)
    expect(ref(system, 'a').status).toBe('starting')
    await ref(system, 'a').stop()
    await settled()
    expect(system.root.status).toBe('stopped')
  }),
)

test(
  'an error that a handler throws while its actor ends does not change how the actor ends',
  virtually(async () => {
    class Late extends Actor {
      static override readonly interleave = ['crashFirst', 'crashSecond']
      async work(): Promise<void> {
        await sleep(10)
        throw new Error('late')
      }
      quit(): void {
        this.ctx.stop()
        throw new Error('late')
      }
      async crashFirst(): Promise<void> {
        throw new Error('first')
      }
      async crashSecond(): Promise<void> {
        await failWhenCancelled()
      }
    }
    const decided: string[] = []
    const decide = (error: unknown): 'restart' | 'stop' => {
      decided.push((error as Error).message)
      return (error as Error).message === 'first' ? 'stop' : 'restart'
    }
    const options = { ...transient, decide }
    const system = await start({
      children: ['stopped', 'quits', 'crashes'].map((id) => child.actor(id, Late, [], options)),
    })
    const late = (id: string) => system.lookup(Late, id)!
    void late('stopped').tell.work()
    await settled()
    await late('stopped').stop()
    void late('quits').tell.quit()
    void late('crashes').tell.crashSecond()
    void late('crashes').tell.crashFirst()
    await sleep(100)
    for (const id of ['stopped', 'quits', 'crashes']) {
      expect([id, late(id).status, late(id).incarnation]).toEqual([id, 'stopped', 1])
    }
    expect(decided).toEqual(['first'])
    await system.stop()
  }),
)

test(
  'a permanent actor that is killed is restarted, even if decide returns stop for the error of its clean-up',
  virtually(async () => {
    class Throws extends Actor {
      async work(): Promise<void> {
        await failWhenCancelled()
      }
    }
    const system = await start({
      children: [child.actor('a', Throws, [], { decide: () => 'stop' })],
    })
    const a = system.lookup(Throws, 'a')!
    void a.tell.work()
    await settled()
    expect(await a.kill()).toEqual({ kind: 'killed' })
    await settled()
    expect([a.status, a.incarnation]).toEqual(['running', 2])
    await system.stop()
  }),
)

test(
  'an ask to an actor that crashes and that decide stops fails with ActorStopped, not ActorRestarting',
  virtually(async () => {
    const undelivered: number[] = []
    class Drops extends Actor {
      async work(): Promise<void> {
        await sleep(10)
        throw new Error('boom')
      }
      note(text: string): string {
        return text
      }
      protected override onUndelivered(messages: readonly Message[]): void {
        undelivered.push(messages.length)
      }
    }
    const system = await start({
      children: [
        child.actor('a', Drops, [], { mailbox: { onRestart: 'drop' }, decide: () => 'stop' }),
      ],
    })
    const a = system.lookup(Drops, 'a')!
    void a.tell.work()
    void a.tell.note('lost')
    expect(await thrown(a.ask.note('asked'))).toMatchObject({
      name: 'ActorStopped',
      delivered: false,
    })
    await settled()
    expect(system.deadLetters.recent).toMatchObject([{ reason: 'stopped' }])
    expect(undelivered).toEqual([1])
    await system.stop()
  }),
)
