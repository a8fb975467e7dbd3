import { createTask, Future, isCancelled, sleep, type Task } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { BoundedSemaphore, LifoQueue, PriorityQueue, Queue, Semaphore } from '@tasktree/sync'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

/** The model of a queue without waiters: which of the items leaves next. */
interface Model {
  take: (items: number[]) => number
}

const queues: Record<string, [make: (maxsize: number) => Queue<number>, model: Model]> = {
  Queue: [(maxsize) => new Queue({ maxsize }), { take: (items) => items.shift() as number }],
  LifoQueue: [(maxsize) => new LifoQueue({ maxsize }), { take: (items) => items.pop() as number }],
  PriorityQueue: [
    (maxsize) => new PriorityQueue({ maxsize }),
    { take: (items) => items.splice(items.indexOf(Math.min(...items)), 1)[0] as number },
  ],
}

describe.each(Object.entries(queues))('%s', (_name, [make, model]) => {
  test('gives and refuses the same items as its model for random puts and gets', () => {
    const operation = fc.oneof(fc.record({ put: fc.integer() }), fc.constant('get'))
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 5 }), fc.array(operation), (maxsize, operations) => {
        const queue = make(maxsize)
        const items: number[] = []
        for (const operation of operations) {
          if (typeof operation === 'string') {
            if (items.length === 0) expect(() => queue.getNowait()).toThrow('empty')
            else expect(queue.getNowait()).toBe(model.take(items))
          } else if (maxsize > 0 && items.length === maxsize) {
            expect(() => queue.putNowait(operation.put)).toThrow('holds')
          } else {
            queue.putNowait(operation.put)
            items.push(operation.put)
          }
          expect([queue.qsize(), queue.empty()]).toEqual([items.length, items.length === 0])
        }
      }),
    )
  })

  test('loses and doubles no item for random puts, gets and cancels', async () => {
    const operation = fc.oneof(
      fc.constant('put' as const),
      fc.constant('get' as const),
      fc.constant('turn' as const),
      fc.nat(30),
    )
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 3 }), fc.array(operation), (maxsize, operations) =>
        runVirtual(async () => {
          const queue = make(maxsize)
          const putting: [number, Task<void>][] = []
          const getting: Task<number>[] = []
          const all: Task[] = []
          for (const operation of operations) {
            if (operation === 'turn') await sleep(0)
            else if (operation === 'put') {
              const item = putting.length
              const task = createTask(() => queue.put(item))
              putting.push([item, task])
              all.push(task)
            } else if (operation === 'get') {
              const task = createTask(() => queue.get())
              getting.push(task)
              all.push(task)
            } else all[operation]?.cancel()
          }
          await sleep(1)
          const put = putting.filter(([, task]) => task.done() && !task.cancelled())
          const got = getting.filter((task) => task.done() && !task.cancelled())
          const waitingToPut = putting.length - putting.filter(([, task]) => task.done()).length
          const left: number[] = []
          const waitingToGet = getting.some((task) => !task.done())
          // A get waits only if the queue is empty, and a put waits only if it is full.
          if (waitingToGet) expect(queue.empty()).toBe(true)
          if (waitingToPut > 0) expect(queue.full()).toBe(true)
          for (const task of all) task.cancel()
          await sleep(1)
          while (!queue.empty()) left.push(queue.getNowait())
          const seen = [...got.map((task) => task.result()), ...left]
          expect(seen.toSorted((a, b) => a - b)).toEqual(put.map(([item]) => item))
          expect(queue.statistics()).toMatchObject({ size: 0, getters: 0, putters: 0 })
        }),
      ),
    )
  })
})

test('a PriorityQueue gives items of equal priority in the order of the puts, for random items', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 3 })), (priorities) => {
      const queue = new PriorityQueue<[number, number]>({ compare: (a, b) => a[0] - b[0] })
      const entries = priorities.map((priority, i): [number, number] => [priority, i])
      for (const entry of entries) queue.putNowait(entry)
      const got = entries.map(() => queue.getNowait())
      expect(got).toEqual(entries.toSorted((a, b) => a[0] - b[0]))
    }),
  )
})

test.each([
  ['Semaphore', Semaphore],
  ['BoundedSemaphore', BoundedSemaphore],
])(
  '%s never has more holders than permits, and loses no permit, for random calls and cancels',
  async (_name, Kind) => {
    const operation = fc.oneof(
      fc.constant('acquire' as const),
      fc.constant('release' as const),
      fc.constant('turn' as const),
      fc.nat(30),
    )
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 3 }), fc.array(operation), (value, operations) =>
        runVirtual(async () => {
          const semaphore = new Kind(value)
          const tasks: Task<void>[] = []
          const leave: (() => void)[] = []
          let holders = 0
          for (const operation of operations) {
            if (operation === 'turn') await sleep(0)
            else if (operation === 'release') leave.shift()?.()
            else if (operation === 'acquire') {
              tasks.push(
                createTask(async () => {
                  using _ = await semaphore.acquire()
                  holders++
                  expect(holders).toBeLessThanOrEqual(value)
                  try {
                    const told = new Future<void>()
                    leave.push(() => {
                      if (!told.done()) told.setResult()
                    })
                    await told
                  } finally {
                    holders--
                  }
                }),
              )
            } else tasks[operation]?.cancel()
          }
          await sleep(1)
          // As many tasks as possible hold a permit.
          const ended = tasks.filter((task) => task.done()).length
          expect(holders).toBe(Math.min(value, tasks.length - ended))
          for (const _ of tasks) {
            leave.shift()?.()
            await sleep(0)
          }
          for (const task of tasks) task.cancel()
          for (const task of tasks) {
            await task.then(null, (error: unknown) => {
              if (!isCancelled(error)) throw error
            })
          }
          expect(semaphore.statistics()).toEqual({ value, holders: 0, waiters: 0 })
        }),
      ),
    )
  },
)
