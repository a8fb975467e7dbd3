/** Tests two submissions of one id whose results would be in different buckets, on a real server and on the server in memory. */
import { gather, isCancelled, sleep } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import {
  type Cluster,
  connect,
  type RemoteExecutor,
  type RemoteJob,
  remoteJobs,
  type SubmitOptions,
  UnknownJob,
} from '@tasktree/nats'
import { type MemoryBus, MemoryServer } from '@tasktree/nats/testing'
import { describe, expect, test, vi } from 'vitest'
import { thrown } from '../../../vitest.thrown.ts'
import { startMemoryNode } from './support/nodes-in-memory.ts'
import { describeWithServer } from './support/server.ts'
import { inTree } from './support/tree.ts'

/** The first arguments of all runs. */
const begun: string[] = []
/** The result of a job says which of the two submissions has run. */
const work = {
  echo: async (who: string, ms: number): Promise<string> => {
    begun.push(who)
    return sleep(ms, who)
  },
}
const { echo } = remoteJobs<typeof work>('work')
const elsewhere = remoteJobs<typeof work>('elsewhere')

interface Home {
  /** Runs `body` in a cluster with one worker of the queue `q`, which runs one job at a time. */
  use(body: (first: Cluster, second: Cluster) => Promise<void>): Promise<void>
}

const inMemory: Home = {
  use: (body) =>
    runVirtual(async () => {
      begun.length = 0
      const server = new MemoryServer()
      const system = await startMemoryNode(server, 'node', (own) => [
        own.worker('q', { work }, { unknownAfter: 5_000 }),
      ])
      {
        await using first = await connect({ connector: server.connector })
        await using second = await connect({ connector: server.connector })
        await body(first, second)
      }
      await system.stop()
    }),
}

/** The values of `resultTtl` of two submissions. The first is the default, whose bucket has a name of its own. */
const orders: (readonly [number, number])[] = [
  [3_600_000, 60_000],
  [60_000, 3_600_000],
  [60_000, Infinity],
]

function executors(
  [first, second]: readonly Cluster[],
  [ttl, otherTtl]: readonly [number, number],
  options: readonly [SubmitOptions, SubmitOptions] = [{}, {}],
): [RemoteExecutor, RemoteExecutor] {
  return [
    first!.executor('q', { resultTtl: ttl }).with({ id: 'same', ...options[0] }),
    second!.executor('q', { resultTtl: otherTtl }).with({ id: 'same', ...options[1] }),
  ]
}

function semantics(home: Home): void {
  describe.each(orders)(
    'two submissions of one id, with a resultTtl of %d ms and then of %d ms',
    (...ttls) => {
      test('the second submission before the job begins gets the result of the first', async () => {
        await home.use(async (...clusters) => {
          const [one, two] = executors(clusters, ttls)
          const blocker = clusters[0].executor('q').submit(echo, 'blocker', 300)
          await blocker.accepted
          const first = one.submit(echo, 'first', 0)
          await first.accepted
          const second = two.submit(echo, 'second', 0)
          await second.accepted
          expect(await gather([first, second])).toEqual(['first', 'first'])
          expect(begun).toEqual(['blocker', 'first'])
        })
      })

      test('the second submission while the job runs gets the result of the first', async () => {
        await home.use(async (...clusters) => {
          const [one, two] = executors(clusters, ttls)
          const first = one.submit(echo, 'first', 600)
          await first.accepted
          await sleep(200)
          const second = two.submit(echo, 'second', 0)
          expect(await gather([second, first])).toEqual(['first', 'first'])
          expect(begun).toEqual(['first'])
        })
      })

      test('the second submission after the job has ended gets the result of the first', async () => {
        await home.use(async (...clusters) => {
          const [one, two] = executors(clusters, ttls)
          expect(await one.submit(echo, 'first', 0)).toBe('first')
          expect(await two.submit(echo, 'second', 0)).toBe('first')
          expect(begun).toEqual(['first'])
        })
      })

      test('the second submission of a delayed job gets the result of the first', async () => {
        await home.use(async (...clusters) => {
          const [one, two] = executors(clusters, ttls, [{ delay: 700 }, { delay: 300 }])
          const first = one.submit(echo, 'first', 300)
          await first.accepted
          const second = two.submit(echo, 'second', 0)
          expect(await gather([first, second])).toEqual(['first', 'first'])
          expect(begun).toEqual(['first'])
        })
      })

      // On a busy machine the server may drop the first submission as a duplicate. It then finds the result only after 30 s.
      test(
        'the first submission with a delay gets the result of the second without a delay',
        { tags: 'slow' },
        async () => {
          await home.use(async (...clusters) => {
            const [one, two] = executors(clusters, ttls, [{ delay: 1_000 }, {}])
            const first = one.submit(echo, 'first', 0)
            await first.accepted
            expect(await two.submit(echo, 'second', 0)).toBe('second')
            expect(await first).toBe('second')
            expect(await one.submit(echo, 'third', 0)).toBe('second')
            expect(begun).toEqual(['second'])
          })
        },
      )

      test('a cancel of the second submission cancels the first, whose job waits', async () => {
        await home.use(async (...clusters) => {
          const [one, two] = executors(clusters, ttls)
          const blocker = clusters[0].executor('q').submit(echo, 'blocker', 500)
          await blocker.accepted
          const first = one.submit(echo, 'first', 0)
          await first.accepted
          const second = two.submit(echo, 'second', 0)
          await second.accepted
          second.cancel()
          // The first submission is not a duplicate, so it looks for a result only after 30 s. The third one looks at once.
          const third = one.submit(echo, 'third', 0)
          expect(isCancelled(await thrown(third))).toBe(true)
          if (home === inMemory) expect(isCancelled(await thrown(first))).toBe(true)
          else first.cancel()
          await blocker
          expect(begun).toEqual(['blocker'])
        })
      })

      test('a cancel of the second submission cancels the first, whose job runs', async () => {
        await home.use(async (...clusters) => {
          const [one, two] = executors(clusters, ttls)
          const first = one.submit(echo, 'first', 60_000)
          await first.accepted
          await sleep(200)
          const second = two.submit(echo, 'second', 0)
          await second.accepted
          second.cancel()
          expect(isCancelled(await thrown(first))).toBe(true)
          expect(isCancelled(await thrown(two.submit(echo, 'third', 0)))).toBe(true)
        })
      })

      test('a submission with the generated id of another job gets the result of that job', async () => {
        await home.use(async (one, two) => {
          const first = one.executor('q', { resultTtl: ttls[0] }).submit(echo, 'first', 300)
          await first.accepted
          const executor = two.executor('q', { resultTtl: ttls[1] }).with({ id: first.id })
          expect(await executor.submit(echo, 'second', 0)).toBe('first')
          expect(await executor.submit(echo, 'third', 0)).toBe('first')
          expect(begun).toEqual(['first'])
        })
      })
    },
  )

  test('a submission with the id of a job whose result has expired runs a new job', async () => {
    await home.use(async (...clusters) => {
      const [one, two] = executors(clusters, [1_000, 3_600_000])
      expect(await one.submit(echo, 'first', 0)).toBe('first')
      await sleep(2_500)
      const again = Array.from({ length: 3 }, () => one.submit(echo, 'again', 100))
      expect(await gather(again)).toEqual(['again', 'again', 'again'])
      await sleep(2_500)
      expect(await two.submit(echo, 'second', 0)).toBe('second')
      expect(begun).toEqual(['first', 'again', 'second'])
    })
  })

  test('a delayed submission with the id of a job whose result has expired runs a new job', async () => {
    await home.use(async (...clusters) => {
      const [one, two] = executors(clusters, [1_000, 3_600_000], [{}, { delay: 300 }])
      expect(await one.submit(echo, 'first', 0)).toBe('first')
      await sleep(2_500)
      expect(await two.submit(echo, 'second', 0)).toBe('second')
      expect(begun).toEqual(['first', 'second'])
    })
  })
}

describe('the server in memory', () => {
  semantics(inMemory)

  // The server remembers an id for two minutes, so these two submissions are two messages.
  test('a second submission long after the job has ended gets the result of the first', async () => {
    await inMemory.use(async (...clusters) => {
      for (const ttls of orders) {
        const id = `late-${ttls.join('-')}`
        const [one, two] = executors(clusters, ttls, [{ id }, { id }])
        expect(await one.submit(echo, 'first', 0)).toBe('first')
        await sleep(ttls[0] === 60_000 ? 59_000 : 1_000_000)
        expect(await two.submit(echo, 'second', 0)).toBe('first')
      }
      expect(begun).not.toContain('second')
    })
  })

  test('a second submission long after the job has begun gets the result of the first', async () => {
    for (const ttls of orders) {
      await inMemory.use(async (...clusters) => {
        const [one, two] = executors(clusters, ttls)
        const first = one.submit(echo, 'first', 300_000)
        await first.accepted
        await sleep(200_000)
        // The worker is busy, so the second message waits until the first one has its result.
        expect(await gather([first, two.submit(echo, 'second', 0)])).toEqual(['first', 'first'])
        expect(begun).toEqual(['first'])
      })
    }
  })

  test('the second submission of a job that no worker knows fails with UnknownJob like the first', async () => {
    for (const ttls of orders) {
      await inMemory.use(async (...clusters) => {
        const [one, two] = executors(clusters, ttls)
        const first = one.submit(elsewhere.echo, 'first', 0)
        await sleep(3_000) // by now a worker has given the job back once
        const second = two.submit(elsewhere.echo, 'second', 0)
        expect(await thrown(second)).toBeInstanceOf(UnknownJob)
        expect(await thrown(first)).toBeInstanceOf(UnknownJob)
      })
    }
  })

  test('a cancel of a job does not delete the message of another job', async () => {
    await inMemory.use(async (cluster) => {
      const executor = cluster.executor('q', { maxInFlight: 1 })
      const delayed = cluster.executor('q').with({ delay: 5_000 })
      const waiting = ['one', 'two'].map((who) => delayed.submit(echo, who, 0))
      await gather(waiting.map((job) => job.accepted))
      const blocker = executor.submit(echo, 'blocker', 1_000)
      // Its delay is over before the job is sent. So its message is the second one in the stream of jobs without a delay.
      const late = executor.with({ delay: 500 }).submit(echo, 'late', 60_000)
      await blocker
      await late.accepted
      late.cancel()
      expect(await gather(waiting)).toEqual(['one', 'two'])
    })
  })

  test('twice as many second submissions with another resultTtl take twice as many reads', async () => {
    const half = await readsOfDuplicates(500)
    const whole = await readsOfDuplicates(1_000)
    expect(whole).toBeLessThan(2.2 * half)
    expect(whole).toBeLessThan(16 * 1_000)
  })
})

/** Returns how many entries and messages are read for `count` jobs that are submitted twice. */
async function readsOfDuplicates(count: number): Promise<number> {
  let reads = 0
  await runVirtual(async () => {
    const server = new MemoryServer({ latency: 0 })
    const system = await startMemoryNode(server, 'node', (own) => [
      own.worker('q', { work }, { concurrency: count }),
    ])
    {
      await using first = await connect({ connector: server.connector })
      await using second = await connect({ connector: server.connector })
      const submit = (cluster: Cluster, resultTtl: number): RemoteJob<string>[] => {
        const executor = cluster.executor('q', { resultTtl })
        return Array.from({ length: count }, (_, i) =>
          executor.with({ id: `job-${i}` }).submit(echo, `${resultTtl}`, 1_000),
        )
      }
      await gather(submit(first, 60_000).map((job) => job.accepted))
      const entries = vi.spyOn(server, 'entry')
      const messages = vi.spyOn(server.connections[2] as MemoryBus, 'readHeaders')
      const results = await gather(submit(second, 5_000))
      expect(new Set(results)).toEqual(new Set(['60000']))
      expect(messages.mock.calls.length).toBe(count)
      reads = entries.mock.calls.length + messages.mock.calls.length
    }
    await system.stop()
  })
  return reads
}

describeWithServer('the real server', (server) => {
  semantics({
    use: (body) => {
      begun.length = 0
      const where = server.newCluster()
      return inTree(
        where,
        (own) => [own.worker('q', { work }, { unknownAfter: 5_000 })],
        async (first) => {
          await using second = await connect(where)
          await body(first, second)
        },
      )
    },
  })
})
