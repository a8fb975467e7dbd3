// Tests that a child whose end must end its supervisor does so during a restart of its group too.
import { Actor, child } from '@tasktree/actor'
import { sleep } from '@tasktree/core'
import { expect, test } from 'vitest'
import { crash, probe, ref, settled, start, thrown, virtually } from './support/probe.ts'

test.for(['proceed', 'escalate'] as const)(
  'a handler that goes on after a kill for a group restart ends the supervisor only if onZombie is escalate: %s',
  (onZombie) =>
    virtually(async (log) => {
      let running = 0
      class Deaf extends Actor {
        async hang(): Promise<void> {
          running++
          await new Promise(() => {})
        }
        protected override onStart(): void {
          log.push(`start with ${running} running`)
        }
      }
      const system = await start({
        strategy: 'one-for-all',
        children: [child.actor('a', Deaf, [], { onZombie, shutdown: 10 }), probe([], 'b')],
      })
      const failure = system.done.then(
        () => null,
        (error: unknown) => error,
      )
      void thrown(system.lookup(Deaf, 'a')!.ask.hang())
      await settled()
      await crash(ref(system, 'b'))
      await sleep(100)
      if (onZombie === 'escalate') {
        expect(await failure).toMatchObject({ name: 'ActorStopped', path: '/s/a' })
        expect(log).toEqual(['start with 0 running'])
        return
      }
      expect(log).toEqual(['start with 0 running', 'start with 1 running'])
      await system.stop()
      expect(await failure).toBeNull()
    })(),
)

test(
  'a crash that decide escalates ends the supervisor although the restart of a sibling began first',
  virtually(async (log) => {
    const system = await start({
      strategy: 'one-for-all',
      children: [probe(log, 'a', {}, { decide: () => 'escalate' }), probe(log, 'b')],
    })
    const done = thrown(system.done)
    void thrown(system.root.startChild(probe(log, 'slow', { onStart: () => sleep(100) })))
    await settled()
    await crash(ref(system, 'b'))
    await crash(ref(system, 'a'), new Error('mine'))
    expect(await done).toMatchObject({ message: 'mine' })
    expect(log.filter((line) => line.startsWith('start'))).toEqual([
      'start a',
      'start b',
      'start slow',
    ])
  }),
)
