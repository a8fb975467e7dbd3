import { createTask, isCancelled, sleep, timeout, TimeoutError } from '@tasktree/core'
import { poll } from '@tasktree/flow'
import { expect, test } from 'vitest'
import { Gauge, now, thrown, virtual } from './support/virtual.ts'

/** Makes a function that returns undefined until it is called the n-th time. */
function ready(n: number): () => Promise<string | undefined> {
  let calls = 0
  return async () => (++calls < n ? undefined : `ready at ${now()}`)
}

virtual(
  'poll calls its function at once and then after each interval, until it returns a value',
  async () => {
    expect(await poll(ready(1), { interval: 100 })).toBe('ready at 0')
    expect(await poll(ready(4), { interval: 100 })).toBe('ready at 300')
  },
)

virtual('poll counts its interval from the end of each call', async () => {
  const asked: number[] = []
  await poll(
    async () => {
      asked.push(now())
      await sleep(30)
      return asked.length === 3 ? 'done' : undefined
    },
    { interval: 100 },
  )
  expect(asked).toEqual([0, 130, 260])
})

virtual('poll returns null, false, 0 and the empty string as values', async () => {
  for (const value of [null, false, 0, '']) {
    expect(await poll(async () => value, { interval: 1 })).toBe(value)
  }
})

virtual('poll throws an error of its function', async () => {
  const fn = async (): Promise<undefined> => {
    throw new Error('failed')
  }
  expect(await thrown(poll(fn, { interval: 1 }))).toEqual(new Error('failed'))
})

virtual('poll throws TimeoutError after its timeout, and cancels a running call', async () => {
  const gauge = new Gauge()
  const polling = poll(
    async () => {
      await gauge.work(30)
      return undefined
    },
    { interval: 10, timeout: 100 },
  )
  expect(await thrown(polling)).toBeInstanceOf(TimeoutError)
  expect(now()).toBe(100)
  expect(gauge).toMatchObject({ begun: 3, cancelled: 1, running: 0 })
})

virtual('poll begins no call at or after the deadline of the timeout around it', async () => {
  const asked: number[] = []
  const polling = timeout(100, () =>
    poll(
      async () => {
        asked.push(now())
        return undefined
      },
      { interval: 50 },
    ),
  )
  expect(await thrown(polling)).toBeInstanceOf(TimeoutError)
  expect(asked).toEqual([0, 50])
})

virtual('a cancel ends poll during a call and between two calls', async () => {
  for (const ms of [0, 1000]) {
    const polling = createTask(() => poll(() => sleep(ms, undefined), { interval: 1000 }))
    await sleep(10)
    polling.cancel()
    expect(isCancelled(await thrown(polling))).toBe(true)
  }
})

test('poll works in plain code, and an aborted signal ends it', async () => {
  let asked = 0
  const fn = async (): Promise<string | undefined> => (++asked === 3 ? 'the third' : undefined)
  expect(await poll(fn, { interval: 1 })).toBe('the third')
  const signal = AbortSignal.timeout(5)
  const error = await thrown(poll(async () => undefined, { interval: 10_000, signal }))
  expect(isCancelled(error)).toBe(true)
})

test('poll throws at the call for wrong arguments', () => {
  const fn = async (): Promise<void> => {}
  expect(() => poll(1 as never, { interval: 1 })).toThrow(TypeError)
  expect(() => poll(fn, undefined as never)).toThrow(TypeError)
  expect(() => poll(fn, {} as never)).toThrow(TypeError)
  expect(() => poll(fn, { interval: -1 })).toThrow(RangeError)
  expect(() => poll(fn, { interval: 1, timeout: NaN })).toThrow(RangeError)
})
