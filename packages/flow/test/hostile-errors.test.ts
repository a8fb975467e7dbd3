// Tests that a call of this package ends with the value that a function of the program throws, even if the value is hostile.
import { EventEmitter } from 'node:events'
import { run, sleep } from '@tasktree/core'
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
  on,
  once,
  poll,
  queued,
  retry,
  singleFlight,
  throttle,
} from '@tasktree/flow'
import { expect, test } from 'vitest'
import { hostile } from '../../../vitest.hostile.ts'

/** Whether `call` rejects with `value`. An async function could not return such a value, because it looks for `then`. */
async function failsWith(value: unknown, call: () => PromiseLike<unknown>): Promise<boolean> {
  try {
    await call()
  } catch (error) {
    return Object.is(error, value)
  }
  return false
}

type Fail = () => Promise<never>

const calls: Record<string, (fail: Fail) => PromiseLike<unknown>> = {
  'map of an array': (fail) => map([1, 2], fail),
  'map of a set': (fail) => map(new Set([1, 2]), fail),
  forEach: (fail) => forEach([1, 2], fail, { concurrency: 1 }),
  mapStream: async (fail) => {
    for await (const _ of mapStream([1, 2], fail)) await sleep(0)
  },
  'a source': (fail) =>
    map(
      (async function* () {
        yield 1
        await fail()
      })(),
      async (n) => n,
    ),
  retry: (fail) => retry(fail, { attempts: 2, backoff: constant(1) }),
  'retry with a timeout': (fail) =>
    retry(fail, { attempts: 2, backoff: constant(1), timeout: 1_000 }),
  hedge: (fail) => hedge(fail, { delay: 1_000 }),
  'two attempts of hedge': (fail) =>
    hedge((attempt) => (attempt === 1 ? sleep(5).then(fail) : fail()), { delay: 1 }),
  poll: (fail) => poll(fail, { interval: 1 }),
  'a breaker': (fail) =>
    new CircuitBreaker({ failures: 1, within: 1_000, resetAfter: 1_000 }).run(fail),
  singleFlight: (fail) => singleFlight(fail)(),
  latest: (fail) => latest(fail)(),
  exhaust: (fail) => exhaust(fail)(),
  queued: (fail) => queued(fail)(),
  debounce: (fail) => debounce(fail, 1)(),
  throttle: (fail) => throttle(fail, 1)(),
  once: (fail) => {
    const emitter = new EventEmitter()
    const event = once(emitter, 'event')
    fail().catch((error: unknown) => emitter.emit('error', error))
    return event
  },
  on: async (fail) => {
    const emitter = new EventEmitter()
    const events = on(emitter, 'event')
    fail().catch((error: unknown) => emitter.emit('error', error))
    for await (const _ of events) await sleep(0)
  },
}

for (const [name, call] of Object.entries(calls)) {
  test.for(hostile)(
    `${name} rejects with exactly the value that its function throws: %s`,
    async ([, make]) => {
      const value = make()
      const fail: Fail = async () => {
        throw value
      }
      await run(async () => expect(await failsWith(value, () => call(fail))).toBe(true))
      expect(await failsWith(value, () => call(fail))).toBe(true)
      const signal = new AbortController().signal
      expect(await failsWith(value, () => retry(fail, { attempts: 1, signal }))).toBe(true)
    },
  )
}

test.for(hostile)(
  'a CircuitBreaker counts a call that throws %s as a failure',
  async ([, make]) => {
    const breaker = new CircuitBreaker({ failures: 1, within: 1_000, resetAfter: 1_000 })
    const value = make()
    const fail: Fail = async () => {
      throw value
    }
    await run(async () => expect(await failsWith(value, () => breaker.run(fail))).toBe(true))
    expect(breaker.state).toBe('open')
  },
)
