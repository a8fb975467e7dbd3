import {
  allTasks,
  createTask,
  currentTask,
  ensureFuture,
  isCancelled,
  newEventLoop,
  run,
  sleep,
  timeout,
} from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { debounce, exhaust, latest, queued, singleFlight, throttle } from '@tasktree/flow'
import { describe, expect, test } from 'vitest'
import { virtual } from './support/virtual.ts'

// A function that shares work between its callers may live longer than the run, or the task, in which it was called first. Later
// calls must not wait for work that ended with that run or task.

const double = async (n: number): Promise<number> => {
  await sleep(10)
  return n * 2
}

const makers: Record<string, () => (n: number) => Promise<number>> = {
  debounce: () => debounce(double, 10),
  throttle: () => throttle(double, 10),
  singleFlight: () => singleFlight(double, { key: () => 'all' }),
  queued: () => queued(double),
  exhaust: () => exhaust(double),
  latest: () => latest(double),
}

describe.each(Object.entries(makers))('%s', (_name, make) => {
  test.each([0, 1, 15])(
    'works in a second run although the first run ended %i ms after a call',
    async (ms) => {
      const fn = make()
      await runVirtual(async () => {
        void fn(1).catch(() => {})
        if (ms > 0) await sleep(ms)
      })
      expect(await runVirtual(() => timeout(1_000, () => fn(2)))).toBe(4)
    },
  )
})

describe.each(['debounce', 'throttle', 'singleFlight'])('%s', (name) => {
  virtual(
    'makes a new call after the work of an earlier call was cancelled by other code',
    async () => {
      const fn = makers[name]!()
      void fn(1).catch(() => {})
      await sleep(1)
      for (const task of allTasks()) if (task !== currentTask()) task.cancel()
      await sleep(1)
      expect(await timeout(1_000, () => fn(2))).toBe(4)
    },
  )

  test('gives callers in another run their outcome when the run of the first caller ends', async () => {
    const fn = makers[name]!()
    const called = Promise.withResolvers<void>()
    const joined = Promise.withResolvers<void>()
    const first = run(async () => {
      void fn(1).catch(() => {})
      await sleep(0)
      called.resolve()
      await ensureFuture(joined.promise)
    })
    const second = run(async () => {
      await ensureFuture(called.promise)
      const result = fn(2)
      const cancelled = createTask(() => fn(2))
      await sleep(0)
      joined.resolve()
      await first
      cancelled.cancel()
      return [await result, await cancelled.catch((error: unknown) => isCancelled(error))]
    })
    expect(await second).toEqual([4, true])
  })

  test('makes a new call after the loop of an earlier call was closed', async () => {
    const fn = makers[name]!()
    const loop = newEventLoop()
    loop.createTask(() => fn(1))
    await sleep(1)
    loop.close()
    expect(await runVirtual(() => timeout(1_000, () => fn(2)))).toBe(4)
  })
})

test('a queued call of a loop that was closed holds up no other call', async () => {
  const fn = queued(double)
  const loop = newEventLoop()
  const first = fn(1)
  loop.createTask(() => fn(2))
  await sleep(1)
  const last = fn(3)
  loop.close()
  expect([await first, await last]).toEqual([2, 6])
})
