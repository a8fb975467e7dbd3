// The contests about queues, which locks.ts runs together with its own.
import { createTask, run } from '@tasktree/core'
import { Queue } from '@tasktree/sync'
import { Effect, Queue as EffectQueue } from 'effect'
import fastq from 'fastq'
import type { Contest } from '../contest.ts'

export function queues(): Contest {
  const n = 100_000
  const queue = new Queue<number>()
  const ours = async (n: number): Promise<number> => {
    let count = 0
    for (let i = 0; i < n; i++) {
      await queue.put(1)
      count += await queue.get()
    }
    return count
  }
  const worker = fastq.promise(async (item: number) => item, 1)
  return {
    title: 'put + get',
    against: 'asyncio',
    contestants: [
      { name: 'tasktree Queue, plain code', operations: n, work: ours },
      { name: 'tasktree Queue, in a task', operations: n, work: (n) => run(() => ours(n)) },
      {
        name: 'tasktree Queue, in a generator',
        operations: n,
        work: (n) =>
          run(function* () {
            let count = 0
            for (let i = 0; i < n; i++) {
              yield* queue.put(1)
              count += yield* queue.get()
            }
            return count
          }),
      },
      {
        name: 'tasktree Queue, putNowait + getNowait',
        operations: n,
        work: async (n) => {
          let count = 0
          for (let i = 0; i < n; i++) {
            queue.putNowait(1)
            count += queue.getNowait()
          }
          return count
        },
      },
      {
        name: 'fastq push (a job, awaited)',
        operations: n,
        work: async (n) => {
          let count = 0
          for (let i = 0; i < n; i++) count += await worker.push(1)
          return count
        },
      },
      {
        name: 'effect Queue',
        operations: 20_000,
        work: (n) =>
          Effect.runPromise(
            Effect.gen(function* () {
              const queue = yield* EffectQueue.unbounded<number>()
              let count = 0
              for (let i = 0; i < n; i++) {
                yield* EffectQueue.offer(queue, 1)
                count += yield* EffectQueue.take(queue)
              }
              return count
            }),
          ),
      },
    ],
  }
}

export function pipes(): Contest {
  return {
    title: 'a producer and a consumer with room for 10, an item',
    against: 'asyncio',
    contestants: [
      {
        name: 'tasktree Queue of 10, two tasks',
        operations: 50_000,
        work: (n) =>
          run(async () => {
            const queue = new Queue<number>({ maxsize: 10 })
            const producer = createTask(async () => {
              for (let i = 0; i < n; i++) await queue.put(1)
            })
            let count = 0
            for (let i = 0; i < n; i++) count += await queue.get()
            await producer
            return count
          }),
      },
      {
        name: 'tasktree Queue of 10, two generators',
        operations: 50_000,
        work: (n) =>
          run(function* () {
            const queue = new Queue<number>({ maxsize: 10 })
            const producer = createTask(function* () {
              for (let i = 0; i < n; i++) yield* queue.put(1)
            })
            let count = 0
            for (let i = 0; i < n; i++) count += yield* queue.get()
            yield* producer
            return count
          }),
      },
      {
        name: 'effect Queue of 10, two fibers',
        operations: 20_000,
        work: (n) =>
          Effect.runPromise(
            Effect.gen(function* () {
              const queue = yield* EffectQueue.bounded<number>(10)
              const produce = Effect.gen(function* () {
                for (let i = 0; i < n; i++) yield* EffectQueue.offer(queue, 1)
              })
              yield* Effect.forkChild(produce)
              let count = 0
              for (let i = 0; i < n; i++) count += yield* EffectQueue.take(queue)
              return count
            }),
          ),
      },
    ],
  }
}
