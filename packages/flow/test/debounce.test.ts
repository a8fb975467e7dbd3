import { createTask, isCancelled, sleep } from '@tasktree/core'
import { debounce } from '@tasktree/flow'
import { expect, test } from 'vitest'
import { Gauge, now, thrown, virtual } from './support/virtual.ts'

virtual(
  'debounce calls its function once after a burst, with the last arguments, and all callers get the result',
  async () => {
    const calls: unknown[] = []
    const fn = debounce(async (word: string) => {
      calls.push([word, now()])
      return word.length
    }, 100)
    const typed = ['a', 'ab', 'abc'].map((word, i) =>
      createTask(async () => {
        await sleep(i * 50)
        return fn(word)
      }),
    )
    expect(await Promise.all(typed)).toEqual([3, 3, 3])
    expect(calls).toEqual([['abc', 200]])
    expect(await fn('next')).toBe(4)
    expect(calls).toHaveLength(2)
  },
)

virtual('debounce makes a new call for a burst that comes while its function runs', async () => {
  const fn = debounce(async (n: number) => sleep(100, n), 10)
  const first = fn(1)
  await sleep(50)
  const second = fn(2)
  expect(await Promise.all([first, second])).toEqual([1, 2])
  expect(now()).toBe(160)
})

virtual('debounce gives the failure of its function to every caller', async () => {
  const fn = debounce(async () => {
    throw new Error('failed')
  }, 10)
  const ended = await Promise.allSettled([fn(), fn()])
  expect(ended.map((outcome) => 'reason' in outcome && outcome.reason)).toEqual([
    new Error('failed'),
    new Error('failed'),
  ])
})

virtual('debounce does not call its function when all callers are cancelled', async () => {
  const gauge = new Gauge()
  const fn = debounce(() => gauge.work(10), 100)
  const first = createTask(() => fn())
  const second = createTask(() => fn())
  await sleep(10)
  first.cancel()
  expect(isCancelled(await thrown(first))).toBe(true)
  second.cancel()
  expect(isCancelled(await thrown(second))).toBe(true)
  await sleep(500)
  expect(gauge.begun).toBe(0)
  await fn()
  expect(gauge.begun).toBe(1)
})

test('an aborted signal ends a waiting call of debounce in plain code', async () => {
  const gauge = new Gauge()
  const controller = new AbortController()
  const fn = debounce(() => gauge.work(1), 10_000, { signal: controller.signal })
  const call = fn()
  setTimeout(() => controller.abort(), 5)
  expect(isCancelled(await thrown(call))).toBe(true)
  expect(gauge.begun).toBe(0)
  expect(await debounce(async (n: number) => n, 1)(5)).toBe(5)
})

test('debounce throws at the call for wrong arguments', () => {
  expect(() => debounce(1 as never, 5)).toThrow(TypeError)
  expect(() => debounce(async () => {}, -1)).toThrow(RangeError)
  expect(() => debounce(async () => {}, undefined as never)).toThrow(TypeError)
})
