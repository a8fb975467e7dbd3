import { EventEmitter } from 'node:events'
import {
  type Backoff,
  CircuitBreaker,
  type CircuitState,
  constant,
  debounce,
  exponential,
  forEach,
  hedge,
  latest,
  map,
  mapStream,
  on,
  once,
  poll,
  retry,
  singleFlight,
  ticker,
} from '@tasktree/flow'
import { expectTypeOf } from 'vitest'

const text = async (n: number): Promise<string> => String(n)

// map: arrays, tuples, iterables, async sources, promises among the items
expectTypeOf(map([1, 2, 3] as number[], text)).toEqualTypeOf<Promise<string[]>>()
expectTypeOf(map([1, 2], text)).toEqualTypeOf<Promise<[string, string]>>()
expectTypeOf(map([1, 'a'] as const, async (x) => x)).toEqualTypeOf<Promise<[1 | 'a', 1 | 'a']>>()
expectTypeOf(map(new Set([1]), text)).toEqualTypeOf<Promise<string[]>>()
expectTypeOf(map(new Map([['a', 1]]), async ([key, n]) => ({ key, n }))).toEqualTypeOf<
  Promise<{ key: string; n: number }[]>
>()
declare const numbers: AsyncIterable<number>
expectTypeOf(map(numbers, text)).toEqualTypeOf<Promise<string[]>>()
declare const promises: Promise<number>[]
expectTypeOf(map(promises, text)).toEqualTypeOf<Promise<string[]>>()
declare const mixed: (number | Promise<number>)[]
expectTypeOf(map(mixed, async (n) => n)).toEqualTypeOf<Promise<number[]>>()
function generic<T, R>(items: readonly T[], fn: (item: T) => Promise<R>): Promise<R[]> {
  return map(items, fn)
}
expectTypeOf(generic).toBeFunction()
expectTypeOf(map([1] as number[], async (n, index) => n + index)).toEqualTypeOf<Promise<number[]>>()
// @ts-expect-error the function takes another type
void map([1], async (s: string) => s)
// @ts-expect-error not iterable
void map(5, text)
// @ts-expect-error no such option
void map([1], text, { concurrent: 2 })
// @ts-expect-error the function must return a promise
void map([1], (n: number) => n)

expectTypeOf(forEach(numbers, text)).toEqualTypeOf<Promise<void>>()
expectTypeOf(mapStream(numbers, text)).toEqualTypeOf<AsyncIterable<string>>()
expectTypeOf(mapStream([1], text, { concurrency: 2, ordered: false, buffer: 3 })).toEqualTypeOf<
  AsyncIterable<string>
>()

// retry: the value, predicates, backoffs
expectTypeOf(retry(async (attempt) => attempt)).toEqualTypeOf<Promise<number>>()
void retry(async () => 1, {
  backoff: exponential({ jitter: 'none' }),
  retryIf: (error): error is TypeError => error instanceof TypeError,
  onRetry: (error, attempt, delay) => {
    expectTypeOf(error).toBeUnknown()
    expectTypeOf(attempt).toBeNumber()
    expectTypeOf(delay).toBeNumber()
  },
})
expectTypeOf(constant(1)).toEqualTypeOf<Backoff>()
const linear: Backoff = (attempt) => attempt * 100
void retry(async () => 1, { backoff: linear })
// @ts-expect-error retryIf must not return a promise
void retry(async () => 1, { retryIf: async () => true })
// @ts-expect-error no such jitter
exponential({ jitter: 'half' })

expectTypeOf(hedge(async () => 'a', { delay: 5 })).toEqualTypeOf<Promise<string>>()
// @ts-expect-error the delay is required
void hedge(async () => 'a', {})

const breaker = new CircuitBreaker({ failures: 1, within: 1, resetAfter: 1 })
expectTypeOf(breaker.run(async () => 1)).toEqualTypeOf<Promise<number>>()
expectTypeOf(breaker.state).toEqualTypeOf<CircuitState>()

// wrappers keep the arguments and the result
const load = async (id: string, version?: number): Promise<{ id: string }> => ({
  id: `${id} ${version}`,
})
expectTypeOf(singleFlight(load)).parameters.toEqualTypeOf<Parameters<typeof load>>()
expectTypeOf(singleFlight(load)).returns.toEqualTypeOf<Promise<{ id: string }>>()
const search = latest(load, {
  key: (id, version) => {
    expectTypeOf(id).toBeString()
    return `${id} ${version}`
  },
})
expectTypeOf(search('a', 1)).toEqualTypeOf<Promise<{ id: string }>>()
expectTypeOf(debounce(load, 5)('a')).toEqualTypeOf<Promise<{ id: string }>>()
// @ts-expect-error the wrapped function takes a string
void singleFlight(load)(5)

declare const maybe: () => Promise<number | undefined>
expectTypeOf(poll(maybe, { interval: 1 })).toEqualTypeOf<Promise<number>>()
expectTypeOf(ticker(1)).toEqualTypeOf<AsyncIterable<number>>()
const emitter = new EventEmitter()
expectTypeOf(on<number>(emitter, 'data')).toExtend<AsyncIterable<number>>()
expectTypeOf(on(emitter, 'data')).toExtend<AsyncIterable<unknown>>()
expectTypeOf(once<Event>(new EventTarget(), 'ping')).toEqualTypeOf<Promise<Event>>()
