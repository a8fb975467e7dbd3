import { createTask, currentTask, Future, isCancelled, sleep } from '@tasktree/core'
import { hedge } from '@tasktree/flow'
import { expect, test } from 'vitest'
import { Gauge, now, reports, thrown, virtual } from './support/virtual.ts'

virtual('hedge begins no second attempt if the first ends within the delay', async () => {
  const begun: number[] = []
  const result = await hedge(
    async (attempt) => {
      begun.push(attempt)
      return sleep(10, 'first')
    },
    { delay: 20 },
  )
  expect(result).toBe('first')
  expect(begun).toEqual([1])
  expect(now()).toBe(10)
})

virtual(
  'hedge begins a second attempt after the delay, and the first result ends the other attempt',
  async () => {
    const gauge = new Gauge()
    const result = await hedge(
      async (attempt) => {
        await gauge.work(attempt === 1 ? 1000 : 5, 7)
        return `${attempt} at ${now()}`
      },
      { delay: 20 },
    )
    expect(result).toBe('2 at 25')
    // When `hedge` has returned, the losing attempt has ended.
    expect(gauge).toMatchObject({ begun: 2, cancelled: 1, running: 0 })
    expect(now()).toBe(32)
  },
)

virtual('hedge gives the result of the first attempt if it ends before the second', async () => {
  const result = await hedge(
    async (attempt) => {
      await sleep(attempt === 1 ? 30 : 1000)
      return attempt
    },
    { delay: 20 },
  )
  expect(result).toBe(1)
  expect(now()).toBe(30)
})

virtual('hedge begins at most max attempts, each after another delay', async () => {
  const begun: number[] = []
  await hedge(
    async () => {
      begun.push(now())
      await sleep(100)
    },
    { delay: 10, max: 4 },
  )
  expect(begun).toEqual([0, 10, 20, 30])
})

virtual('hedge waits for a running attempt when another attempt has failed', async () => {
  const fn = async (attempt: number): Promise<string> => {
    await sleep(attempt === 1 ? 15 : 40)
    if (attempt === 1) throw new Error('first')
    return 'second'
  }
  expect(await hedge(fn, { delay: 10 })).toBe('second')
})

virtual('hedge throws a failure at once when no other attempt runs', async () => {
  let begun = 0
  const fn = async (): Promise<never> => {
    begun++
    await sleep(5)
    throw new Error('failed')
  }
  expect(await thrown(hedge(fn, { delay: 10, max: 5 }))).toEqual(new Error('failed'))
  expect(begun).toBe(1)
  expect(now()).toBe(5)
})

virtual(
  'hedge throws the last error when all attempts fail, and lists the others in it',
  async () => {
    const fn = async (attempt: number): Promise<never> => {
      await sleep(50)
      throw new Error(`attempt ${attempt}`)
    }
    const error = await thrown(hedge(fn, { delay: 10, max: 3 }))
    expect(error).toEqual(new Error('attempt 3'))
    expect((error as AggregateError).errors).toEqual([
      new Error('attempt 1'),
      new Error('attempt 2'),
    ])
  },
)

virtual('an error of a cancelled attempt of hedge in its clean-up is reported', async () => {
  const heard = reports()
  const fn = async (attempt: number): Promise<number> => {
    try {
      await sleep(attempt === 1 ? 1000 : 5)
      return attempt
    } finally {
      // oxlint-disable-next-line no-unsafe-finally -- the test needs a clean-up that fails
      if (attempt === 1) throw new Error('clean-up')
    }
  }
  expect(await hedge(fn, { delay: 10 })).toBe(2)
  expect(heard).toEqual([new Error('clean-up')])
})

virtual('a cancel of hedge ends all attempts and begins none', async () => {
  const gauge = new Gauge()
  const hedging = createTask(() => hedge(() => gauge.work(1000, 3), { delay: 10, max: 3 }))
  await sleep(15)
  hedging.cancel()
  expect(isCancelled(await thrown(hedging))).toBe(true)
  expect(gauge).toMatchObject({ begun: 2, cancelled: 2, running: 0 })
})

virtual(
  'hedge throws the CancelledError of an attempt that is cancelled by itself, and ends the others',
  async () => {
    const gauge = new Gauge()
    const gone = new Future<void>()
    const hedging = hedge((attempt) => (attempt === 1 ? gone : gauge.work(1000)), { delay: 10 })
    await sleep(15)
    gone.cancel()
    expect(isCancelled(await thrown(hedging))).toBe(true)
    expect(gauge).toMatchObject({ cancelled: 1, running: 0 })
  },
)

test('an aborted signal ends all attempts of hedge in plain code', async () => {
  expect(currentTask()).toBe(null)
  const gauge = new Gauge()
  const controller = new AbortController()
  const attempt = (): Promise<void> => {
    const attempting = gauge.work(10_000)
    if (gauge.begun === 2) controller.abort('why')
    return attempting
  }
  const error = await thrown(hedge(attempt, { delay: 1, signal: controller.signal }))
  expect((error as Error).cause).toBe('why')
  expect(gauge).toMatchObject({ begun: 2, cancelled: 2, running: 0 })
})

test('hedge throws at the call for wrong arguments', () => {
  const fn = async (): Promise<void> => {}
  expect(() => hedge(5 as never, { delay: 1 })).toThrow(TypeError)
  expect(() => hedge(fn, undefined as never)).toThrow(TypeError)
  expect(() => hedge(fn, {} as never)).toThrow(TypeError)
  expect(() => hedge(fn, { delay: -1 })).toThrow(RangeError)
  expect(() => hedge(fn, { delay: 1, max: 0 })).toThrow(RangeError)
})
