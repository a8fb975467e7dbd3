// Compares map, retry and mapStream with p-map, p-limit, p-retry and effect. Run: node --expose-gc flow/flow.ts
import { run } from '@tasktree/core'
import { map, mapStream, retry } from '@tasktree/flow'
import { Effect } from 'effect'
import pLimit from 'p-limit'
import pMap, { pMapIterable } from 'p-map'
import pRetry from 'p-retry'
import { type Contest, contest, type Contestant } from '../contest.ts'

const n = 10_000
const concurrency = 16

type Step = (count: () => void) => Promise<void>

/** Makes a contest in which each contestant calls `step` `n` times, at most 16 calls at the same time. Every call is counted. */
function mapping(title: string, step: Step): Contest {
  const items = Array.from({ length: n }, (_, i) => i)
  const contestant = (
    name: string,
    mapAll: (items: number[], fn: (item: number) => Promise<number>) => PromiseLike<number[]>,
  ): Contestant => ({
    name,
    operations: n,
    work: async () => {
      let count = 0
      const results = await mapAll(items, async (item) => {
        await step(() => count++)
        return item + 1
      })
      if (results.length !== n || results[n - 1] !== n)
        throw new Error(`${name} gave other results`)
      return count
    },
  })
  return {
    title,
    against: 'p-map',
    contestants: [
      contestant('tasktree map, in a task', (items, fn) =>
        run(() => map(items, fn, { concurrency })),
      ),
      contestant('tasktree map, plain code', (items, fn) => map(items, fn, { concurrency })),
      contestant('p-map', (items, fn) => pMap(items, fn, { concurrency })),
      contestant('p-limit', (items, fn) => {
        const limit = pLimit(concurrency)
        return Promise.all(items.map((item) => limit(fn, item)))
      }),
      contestant('effect forEach', (items, fn) =>
        Effect.runPromise(
          Effect.forEach(items, (item) => Effect.promise(() => fn(item)), { concurrency }),
        ),
      ),
    ],
  }
}

/** Makes a contest in which a loop takes the `n` results of each contestant's stream, and counts them. */
function streaming(): Contest {
  const items = (): Iterable<number> => Array.from({ length: n }, (_, i) => i)
  const fn = async (item: number): Promise<number> => item + 1
  const count = async (stream: AsyncIterable<number>): Promise<number> => {
    let count = 0
    for await (const result of stream) count += result > 0 ? 1 : 0
    return count
  }
  return {
    title: 'a stream of 10,000, 16 at the same time, an item',
    against: 'pMapIterable',
    contestants: [
      {
        name: 'tasktree mapStream, in a task',
        operations: n,
        work: () => run(() => count(mapStream(items(), fn, { concurrency }))),
      },
      {
        name: 'tasktree mapStream, plain code',
        operations: n,
        work: () => count(mapStream(items(), fn, { concurrency })),
      },
      {
        name: 'pMapIterable',
        operations: n,
        work: () => count(pMapIterable(items(), fn, { concurrency })),
      },
    ],
  }
}

function retrying(): Contest {
  // `run` itself takes as long as a few thousand calls of `retry`. That is a small share of this many calls.
  const calls = 200_000
  const loop = async (
    times: number,
    call: (fn: () => Promise<number>) => PromiseLike<number>,
  ): Promise<number> => {
    let count = 0
    for (let i = 0; i < times; i++) await call(async () => count++)
    return count
  }
  const contestant = (
    name: string,
    call: (fn: () => Promise<number>) => PromiseLike<number>,
  ): Contestant => ({ name, operations: calls, work: (times) => loop(times, call) })
  const policy = { attempts: 5 }
  return {
    title: 'retry around a success',
    against: 'p-retry',
    contestants: [
      contestant('tasktree retry, plain code', (fn) => retry(fn)),
      contestant('tasktree retry, plain code, with options', (fn) => retry(fn, policy)),
      {
        name: 'tasktree retry, in a task',
        operations: calls,
        work: (times) => run(() => loop(times, (fn) => retry(fn))),
      },
      contestant('p-retry', (fn) => pRetry(fn)),
      contestant('effect retry', (fn) =>
        Effect.runPromise(Effect.retry(Effect.tryPromise(fn), { times: 2 })),
      ),
    ],
  }
}

/** Measures the heap after every 100,000 of a million results. `mapStream` must not keep the results that the loop has taken. */
async function streamMemory(): Promise<string> {
  const items = function* (): Generator<number> {
    for (let i = 0; i < 1_000_000; i++) yield i
  }
  const heap = (): number => {
    globalThis.gc?.()
    return process.memoryUsage().heapUsed / 2 ** 20
  }
  const samples: number[] = []
  await run(async () => {
    let count = 0
    for await (const _ of mapStream(items(), async (item) => item, { concurrency })) {
      if (++count % 100_000 === 0) samples.push(heap())
    }
    if (count !== 1_000_000) throw new Error(`mapStream gave ${count} of 1,000,000`)
  })
  return `mapStream over 1,000,000 items, heap in MB after every 100,000: ${samples.map((mb) => mb.toFixed(1)).join(', ')}`
}

const atOnce: Step = async (count) => count()
const settled = Promise.resolve()
const inTurns: Step = async (count) => {
  await settled
  await settled
  count()
}

console.log(
  await contest([
    mapping('map of 10,000, 16 at the same time, an item', atOnce),
    mapping('the same, with two awaits in each call', inTurns),
    streaming(),
    retrying(),
  ]),
)
console.log(`\n${await streamMemory()}`)
