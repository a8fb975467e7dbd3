import { createTask, getRunningLoop, run, sleep } from '@tasktree/core'
import {
  debounce,
  exhaust,
  hedge,
  latest,
  map,
  mapStream,
  poll,
  queued,
  retry,
  singleFlight,
  ticker,
} from '@tasktree/flow'
import { expect, test } from 'vitest'
import { thrown } from './support/virtual.ts'

test('debug mode has nothing to report of cancels, failures and losers inside of this package', async () => {
  const heard: string[] = []
  const cut = async (body: () => PromiseLike<unknown>): Promise<void> => {
    const task = createTask(async () => body())
    await sleep(10)
    task.cancel()
    await thrown(task)
  }
  await run(
    async () => {
      getRunningLoop().setExceptionHandler((_, { message }) => heard.push(message))
      const long = (): PromiseLike<void> => sleep(1000)
      const failing = async (): Promise<never> => {
        await sleep(1)
        throw new Error('failed')
      }
      await cut(() => map([1, 2, 3], long, { concurrency: 2 }))
      await cut(() => map(new Set([1, 2, 3]), long, { stopOnError: false }))
      await cut(() => retry(long, { timeout: 2 }))
      await cut(() => retry(failing, { attempts: 100 }))
      await cut(() => hedge(long, { delay: 2, max: 3 }))
      await cut(() => poll(async () => undefined, { interval: 1 }))
      await cut(async () => {
        for await (const _ of mapStream([1, 2], long, { concurrency: 2 }));
      })
      await cut(async () => {
        for await (const _ of ticker(3));
      })
      for (const wrap of [singleFlight, latest, queued, exhaust]) {
        const fn = wrap(long)
        await cut(() => fn())
      }
      const debounced = debounce(long, 5)
      await cut(() => debounced())
      await thrown(map([1, 2], async (n) => (n === 1 ? failing() : long())))
      await hedge((attempt) => sleep(attempt === 1 ? 1000 : 1), { delay: 1 })
      const search = latest((ms: number) => sleep(ms))
      const first = thrown(search(1000))
      await sleep(1)
      await search(1)
      await first
    },
    { debug: true },
  )
  expect(heard).toEqual([])
})
