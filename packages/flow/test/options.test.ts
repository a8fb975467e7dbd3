import { EventEmitter } from 'node:events'
import {
  CircuitBreaker,
  debounce,
  exhaust,
  exponential,
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
  ticker,
} from '@tasktree/flow'
import { refusesWrongOptions } from '../../core/test/support/wrong-options.ts'

const noop = async (): Promise<void> => {}
const source = (): EventEmitter => new EventEmitter()
const work = { concurrency: 'count', stopOnError: 'flag', signal: 'other' } as const
const keyed = { key: 'fn', signal: 'other' } as const
const signal = { signal: 'other' } as const
const breaker = { failures: 1, within: 1, resetAfter: 1 }

refusesWrongOptions({
  map: [(o) => map([], noop, o), work],
  forEach: [(o) => forEach([], noop, o), work],
  mapStream: [
    (o) => mapStream([], noop, o),
    { concurrency: 'count', ordered: 'flag', buffer: 'count', signal: 'other' },
  ],
  retry: [
    (o) => retry(noop, o),
    {
      attempts: 'count',
      backoff: 'fn',
      timeout: 'duration',
      retryIf: 'fn',
      onRetry: 'fn',
      signal: 'other',
    },
  ],
  exponential: [
    (o) => exponential(o),
    { min: 'duration', max: 'duration', factor: 'duration', jitter: 'other' },
  ],
  hedge: [
    (o) => hedge(noop, o),
    { delay: 'duration', max: 'count', signal: 'other' },
    { delay: 1 },
  ],
  CircuitBreaker: [
    (o) => new CircuitBreaker(o),
    {
      failures: 'count',
      within: 'duration',
      resetAfter: 'duration',
      halfOpen: 'count',
      countIf: 'fn',
    },
    breaker,
  ],
  'CircuitBreaker.run': [(o) => new CircuitBreaker(breaker).run(noop, o), signal],
  singleFlight: [(o) => singleFlight(noop, o), keyed],
  latest: [(o) => latest(noop, o), keyed],
  exhaust: [(o) => exhaust(noop, o), keyed],
  queued: [(o) => queued(noop, o), keyed],
  debounce: [(o) => debounce(noop, 1, o), signal],
  throttle: [(o) => throttle(noop, 1, o), signal],
  ticker: [(o) => ticker(1, o), signal],
  poll: [
    (o) => poll(async () => 1, o),
    { interval: 'duration', timeout: 'duration', signal: 'other' },
    { interval: 1 },
  ],
  on: [(o) => on(source(), 'x', o), { buffer: 'count', overflow: 'other', signal: 'other' }],
  once: [(o) => once(source(), 'x', o), signal],
})
