import { createTask, sleep } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { PriorityQueue, QueueShutDown } from '@tasktree/sync'
import { expect, test } from 'vitest'

function drain<T>(queue: PriorityQueue<T>): T[] {
  const items: T[] = []
  while (!queue.empty()) items.push(queue.getNowait())
  return items
}

function ordered(items: unknown[]): unknown[] {
  const queue = new PriorityQueue<unknown>()
  for (const item of items) queue.putNowait(item)
  return drain(queue)
}

test('a PriorityQueue orders numbers, strings and arrays without a compare function', () => {
  expect(ordered([3, 1n, 2, -1, Infinity])).toEqual([-1, 1n, 2, 3, Infinity])
  expect(ordered(['b', 'a', 'B', ''])).toEqual(['', 'B', 'a', 'b'])
  expect(ordered([[2], [1, 'b'], [1], [1, 'a'], [1, 'a', 0]])).toEqual([
    [1],
    [1, 'a'],
    [1, 'a', 0],
    [1, 'b'],
    [2],
  ])
})

test('a PriorityQueue gives entries of the same priority in the order of the puts, whatever their payload', () => {
  const payloads = [{ b: 1 }, 'text', { a: 1 }, null, undefined, true, 5n, () => 1, Symbol('s')]
  const jobs = payloads.map((payload) => [1, payload])
  expect(ordered([[2, 'last'], ...jobs, [0, 'first']])).toEqual([
    [0, 'first'],
    ...jobs,
    [2, 'last'],
  ])
})

test.each([
  [1, 'a'],
  ['a', 1],
  [1, NaN],
  [NaN, 1],
  [
    [NaN, 1],
    [2, 1],
  ],
  [{}, {}],
  [1, {}],
  [{}, 1],
  [new Date(0), new Date(1)],
  [[{ p: 1 }], [{ p: 2 }]],
  [[1], 1],
  [undefined, undefined],
])('a PriorityQueue without a compare function refuses %o and %o', (first, second) => {
  const queue = new PriorityQueue<unknown>()
  queue.putNowait(first)
  expect(() => queue.putNowait(second)).toThrow('give the queue a compare function')
  expect(() => queue.putNowait(second)).toThrow(TypeError)
})

test('a put whose comparison throws puts nothing into a PriorityQueue, and all other items stay', () => {
  for (let breaksAt = 1; breaksAt <= 3; breaksAt++) {
    let calls = 0
    const queue = new PriorityQueue<number>({
      compare: (a, b) => {
        if ((a === 0 || b === 0) && ++calls === breaksAt) throw new Error('no order')
        return a - b
      },
    })
    for (const item of [5, 6, 7, 8, 9, 10, 11]) queue.putNowait(item)
    expect(() => queue.putNowait(0)).toThrow('no order')
    expect(queue.statistics()).toMatchObject({ size: 7, unfinished: 7 })
    expect(drain(queue)).toEqual([5, 6, 7, 8, 9, 10, 11])
  }
})

test('a get whose comparison throws takes nothing from a PriorityQueue', () => {
  let broken = false
  const queue = new PriorityQueue<number>({
    compare: (a, b) => {
      if (broken) throw new Error('no order')
      return a - b
    },
  })
  for (const item of [4, 3, 2, 1]) queue.putNowait(item)
  broken = true
  expect(() => queue.getNowait()).toThrow('no order')
  broken = false
  expect(drain(queue)).toEqual([1, 2, 3, 4])
})

test('a waiting put whose comparison throws rejects, and the next put gets the room', () =>
  runVirtual(async () => {
    const queue = new PriorityQueue<unknown>({ maxsize: 2 })
    queue.putNowait(1)
    queue.putNowait(2)
    const doomed = createTask(() => queue.put('text'))
    const next = createTask(() => queue.put(3))
    await sleep(1)
    expect(queue.getNowait()).toBe(1)
    await expect(doomed).rejects.toBeInstanceOf(TypeError)
    await next
    expect(queue.statistics()).toMatchObject({ size: 2, putters: 0, unfinished: 3 })
  }))

test('a waiting get whose comparison throws rejects, and the next get gets the item', () =>
  runVirtual(async () => {
    let broken = 0
    const queue = new PriorityQueue<number>({
      compare: (a, b) => {
        if (broken-- > 0) throw new Error('no order')
        return a - b
      },
    })
    const [doomed, second, third] = [1, 2, 3].map(() => createTask(() => queue.get()))
    await sleep(1)
    for (const item of [3, 2, 1]) queue.putNowait(item)
    broken = 1
    await expect(doomed).rejects.toThrow('no order')
    expect([await second, await third]).toEqual([1, 2])
    expect(queue.qsize()).toBe(1)
  }))

test('an immediate shutdown of a PriorityQueue compares no items, and ends waiting puts and joins', () =>
  runVirtual(async () => {
    let broken = false
    const queue = new PriorityQueue<number>({
      maxsize: 3,
      compare: (a, b) => {
        if (broken) throw new Error('no order')
        return a - b
      },
    })
    for (const item of [3, 2, 1]) queue.putNowait(item)
    const putting = createTask(() => queue.put(4))
    const joining = createTask(() => queue.join())
    await sleep(1)
    broken = true
    queue.shutdown(true)
    await expect(putting).rejects.toBeInstanceOf(QueueShutDown)
    await joining
    expect(queue.statistics()).toMatchObject({ size: 0, putters: 0, unfinished: 0 })
  }))

test('a PriorityQueue whose compare does not return a number throws, and the item is not put', () => {
  interface Job {
    readonly priority: number
  }
  const wrong: Record<string, (a: Job, b: Job) => unknown> = {
    'boolean true': (a, b) => a.priority !== b.priority,
    undefined: () => undefined,
    'number NaN': (a, b) => a.priority - (b as { other?: number }).other!,
  }
  for (const [got, compare] of Object.entries(wrong)) {
    const queue = new PriorityQueue<Job>({ compare: compare as never })
    queue.putNowait({ priority: 1 })
    expect(() => queue.putNowait({ priority: 2 })).toThrow(TypeError)
    expect(() => queue.putNowait({ priority: 2 })).toThrow('compare must return a number')
    expect(() => queue.putNowait({ priority: 2 })).toThrow(`got ${got}`)
    expect(queue.qsize()).toBe(1)
  }
})
