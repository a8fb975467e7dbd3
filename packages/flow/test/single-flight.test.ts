import { createTask, isCancelled, run, sleep, type Task } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { singleFlight } from '@tasktree/flow'
import { describe, expect, test } from 'vitest'
import { Gauge, now, reports, thrown, virtual } from './support/virtual.ts'

virtual(
  'singleFlight calls its function once for callers with the same key, and again after the end',
  async () => {
    let calls = 0
    const load = singleFlight(async (id: string) => {
      calls++
      await sleep(10)
      return `${id} ${calls}`
    })
    expect(await Promise.all([load('a'), load('a'), load('b')])).toEqual(['a 2', 'a 2', 'b 2'])
    expect(await load('a')).toBe('a 3')
  },
)

describe('the key of singleFlight', () => {
  virtual('is made of all arguments, with objects compared by identity', async () => {
    const seen: unknown[][] = []
    const fn = singleFlight(async (...args: unknown[]) => {
      seen.push(args)
      await sleep(1)
    })
    const object = {}
    const symbol = Symbol.for('s')
    const different = [
      [],
      [undefined],
      [null],
      [1],
      ['1'],
      [1n],
      [true],
      ['true'],
      ['a', 'b'],
      ['a,b'],
      ['"a","b"'],
      [object],
      [{}],
      [symbol],
      [Symbol('s')],
      [Symbol.iterator],
      ['Symbol.for("s")'],
      ['Symbol(s)'],
      [fn],
    ]
    await Promise.all([...different, ...different].map((args) => fn(...args)))
    expect(seen).toEqual(different)
  })

  test('keeps no argument of a finished call in memory', () =>
    run(async () => {
      const fn = singleFlight(async (...args: unknown[]) => args.length)
      const call = async (make: () => WeakKey): Promise<WeakRef<WeakKey>> => {
        const argument = make()
        await fn(argument)
        return new WeakRef(argument)
      }
      for (const make of [() => Symbol('s'), () => ({}), () => () => {}]) {
        const argument = await call(make)
        for (let i = 0; i < 50 && argument.deref() !== undefined; i++) {
          await sleep(0)
          gc?.()
        }
        expect(argument.deref()).toBeUndefined()
      }
    }))

  virtual('can be chosen with the key option', async () => {
    let calls = 0
    const fn = singleFlight(
      async ({ id }: { id: number }) => {
        await sleep(1)
        return `${id} ${++calls}`
      },
      { key: ({ id }) => id },
    )
    expect(await Promise.all([fn({ id: 1 }), fn({ id: 1 }), fn({ id: 2 })])).toEqual([
      '1 1',
      '1 1',
      '2 2',
    ])
  })
})

virtual('singleFlight gives the failure of its function to every caller', async () => {
  const fn = singleFlight(async () => {
    await sleep(1)
    throw new Error('failed')
  })
  const [a, b] = await Promise.allSettled([fn(), fn()])
  expect(a).toEqual({ status: 'rejected', reason: new Error('failed') })
  expect(b).toEqual(a)
})

describe('a cancelled caller of a singleFlight function', () => {
  virtual('leaves at once, and the others get their result', async () => {
    const gauge = new Gauge()
    const fn = singleFlight(() => gauge.work(100))
    const first = createTask(() => fn())
    const second = createTask(() => fn())
    await sleep(10)
    first.cancel()
    expect(isCancelled(await thrown(first))).toBe(true)
    expect(now()).toBe(10)
    await second
    expect(now()).toBe(100)
    expect(gauge).toMatchObject({ begun: 1, cancelled: 0 })
  })

  virtual('that is the last ends the work and waits for its clean-up', async () => {
    const gauge = new Gauge()
    const fn = singleFlight(() => gauge.work(100, 30))
    const callers = [createTask(() => fn()), createTask(() => fn())]
    await sleep(10)
    for (const caller of callers) caller.cancel()
    for (const caller of callers) expect(isCancelled(await thrown(caller))).toBe(true)
    expect(gauge).toMatchObject({ cancelled: 1, running: 0 })
    expect(now()).toBe(40)
  })

  virtual('that is the last throws an error that the work throws in its clean-up', async () => {
    const fn = singleFlight(async () => {
      try {
        await sleep(100)
      } finally {
        // oxlint-disable-next-line no-unsafe-finally -- the test needs a clean-up that fails
        throw new Error('clean-up')
      }
    })
    const caller = createTask(() => fn())
    await sleep(10)
    caller.cancel()
    expect(await thrown(caller)).toEqual(new Error('clean-up'))
  })

  virtual('does not let a later caller join the work that is being cancelled', async () => {
    const gauge = new Gauge()
    const fn = singleFlight(() => gauge.work(100, 30))
    const first = createTask(() => fn())
    await sleep(10)
    first.cancel()
    await sleep(10)
    await fn()
    expect(now()).toBe(120)
    expect(gauge).toMatchObject({ begun: 2, cancelled: 1, running: 0 })
  })

  virtual('does not end the work that it has begun while another caller waits', async () => {
    const fn = singleFlight(() => sleep(100, 'result'))
    const later: Task<string>[] = []
    const first = createTask(async () => {
      const own = fn()
      later.push(createTask(() => fn()))
      await own
    })
    await sleep(10)
    first.cancel()
    await thrown(first)
    expect(await later[0]).toBe('result')
  })
})

test('a failure of singleFlight in the turn in which its last caller is cancelled is reported', async () => {
  let heard: unknown[] = []
  await runVirtual(async () => {
    heard = reports()
    const fn = singleFlight(async () => {
      await sleep(10)
      throw new Error('failed')
    })
    const caller = createTask(() => fn())
    await sleep(10)
    caller.cancel()
    expect(isCancelled(await thrown(caller))).toBe(true)
  })
  expect(heard).toEqual([new Error('failed')])
})

test('an aborted signal ends the calls of singleFlight in plain code, and refuses later calls', async () => {
  const gauge = new Gauge()
  const controller = new AbortController()
  const fn = singleFlight(() => gauge.work(10_000), { signal: controller.signal })
  const calls = [fn(), fn()]
  setTimeout(() => controller.abort(), 5)
  for (const call of calls) expect(isCancelled(await thrown(call))).toBe(true)
  expect(gauge).toMatchObject({ begun: 1, cancelled: 1, running: 0 })
  expect(isCancelled(await thrown(fn()))).toBe(true)
  expect(gauge.begun).toBe(1)
})

test('singleFlight throws at the call for wrong arguments', () => {
  expect(() => singleFlight(1 as never)).toThrow(TypeError)
  expect(() => singleFlight(async () => {}, { key: 'id' as never })).toThrow(
    /key must be a function/,
  )
})
