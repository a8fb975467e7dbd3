import { child } from '@tasktree/actor'
import { sleep } from '@tasktree/core'
import { expect, test } from 'vitest'
import {
  collect,
  crash,
  probe,
  ref,
  settled,
  start,
  supervisor,
  virtually,
} from './support/probe.ts'

const stops = (log: string[]): string[] => log.filter((line) => line.startsWith('stop'))
const starts = (log: string[]): string[] => log.filter((line) => line.startsWith('start'))

test(
  'one-for-one: only the crashed child is restarted',
  virtually(async (log) => {
    const system = await start({ children: [probe(log, 'a'), probe(log, 'b'), probe(log, 'c')] })
    log.length = 0
    await crash(ref(system, 'b'))
    expect(log).toEqual(['stop b error', 'start b'])
    expect(['a', 'b', 'c'].map((id) => ref(system, id).incarnation)).toEqual([1, 2, 1])
    await system.stop()
  }),
)

test(
  'one-for-all: after a crash all children stop in reverse order and start in order',
  virtually(async (log) => {
    const system = await start({
      strategy: 'one-for-all',
      children: ['a', 'b', 'c', 'd'].map((id) => probe(log, id)),
    })
    log.length = 0
    await crash(ref(system, 'b'))
    expect(log).toEqual([
      'stop b error',
      'stop d shutdown',
      'stop c shutdown',
      'stop a shutdown',
      'start a',
      'start b',
      'start c',
      'start d',
    ])
    await system.stop()
  }),
)

test.for([
  ['first', 'a', ['b', 'c', 'd']],
  ['middle', 'b', ['c', 'd']],
  ['last', 'd', []],
] as const)(
  'rest-for-one: a crash of the %s child restarts it and the children after it',
  ([, crashed, later]) =>
    virtually(async (log) => {
      const children = ['a', 'b', 'c', 'd'].map((id) => probe(log, id))
      const system = await start({ strategy: 'rest-for-one', children })
      log.length = 0
      await crash(ref(system, crashed))
      expect(log).toEqual([
        `stop ${crashed} error`,
        ...later.toReversed().map((id) => `stop ${id} shutdown`),
        `start ${crashed}`,
        ...later.map((id) => `start ${id}`),
      ])
      await system.stop()
    })(),
)

test(
  'children start in the order of their specs, whatever their names',
  virtually(async (log) => {
    const ids = ['m', 'z', 'a', 'q']
    const system = await start({
      strategy: 'one-for-all',
      children: ids.map((id) => probe(log, id)),
    })
    expect(starts(log)).toEqual(ids.map((id) => `start ${id}`))
    await crash(ref(system, 'z'))
    expect(starts(log).slice(4)).toEqual(ids.map((id) => `start ${id}`))
    log.length = 0
    await system.stop()
    expect(log).toEqual(ids.toReversed().map((id) => `stop ${id} shutdown`))
  }),
)

test(
  'a temporary child beside a crashed child is stopped and removed by the group restart',
  virtually(async (log) => {
    const system = await start({
      strategy: 'one-for-all',
      maxRestarts: 1,
      children: [probe(log, 'a'), probe(log, 't', {}, { restart: 'temporary' }), probe(log, 'b')],
    })
    await crash(ref(system, 'a'))
    expect(system.root.whichChildren().map((each) => each.id)).toEqual(['a', 'b'])
    expect(stops(log)).toContain('stop t shutdown')
    expect(system.root.status).toBe('running')
    await system.stop()
  }),
)

test(
  'a child that was stopped by stopChild is started again with its group unless it has stickyStop',
  virtually(async (log) => {
    const system = await start({
      strategy: 'one-for-all',
      children: [probe(log, 'a'), probe(log, 'b'), probe(log, 'c', {}, { stickyStop: true })],
    })
    await system.root.stopChild('b')
    await system.root.stopChild('c')
    await crash(ref(system, 'a'))
    expect(ref(system, 'b').status).toBe('running')
    expect(ref(system, 'c').status).toBe('stopped')
    await system.stop()
  }),
)

test(
  'a transient child that had ended normally is started again with its group',
  virtually(async (log) => {
    const system = await start({
      strategy: 'rest-for-one',
      children: [probe(log, 'a'), probe(log, 'b', {}, { restart: 'transient' })],
    })
    await ref(system, 'b').tell.quit()
    await settled()
    expect(ref(system, 'b').status).toBe('stopped')
    await crash(ref(system, 'a'))
    expect(ref(system, 'b').status).toBe('running')
    await system.stop()
  }),
)

test(
  'one-for-all: if a start fails in a group restart, the started children stop and all start again',
  virtually(async (log) => {
    let attempts = 0
    const system = await start({
      strategy: 'one-for-all',
      children: [
        probe(log, 'a'),
        probe(log, 'b', {
          onStart: () => {
            if (++attempts === 2) throw new Error('once')
          },
        }),
      ],
    })
    log.length = 0
    await crash(ref(system, 'a'))
    expect(log).toEqual([
      'stop a error',
      'stop b shutdown',
      'start a',
      'stop a shutdown',
      'start a',
      'start b',
    ])
    await system.stop()
  }),
)

test(
  'rest-for-one: if a start fails in a group restart, the children started before it stay',
  virtually(async (log) => {
    let attempts = 0
    const system = await start({
      strategy: 'rest-for-one',
      children: [
        probe(log, 'a'),
        probe(log, 'b', {
          onStart: () => {
            if (++attempts === 2) throw new Error('once')
          },
        }),
        probe(log, 'c'),
      ],
    })
    log.length = 0
    await crash(ref(system, 'a'))
    expect(log).toEqual([
      'stop a error',
      'stop c shutdown',
      'stop b shutdown',
      'start a',
      'start b',
      'start c',
    ])
    await system.stop()
  }),
)

test(
  'two crashes in one turn cause two restarts with one-for-one, and one restart with one-for-all',
  virtually(async (log) => {
    for (const [strategy, expected] of [
      ['one-for-one', 2],
      ['one-for-all', 1],
    ] as const) {
      const system = await start({ strategy, children: [probe(log, 'a'), probe(log, 'b')] })
      const events = collect(system, 'restarting')
      await settled()
      void ref(system, 'a').tell.crash()
      void ref(system, 'b').tell.crash()
      await settled()
      expect(events).toHaveLength(expected)
      expect(['a', 'b'].map((id) => ref(system, id).incarnation)).toEqual([2, 2])
      await system.stop()
    }
  }),
)

test(
  'one-for-all: a child that crashes while its group is stopped does not cause a second restart',
  virtually(async (log) => {
    const system = await start({
      strategy: 'one-for-all',
      children: [probe(log, 'a'), probe(log, 'c'), probe(log, 'b', { cleanup: 200 })],
    })
    const restarts = collect(system, 'restarting')
    const errors = collect(system, 'shutdown-error')
    await settled()
    await ref(system, 'a').tell.crash()
    await sleep(100)
    await ref(system, 'c').tell.crash()
    await sleep(200)
    await settled()
    expect(restarts).toHaveLength(1)
    expect(errors).toMatchObject([{ id: 'c', reason: { kind: 'error' } }])
    expect(['a', 'b', 'c'].map((id) => ref(system, id).incarnation)).toEqual([2, 2, 2])
    await system.stop()
  }),
)

test(
  'rest-for-one: a crash of an earlier child while later children stop causes a second restart',
  virtually(async (log) => {
    const system = await start({
      strategy: 'rest-for-one',
      children: [probe(log, 'a'), probe(log, 'b'), probe(log, 'c', { cleanup: 200 })],
    })
    const restarts = collect(system, 'restarting')
    await settled()
    await ref(system, 'b').tell.crash()
    await sleep(100)
    await ref(system, 'a').tell.crash()
    await sleep(1000)
    expect(restarts.map((event) => event.id)).toEqual(['b', 'a'])
    expect(['a', 'b', 'c'].map((id) => ref(system, id).incarnation)).toEqual([2, 3, 3])
    await system.stop()
  }),
)

test(
  'a supervisor that is stopped in a group restart stops each running child once, in reverse order',
  virtually(async (log) => {
    let slow = false
    const system = await start({
      children: [
        child.supervisor('in', {
          strategy: 'one-for-all',
          children: [
            probe(log, 'a'),
            probe(log, 'b', {
              onStart: async () => {
                if (slow) await sleep(1000)
              },
            }),
            probe(log, 'c'),
          ],
        }),
      ],
    })
    await settled()
    log.length = 0
    slow = true
    await ref(system, 'in/a').tell.crash()
    await sleep(500)
    expect(log.at(-1)).toBe('start a')
    log.length = 0
    await system.root.stopChild('in')
    expect(log).toEqual(['stop a shutdown'])
    await sleep(5000)
    expect(log).toEqual(['stop a shutdown'])
    expect(supervisor(system, 'in').status).toBe('stopped')
    await system.stop()
  }),
)

test(
  'autoShutdown any: the normal end of a significant child ends its supervisor, and a crash does not',
  virtually(async (log) => {
    const transient = { restart: 'transient', significant: true } as const
    const system = await start({
      autoShutdown: 'any',
      children: [probe(log, 'a'), probe(log, 'b', {}, transient)],
    })
    await crash(ref(system, 'b'))
    expect(ref(system, 'b').incarnation).toBe(2)
    await ref(system, 'b').tell.quit()
    await system.done
    expect(await system.root.whenStopped).toEqual({ kind: 'shutdown' })
    expect(log.at(-1)).toBe('stop a shutdown')
  }),
)

test(
  'autoShutdown any: stopChild of a significant child does not end the supervisor',
  virtually(async (log) => {
    const system = await start({
      autoShutdown: 'any',
      children: [probe(log, 'b', {}, { restart: 'transient', significant: true })],
    })
    await system.root.stopChild('b')
    await settled()
    expect(system.root.status).toBe('running')
    await system.stop()
  }),
)

test(
  'autoShutdown all: the end of the last significant child ends the supervisor',
  virtually(async (log) => {
    const temporary = { restart: 'temporary', significant: true } as const
    const system = await start({
      autoShutdown: 'all',
      children: [probe(log, 'x'), probe(log, 'a', {}, temporary), probe(log, 'b', {}, temporary)],
    })
    const a = ref(system, 'a')
    const b = ref(system, 'b')
    await a.tell.quit()
    const c = await system.root.startChild(probe(log, 'c', {}, temporary))
    await b.tell.quit()
    await settled()
    expect(system.root.status).toBe('running')
    await crash(c)
    await system.done
  }),
)
