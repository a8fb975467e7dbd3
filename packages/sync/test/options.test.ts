import {
  Barrier,
  Broadcast,
  CapacityLimiter,
  Channel,
  Condition,
  Event,
  LifoQueue,
  Lock,
  PriorityQueue,
  Queue,
  RateLimiter,
  RWLock,
  Semaphore,
} from '@tasktree/sync'
import { refusesWrongOptions, type Taking } from '../../core/test/support/wrong-options.ts'
import { waits } from './fixtures/waits.ts'

const waiting = Object.entries(waits).map(([name, make]): [string, Taking] => [
  name,
  [(o) => make()[0](o), { signal: 'other' }],
])

refusesWrongOptions({
  ...Object.fromEntries(waiting),
  Barrier: [(o) => new Barrier(1, o), { name: 'text' }],
  'Barrier.reset': [(o) => new Barrier(1).reset(o), { signal: 'other' }],
  'Barrier.abort': [(o) => new Barrier(1).abort(o), { signal: 'other' }],
  Broadcast: [
    (o) => new Broadcast(o),
    { history: 'count', lag: 'other', capacity: 'count', name: 'text' },
    { lag: 'block' },
  ],
  CapacityLimiter: [(o) => new CapacityLimiter(1, o), { name: 'text' }],
  Channel: [(o) => new Channel(o), { capacity: 'count', name: 'text' }, { capacity: 1 }],
  Condition: [(o) => new Condition(undefined, o), { name: 'text' }],
  Event: [(o) => new Event(o), { name: 'text' }],
  LifoQueue: [(o) => new LifoQueue(o), { name: 'text' }],
  Lock: [(o) => new Lock(o), { name: 'text' }],
  PriorityQueue: [(o) => new PriorityQueue(o), { compare: 'fn', name: 'text' }],
  // `maxsize` has the kind 'delay', which allows negative numbers, because a maxsize of 0 or less means no limit.
  Queue: [(o) => new Queue(o), { maxsize: 'delay', name: 'text' }],
  RateLimiter: [
    (o) => new RateLimiter(o),
    { limit: 'duration', interval: 'duration', burst: 'duration', name: 'text' },
    { limit: 1, interval: 1 },
  ],
  RWLock: [(o) => new RWLock(o), { name: 'text' }],
  Semaphore: [(o) => new Semaphore(1, o), { name: 'text' }],
})
