import { createTask, isCancelled, sleep } from '@tasktree/core'
import { throttle } from '@tasktree/flow'
import { expect, test } from 'vitest'
import { Gauge, now, thrown, virtual } from './support/virtual.ts'

virtual(
  'throttle calls its function at once, and once after the interval for all calls in between',
  async () => {
    const calls: unknown[] = []
    const fn = throttle(async (n: number) => {
      calls.push([n, now()])
      return n
    }, 100)
    const made = [0, 10, 20, 150, 350].map((at) =>
      createTask(async () => {
        await sleep(at)
        return fn(at)
      }),
    )
    expect(await Promise.all(made)).toEqual([0, 20, 20, 150, 350])
    expect(calls).toEqual([
      [0, 0],
      [20, 100],
      [150, 200],
      [350, 350],
    ])
  },
)

virtual('throttle never begins its function twice within the interval', async () => {
  const begun: number[] = []
  const fn = throttle(async () => {
    begun.push(now())
    await sleep(35)
  }, 100)
  const made: Promise<void>[] = []
  for (let i = 0; i < 100; i++) {
    made.push(fn())
    await sleep(7)
  }
  await Promise.all(made)
  const gaps = begun.slice(1).map((at, i) => at - (begun[i] as number))
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(100)
  expect(begun).toHaveLength(8)
})

virtual('throttle does not call its function when all waiting callers are cancelled', async () => {
  const gauge = new Gauge()
  const fn = throttle(() => gauge.work(1), 100)
  await fn()
  const early = createTask(() => fn())
  await sleep(10)
  early.cancel()
  expect(isCancelled(await thrown(early))).toBe(true)
  await sleep(500)
  expect(gauge.begun).toBe(1)
  await fn()
  expect(gauge.begun).toBe(2)
})

test('an aborted signal ends a call of throttle in plain code', async () => {
  const gauge = new Gauge()
  const controller = new AbortController()
  const fn = throttle(() => gauge.work(10_000), 5, { signal: controller.signal })
  const call = fn()
  setTimeout(() => controller.abort(), 5)
  expect(isCancelled(await thrown(call))).toBe(true)
  expect(gauge).toMatchObject({ begun: 1, running: 0 })
})

test('throttle throws at the call for wrong arguments', () => {
  expect(() => throttle(1 as never, 5)).toThrow(TypeError)
  expect(() => throttle(async () => {}, NaN)).toThrow(RangeError)
})
