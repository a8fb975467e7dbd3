import { AsyncLocalStorage } from 'node:async_hooks'
import { run, sleep } from '@tasktree/core'
import {
  CircuitBreaker,
  constant,
  exhaust,
  forEach,
  hedge,
  latest,
  map,
  mapStream,
  poll,
  queued,
  retry,
} from '@tasktree/flow'
import { expect, test } from 'vitest'

const storage = new AsyncLocalStorage<string>()

/** Returns the value of the storage before and after a wait. */
async function look(): Promise<string> {
  const before = storage.getStore()
  await sleep(1)
  return `${before} ${storage.getStore()}`
}

const breaker = new CircuitBreaker({ failures: 1, within: 1, resetAfter: 1 })
const inTurn = queued(look)
const refused = exhaust(look, { key: () => storage.getStore() })
const newest = latest(look, { key: () => storage.getStore() })

const calls: Record<string, () => Promise<unknown>> = {
  'map over an array': async () => map([1, 2, 3], look, { concurrency: 2 }),
  'map over a set': async () => map(new Set([1, 2, 3]), look, { concurrency: 2 }),
  forEach: async () => {
    const seen: string[] = []
    await forEach([1, 2], async () => seen.push(await look()))
    return seen
  },
  mapStream: async () => {
    const seen: string[] = []
    for await (const each of mapStream([1, 2], look, { concurrency: 2 })) seen.push(each)
    return seen
  },
  retry: async () =>
    retry(
      async (attempt) => {
        if (attempt === 1) throw new Error('again')
        return [await look()]
      },
      { backoff: constant(1), timeout: 1000 },
    ),
  hedge: async () => [await hedge(look, { delay: 0 })],
  'CircuitBreaker.run': async () => [await breaker.run(look)],
  poll: async () => [await poll(look, { interval: 1 })],
  queued: async () => [await inTurn()],
  exhaust: async () => [await refused()],
  latest: async () => [await newest()],
}

test.each(Object.entries(calls))(
  '%s calls its function with the AsyncLocalStorage value of its caller',
  async (_name, call) => {
    const both = async (): Promise<unknown[]> =>
      Promise.all([storage.run('a', call), storage.run('b', call)])
    for (const results of [await both(), await run(both)]) {
      for (const [i, name] of ['a', 'b'].entries()) {
        expect(new Set(results[i] as string[])).toEqual(new Set([`${name} ${name}`]))
      }
    }
  },
)
