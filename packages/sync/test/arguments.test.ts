import {
  Barrier,
  BoundedSemaphore,
  CapacityLimiter,
  Condition,
  LifoQueue,
  Lock,
  PriorityQueue,
  Queue,
  RateLimiter,
  Semaphore,
} from '@tasktree/sync'
import { expect, test } from 'vitest'

function lockedCondition(): Condition {
  const condition = new Condition()
  void condition.acquire()
  return condition
}

/** What is wrong, a call with the wrong argument, the class of the error, and the end of the error's message. */
const wrong: [what: string, call: () => unknown, kind: typeof Error, got: string][] = [
  [
    'new Queue with a number',
    () => new Queue(5 as never),
    TypeError,
    'a queue takes { maxsize }, got number 5',
  ],
  ['new LifoQueue with a number', () => new LifoQueue(5 as never), TypeError, 'got number 5'],
  [
    'new PriorityQueue with a number',
    () => new PriorityQueue(5 as never),
    TypeError,
    'got number 5',
  ],
  ['new Queue with null', () => new Queue(null as never), TypeError, 'got null'],
  [
    'a queue with a maxsize of null',
    () => new Queue({ maxsize: null as never }),
    TypeError,
    'maxsize must be a number, got null',
  ],
  ['a queue with a maxsize of NaN', () => new Queue({ maxsize: NaN }), TypeError, 'got number NaN'],
  [
    'a PriorityQueue with a compare of null',
    () => new PriorityQueue({ compare: null as never }),
    TypeError,
    'compare must be a function, got null',
  ],
  [
    'Queue.shutdown with an object',
    () => new Queue().shutdown({ immediate: false } as never),
    TypeError,
    'immediate must be true or false, got an object of class Object',
  ],
  [
    'a Semaphore of half a permit',
    () => new Semaphore(0.5),
    RangeError,
    "a semaphore's value must be a whole number of at least 0, got 0.5",
  ],
  ['a BoundedSemaphore of 1.5 permits', () => new BoundedSemaphore(1.5), RangeError, 'got 1.5'],
  ['a Semaphore of a string', () => new Semaphore('2' as never), TypeError, 'got string 2'],
  ['a Semaphore of NaN permits', () => new Semaphore(NaN), RangeError, 'got NaN'],
  [
    'a Barrier of a string',
    () => new Barrier('2' as never),
    TypeError,
    'parties must be a number, got string 2',
  ],
  [
    'a Barrier of 1.5 parties',
    () => new Barrier(1.5),
    RangeError,
    'parties must be a positive integer, got 1.5',
  ],
  [
    'a Condition of null',
    () => new Condition(null as never),
    TypeError,
    'a Condition needs a Lock, got null',
  ],
  [
    'Condition.notify with NaN',
    () => lockedCondition().notify(NaN),
    RangeError,
    'n must be a whole number of at least 0, got NaN',
  ],
  ['Condition.notify with -1', () => lockedCondition().notify(-1), RangeError, 'got -1'],
  [
    'Condition.notify with a string',
    () => lockedCondition().notify('1' as never),
    TypeError,
    'n must be a number, got string 1',
  ],
  [
    'a RateLimiter with a burst of null',
    () => new RateLimiter({ limit: 1, interval: 1, burst: null as never }),
    TypeError,
    'burst must be a number, got null',
  ],
  [
    'a CapacityLimiter with a total of null',
    () => new CapacityLimiter(null as never),
    TypeError,
    'got null',
  ],
  [
    'Lock.runExclusive without a body',
    () => new Lock().runExclusive(undefined as never),
    TypeError,
    'runExclusive takes a function as its body, got undefined',
  ],
  [
    'Semaphore.runExclusive with a number as its body',
    () => new Semaphore().runExclusive(5 as never),
    TypeError,
    'got number 5',
  ],
  [
    'Condition.runExclusive with a number as its body',
    () => new Condition().runExclusive(5 as never),
    TypeError,
    'got number 5',
  ],
  [
    'Condition.waitFor without a predicate',
    () => lockedCondition().waitFor(undefined as never),
    TypeError,
    'waitFor takes a function, got undefined',
  ],
]

test.each(wrong)('%s throws at the call', (_what, call, kind, got) => {
  expect(call).toThrow(kind)
  expect(call).toThrow(got)
})

const operations: Record<string, (options: never) => unknown> = {
  'Lock.runExclusive': (options) => new Lock().runExclusive(() => 1, options),
  'Semaphore.runExclusive': (options) => new Semaphore().runExclusive(() => 1, options),
  'Condition.runExclusive': (options) => new Condition().runExclusive(() => 1, options),
  'Condition.wait': (options) => lockedCondition().wait(options),
  'Condition.waitFor': (options) => lockedCondition().waitFor(() => true, options),
  'Barrier.wait': (options) => new Barrier(1).wait(options),
  'Barrier.reset': (options) => new Barrier(1).reset(options),
  'Barrier.abort': (options) => new Barrier(1).abort(options),
}

test.each(Object.entries(operations))('%s refuses wrong options at once', (_name, call) => {
  expect(() => call(5 as never)).toThrow('the options must be an object, got number 5')
  expect(() => call({ signal: 5 } as never)).toThrow(
    'the option signal must be an AbortSignal, got number 5',
  )
})

test('Lock.runExclusive without a body does not take the lock', () => {
  const lock = new Lock()
  expect(() => lock.runExclusive(undefined as never)).toThrow(TypeError)
  expect(lock.locked()).toBe(false)
})

test('a Semaphore of Infinity and a Queue with a maxsize of Infinity have no limit', () => {
  const semaphore = new Semaphore(Infinity)
  for (let i = 0; i < 100; i++) expect(semaphore.acquire().done()).toBe(true)
  expect(semaphore.statistics()).toEqual({ value: Infinity, holders: 100, waiters: 0 })
  expect(new Queue({ maxsize: Infinity }).full()).toBe(false)
})
