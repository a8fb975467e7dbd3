import {
  cancelScope,
  failAfter,
  isCancelled,
  moveOnAfter,
  shielded,
  sleep,
  TimeoutError,
} from '@tasktree/core'
import {
  CircuitBreaker,
  constant,
  debounce,
  exhaust,
  forEach,
  hedge,
  latest,
  map,
  mapStream,
  poll,
  queued,
  retry,
  singleFlight,
  throttle,
} from '@tasktree/flow'
import { runVirtual } from '@tasktree/core/testing'
import { describe, expect, test } from 'vitest'
import { sweepLevelCancel } from '../../core/test/support/level-sweep.ts'
import { now, thrown, virtual } from './support/virtual.ts'

let running = 0

/** Works for `ms` milliseconds. Its clean-up takes a while, and is shielded from the scope around it. */
async function work(ms: number): Promise<void> {
  running++
  try {
    await sleep(ms)
  } finally {
    await shielded(() => sleep(3))
    running--
  }
}

/** Swallows every cancel. A cancelled scope must end it all the same. */
async function stubborn(): Promise<void> {
  running++
  for (let i = 0; i < 5; i++) {
    try {
      await sleep(20)
    } catch (error) {
      if (!isCancelled(error)) throw error
    }
  }
  running--
}

const calls: Record<string, () => PromiseLike<unknown>> = {
  'map over an array': () => map([1, 5, 9, 13], work, { concurrency: 2 }),
  'map over a set': () => map(new Set([1, 5, 9, 13]), work, { stopOnError: false }),
  'map of what swallows cancels': () => map([1, 2], stubborn),
  'forEach over an async source': () =>
    forEach(
      (async function* () {
        try {
          for (;;) {
            await sleep(2)
            yield 4
          }
        } finally {
          await work(1).catch(() => {})
        }
      })(),
      work,
    ),
  mapStream: async () => {
    for await (const _ of mapStream([1, 5, 9], work, { concurrency: 2 })) await sleep(1)
  },
  retry: () =>
    retry(() => work(4).then(() => Promise.reject(new Error('no'))), { backoff: constant(1) }),
  'retry with a timeout': () => retry(() => work(10), { timeout: 4, backoff: constant(1) }),
  hedge: () => hedge(() => work(9), { delay: 2, max: 3 }),
  poll: () => poll(() => work(2), { interval: 1 }),
  'CircuitBreaker.run': () =>
    new CircuitBreaker({ failures: 1, within: 1, resetAfter: 1 }).run(() => work(9)),
  singleFlight: async () => {
    const fn = singleFlight(work)
    await Promise.all([fn(9), fn(9), fn(5)])
  },
  queued: async () => {
    const fn = queued(work)
    await Promise.all([fn(5), fn(5), fn(5)])
  },
  exhaust: () => exhaust(work)(9),
  latest: async () => {
    const fn = latest(work)
    await Promise.allSettled([fn(9), fn(9)])
  },
  debounce: () => debounce(work, 3)(7),
  throttle: async () => {
    const fn = throttle(work, 5)
    await Promise.all([fn(3), fn(3)])
  },
}

describe.each(Object.entries(calls))('in a scope that is cancelled, %s', (_name, call) => {
  test.each([0, 1, 2, 3, 4, 5, 6, 8, 11, 14])(
    'leaves nothing behind when its deadline is at %i ms, and its clean-up completes',
    async (ms) => {
      running = 0
      await runVirtual(async () => {
        // A retry may throw the error of its last attempt before the scope is cancelled.
        await cancelScope(call, { timeout: ms }).catch(() => {})
        expect(running).toBe(0)
      })
    },
  )
})

test.each(Object.entries(calls))(
  '%s: a scope that is cancelled at any turn ends it, and its clean-up completes',
  async (_, call) => {
    const cancels = await runVirtual(() =>
      sweepLevelCancel({
        prepare: () => {
          running = 0
        },
        // A retry may throw the error of its last attempt before the scope is cancelled.
        operate: async () => {
          await call().then(null, (error: unknown) => {
            if (isCancelled(error)) throw error
          })
          // If `Promise.allSettled` has swallowed the cancel, this wait throws it again.
          await sleep(0)
        },
        after: () => expect(running).toBe(0),
        // There are three moments in each millisecond.
        moment: (i) => sleep(i % 3 === 2 ? 1 : 0),
        grace: 100,
        moments: 45,
      }),
    )
    expect(cancels).toBeGreaterThan(3)
  },
)

describe('the deadline of a scope around retry', () => {
  const failing = (times: number[]) => async (): Promise<never> => {
    times.push(now())
    throw new Error(`at ${now()}`)
  }

  virtual(
    'is not waited for if the next attempt would begin after it: retry throws the last error',
    async () => {
      const times: number[] = []
      const retrying = failAfter(250, () =>
        retry(failing(times), { attempts: 10, backoff: constant(100) }),
      )
      expect(await thrown(retrying)).toEqual(new Error('at 200'))
      expect(times).toEqual([0, 100, 200])
      expect(now()).toBe(200)
    },
  )

  virtual('is that of the nearest scope, and is hidden by a shield', async () => {
    const times: number[] = []
    const retrying = failAfter(10_000, () =>
      failAfter(150, () => retry(failing(times), { attempts: 10, backoff: constant(100) })),
    )
    expect(await thrown(retrying)).toEqual(new Error('at 100'))
    const inShield: number[] = []
    await failAfter(50, () =>
      shielded(async () => {
        await thrown(retry(failing(inShield), { attempts: 2, backoff: constant(100) }))
      }),
    ).catch(() => {})
    expect(inShield).toHaveLength(2)
  })

  virtual('ends an attempt that is running', async () => {
    const retrying = failAfter(50, () => retry(() => sleep(1000)))
    expect(await thrown(retrying)).toBeInstanceOf(TimeoutError)
    expect(now()).toBe(50)
  })
})

describe('the deadline of a scope around poll', () => {
  virtual('ends it, and no call begins at the deadline or later', async () => {
    const asked: number[] = []
    const result = await moveOnAfter(100, () =>
      poll(
        async () => {
          asked.push(now())
          return undefined
        },
        { interval: 50 },
      ),
    )
    expect(result.cancelled).toBe(true)
    expect(asked).toEqual([0, 50])
  })
})

virtual(
  'an error that a call throws because its scope is cancelled does not open a CircuitBreaker',
  async () => {
    const breaker = new CircuitBreaker({ failures: 1, within: 1000, resetAfter: 1000 })
    const call = cancelScope(
      () =>
        breaker.run(async () => {
          try {
            await sleep(1000)
          } catch {
            throw new Error('reset by peer')
          }
        }),
      { timeout: 5 },
    )
    expect(await thrown(call)).toEqual(new Error('reset by peer'))
    expect(breaker.state).toBe('closed')
  },
)
