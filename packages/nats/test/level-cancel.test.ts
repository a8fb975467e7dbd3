import { Actor } from '@tasktree/actor'
import { getEventLoop, sleep } from '@tasktree/core'
import { type Cluster, cluster, remoteJobs, type StateCodec } from '@tasktree/nats'
import type { MemoryServer } from '@tasktree/nats/testing'
import { describe, expect, test } from 'vitest'
import { sweepLevelCancel } from '../../core/test/support/level-sweep.ts'
import { withReceivers } from './support/nodes-in-memory.ts'

class Counter extends Actor {
  count = 0
  async add(n: number): Promise<number> {
    await sleep(1)
    this.count += n
    return this.count
  }
}

const state: StateCodec<Counter, number> = {
  save: ({ count }) => count,
  load: (counter, count) => {
    counter.count = count
  },
}

const home = {
  double: async (n: number): Promise<number> => sleep(1, 2 * n),
}
const far = remoteJobs<typeof home>('home')

/** Waits for the next moment of a cancel. The first 25 moments are one turn apart. Later ones are 5 ms apart. */
const moment = (i: number): Promise<void> => sleep(i < 25 ? 0 : 5).then(() => {})

const operations: Record<string, (sender: Cluster, server: MemoryServer) => Promise<unknown>> = {
  'a connection': async (_sender, { connector }) => {
    await using other = await cluster({ connector, node: 'other' }).connect()
    await other.nodes()
  },
  'a job': async (sender) => sender.executor('q').submit(far.double, 1),
  'a map of jobs': async (sender) => {
    for await (const _ of sender.executor('q').map(far.double, [1, 2, 3]));
  },
  'an executor that shuts down': async (sender) => {
    const executor = sender.executor('q')
    executor.submit(far.double, 1).catch(() => {})
    await executor.shutdown()
  },
  'an ask of a service': async (sender) => sender.lookup<Counter>('actor').ask.add(1),
  'a confirmed tell': async (sender) =>
    sender.lookup<Counter>('actor').tell({ confirm: true }).add(1),
  'an ask of an entity': async (sender) => sender.ref<Counter>('plain', 'key').ask.add(1),
  'an ask of a durable entity': async (sender) => sender.ref<Counter>('durable', 'key').ask.add(1),
  'the lists of nodes and of all': async (sender) => {
    await sender.nodes()
    await sender.snapshot()
  },
}

describe('a scope that is cancelled in any turn of these operations ends without a busy loop, and the cluster goes on', () => {
  test.each(Object.keys(operations))('%s', { tags: ['slow'] }, (name) =>
    withReceivers({ actor: Counter, state, home }, async (sender, server) => {
      const reports: string[] = []
      getEventLoop().setExceptionHandler((_, { message }) => void reports.push(message))
      // An entity that an operation wakes would be left afterwards. So the entities are woken before.
      for (const type of ['plain', 'durable']) await sender.ref<Counter>(type, 'key').ask.add(0)
      const operate = operations[name] as (typeof operations)[string]
      const cancels = await sweepLevelCancel({
        operate: () => operate(sender, server),
        moment,
        grace: 10_000,
        settle: 10_000,
      })
      expect(cancels).toBeGreaterThan(0)
      expect(await sender.executor('q').submit(far.double, 4)).toBe(8)
      expect(await sender.lookup<Counter>('actor').ask.add(0)).toBeGreaterThanOrEqual(0)
      // The loop reports an unretrieved exception when the garbage collector frees its task.
      globalThis.gc?.()
      await sleep(1)
      expect(reports).toEqual([])
    }),
  )
})
