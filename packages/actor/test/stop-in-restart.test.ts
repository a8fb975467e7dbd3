// Tests that a child stays stopped if it is asked to end while its supervisor is about to start it again.
import { type LocalActorRef, child } from '@tasktree/actor'
import { sleep } from '@tasktree/core'
import { expect, test } from 'vitest'
import {
  crash,
  failToRestart,
  type Probe,
  probe,
  ref,
  slowRestarts,
  thrown,
  settled,
  start,
  virtually,
} from './support/probe.ts'

test.for(['stop', 'drain'] as const)(
  '%s of a child that waits for its restart stops it, and its messages are refused',
  (how) =>
    virtually(async (log) => {
      const system = await start({
        ...slowRestarts,
        children: [probe(log, 'a', {}, { restart: 'transient' }), probe(log, 'b')],
      })
      const a = ref(system, 'a')
      const ended = a.whenStopped
      await crash(a)
      const asked = thrown(a.ask.ping())
      void a.tell.note('never')
      expect(a.status).toBe('restarting')
      expect(await a[how]()).toEqual({ kind: 'shutdown' })
      expect(a.status).toBe('stopped')
      expect(await ended).toEqual({ kind: 'shutdown' })
      expect(await asked).toMatchObject({ name: 'ActorStopped', delivered: false })
      await sleep(1000)
      expect(a.incarnation).toBe(1)
      expect(log.filter((line) => line === 'start a')).toHaveLength(1)
      expect(system.deadLetters.recent).toMatchObject([{ reason: 'stopped' }])
      await system.root.restartChild('a')
      expect(await a.ask.ping()).toBe(2)
      await system.stop()
    })(),
)

test.for(['stop', 'drain'] as const)(
  '%s of a transient child that cleans up after a crash stops it without a restart',
  (how) =>
    virtually(async (log) => {
      const onStop = (): Promise<void> => sleep(20)
      const system = await start({
        ...slowRestarts,
        children: [probe(log, 'a', { onStop }, { restart: 'transient' })],
      })
      const a = ref(system, 'a')
      const crashed = crash(a)
      await sleep(5)
      expect(a.status).toBe('stopping')
      await a[how]()
      await crashed
      await sleep(1000)
      expect([a.status, a.incarnation]).toEqual(['stopped', 1])
      await system.stop()
    })(),
)

test(
  'a permanent child that is stopped while it waits for its restart is started again',
  virtually(async (log) => {
    const system = await start({
      ...slowRestarts,
      children: [probe(log, 'a')],
    })
    const a = ref(system, 'a')
    await crash(a)
    await a.stop()
    await sleep(200)
    expect(a.incarnation).toBe(2)
    await system.stop()
  }),
)

test(
  'a child that is stopped while its restart starts is not started again when that start fails',
  virtually(async (log) => {
    const system = await start({
      maxRestarts: 50,
      children: [probe(log, 'a', { onStart: failToRestart }, { restart: 'transient' })],
    })
    const a = ref(system, 'a')
    await crash(a)
    await sleep(10)
    expect(a.status).toBe('starting')
    await a.stop()
    await sleep(500)
    expect([a.incarnation, a.status]).toEqual([2, 'stopped'])
    await system.stop()
  }),
)

for (const how of ['ref.stop', 'stopChild', 'deleteChild'] as const) {
  test(
    `a group restart starts the other children if the crashed child is ended meanwhile by ${how}`,
    virtually(async (log) => {
      for (const strategy of ['one-for-all', 'rest-for-one'] as const) {
        const system = await start({
          strategy,
          ...slowRestarts,
          children: ['a', 'b', 'c'].map((id) => probe(log, id, {}, { restart: 'transient' })),
        })
        const b = ref(system, 'b')
        await crash(b)
        if (how === 'ref.stop') await b.stop()
        else await system.root.stopChild('b')
        if (how === 'deleteChild') await system.root.deleteChild('b')
        await sleep(1000)
        expect(b.incarnation).toBe(1)
        expect(ref(system, 'c').incarnation).toBe(2)
        expect(ref(system, 'a').incarnation).toBe(strategy === 'one-for-all' ? 2 : 1)
        expect(await ref(system, 'c').ask.ping()).toBe(2)
        await system.stop()
      }
    }),
  )
}

test(
  'a transient child that is stopped while it ends for a group restart stays stopped',
  virtually(async (log) => {
    const system = await start({
      strategy: 'one-for-all',
      ...slowRestarts,
      children: [
        probe(log, 'a', {}, { restart: 'transient' }),
        probe(log, 'b', {}, { restart: 'transient' }),
      ],
    })
    await crash(ref(system, 'b'))
    await ref(system, 'a').stop()
    await sleep(500)
    expect(ref(system, 'a').status).toBe('stopped')
    expect(ref(system, 'b').incarnation).toBe(2)
    await system.stop()
  }),
)

test(
  'stop of a task or a supervisor that waits for its restart stops it',
  virtually(async () => {
    let starts = 0
    const failing = async (): Promise<void> => {
      starts++
      await sleep(1)
      throw new Error('boom')
    }
    const system = await start({
      ...slowRestarts,
      children: [
        child.task('t', failing, { restart: 'transient' }),
        child.supervisor(
          's',
          { maxRestarts: 0, children: [child.task('inner', failing)] },
          { restart: 'transient' },
        ),
      ],
    })
    await sleep(50)
    for (const id of ['t', 's']) await system.root.child(id)?.stop()
    await sleep(1000)
    expect(starts).toBe(2)
    await system.stop()
  }),
)

test(
  'the attempt of a restart event counts restarts in a row, and begins anew after a time without a crash',
  virtually(async (log) => {
    for (const options of [{}, { backoff: { min: 1, max: 1, resetAfter: 5000 } }]) {
      const system = await start({ maxRestarts: 10, ...options, children: [probe(log, 'a')] })
      const attempts: number[] = []
      using events = system.events.subscribe()
      void (async () => {
        for await (const event of events)
          if (event.type === 'restarting') attempts.push(event.attempt)
      })()
      const a = ref(system, 'a')
      for (let i = 0; i < 3; i++) {
        await crash(a)
        await sleep(10)
      }
      await sleep(5001)
      await crash(a)
      await sleep(10)
      expect(attempts).toEqual([1, 2, 3, 1])
      await system.stop()
    }
  }),
)

test(
  'ref.stop kills a handler that does not end within the shutdown time of its actor',
  virtually(async (log) => {
    const system = await start({
      children: [
        probe(log, 'a', {}, { restart: 'temporary' }),
        probe(log, 'b', {}, { restart: 'temporary', shutdown: 100 }),
        probe(log, 'c', {}, { restart: 'temporary', shutdown: Infinity }),
        probe(log, 'd', {}, { restart: 'temporary', shutdown: 'kill' }),
      ],
    })
    const took = async (
      a: LocalActorRef<Probe>,
      options?: { timeout: number },
    ): Promise<number> => {
      void a.tell.stall()
      await settled()
      const before = system.snapshot().time
      expect(await a.stop('bye', options)).toEqual({ kind: 'killed' })
      return system.snapshot().time - before
    }
    expect(await took(ref(system, 'a'))).toBe(5000)
    expect(await took(ref(system, 'b'))).toBe(100)
    expect(await took(ref(system, 'c'), { timeout: 70 })).toBe(70)
    expect(await took(ref(system, 'd'))).toBe(5000)
    await system.stop()
  }),
)
