import { Actor, type ActorSystem, child, type ExitReason } from '@tasktree/actor'
import { createTask, sleep, sleepForever } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { describe, expect, test } from 'vitest'
import { sweepLevelCancel } from '../../core/test/support/level-sweep.ts'
import { probe, ref, start } from './support/probe.ts'

/** An actor whose start, message and stop each take some turns of the loop. */
class Slow extends Actor {
  readonly #log: string[]

  constructor(log: string[]) {
    super()
    this.#log = log
  }

  protected override async onStart(): Promise<void> {
    await sleep(1)
    this.#log.push('start')
  }

  protected override async onStop(_reason: ExitReason): Promise<void> {
    await sleep(3)
    this.#log.push('stop')
  }

  async work(): Promise<string> {
    await sleep(3)
    return 'done'
  }

  fail(): void {
    throw new Error('boom')
  }
}

interface Given {
  readonly log: string[]
  readonly system: ActorSystem
}

const begin = async (): Promise<Given> => {
  const log: string[] = []
  const options = { strategy: 'one-for-one', maxRestarts: 1_000 } as const
  const system = await start({
    ...options,
    children: [child.actor('slow', Slow, [log]), probe(log, 'probe', { cleanup: 2 })],
  })
  return { log, system }
}
const slow = ({ system }: Given) => system.lookup('/s/slow') as never as SlowRef
interface SlowRef {
  readonly ask: { work(): PromiseLike<string> }
  readonly tell: { fail(): PromiseLike<void> }
  stop(): PromiseLike<ExitReason>
}

/** Waits for the next moment of a cancel. The first 8 moments are one turn of the loop apart. Later ones are 1 ms apart. */
const moment = (i: number): Promise<void> => sleep(i < 8 ? 0 : 1).then(() => {})

/** Calls to a system that other code owns. After a cancel of the call, the system must go on. */
const calls: Record<string, (given: Given) => Promise<unknown>> = {
  ask: async (given) => slow(given).ask.work(),
  'ref.stop': async (given) => slow(given).stop(),
  'a restart by the supervisor': async (given) => {
    await slow(given).tell.fail()
    await sleep(20)
  },
  'a child that is started': async ({ system, log }) => {
    await system.root.startChild(child.actor('late', Slow, [log]))
    await sleep(5)
  },
}

/** Ways to end a system. In each case the system must have ended when the scope ends. */
const ends: Record<string, (given: Given) => Promise<unknown>> = {
  stop: async ({ system }) => {
    try {
      await sleepForever()
    } finally {
      await system.stop()
    }
  },
  'a stop that is cancelled midway': ({ system }) => system.stop(),
  disposal: async ({ system }) => {
    await using _ = system
    await sleep(4)
  },
}

describe('a scope that is cancelled in any turn of these operations ends without a busy loop', () => {
  test.each(Object.keys(calls))(
    'around %s: afterwards the system goes on, and stops in order',
    async (name) => {
      const cancels = await runVirtual(() =>
        sweepLevelCancel<Given>({
          prepare: begin,
          operate: (given) => (calls[name] as (given: Given) => Promise<unknown>)(given),
          after: async ({ system, log }) => {
            await sleep(30)
            await ref(system, '/s/probe').ask.ping()
            await system.stop()
            const count = (what: string) => log.filter((line) => line === what).length
            expect(count('stop')).toBe(count('start'))
            expect(count('start probe')).toBe(1)
          },
          moment,
          moments: 40,
          grace: 10,
          settle: 40,
        }),
      )
      expect(cancels).toBeGreaterThan(0)
    },
  )

  test.each(Object.keys(ends))(
    'around %s: afterwards the system has ended, with its clean-up',
    async (name) => {
      const cancels = await runVirtual(() =>
        sweepLevelCancel<Given>({
          prepare: begin,
          operate: (given) => (ends[name] as (given: Given) => Promise<unknown>)(given),
          after: async ({ system, log }, wasCancelled) => {
            if (wasCancelled) expect(log.filter((line) => line === 'stop')).toHaveLength(1)
            await system.done
          },
          moment,
          moments: 30,
          grace: 10,
        }),
      )
      expect(cancels).toBeGreaterThan(0)
    },
  )
})

test('a task that is cancelled once while it disposes of a system ends after the system has stopped', () =>
  runVirtual(async () => {
    const { system, log } = await begin()
    const task = createTask(async () => {
      await using _ = system
    })
    await sleep(1)
    task.cancel('enough')
    await expect(task).rejects.toThrow('enough')
    expect(log).toContain('stop')
  }))
