import { createTask, Future, isCancelled, sleep, type Task } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import {
  BoundedSemaphore,
  CapacityLimiter,
  Lock,
  type Releaser,
  RWLock,
  Semaphore,
} from '@tasktree/sync'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'

/**
 * The model of every primitive with permits: a total amount, holders of parts of it, and a queue in which only the first waiter may
 * get its part. All events of one instant take effect at its end, so a cancel wins if it comes together with a grant.
 */
class Model {
  total: number
  holders: { id: number; amount: number }[] = []
  line: { id: number; amount: number }[] = []

  constructor(total: number) {
    this.total = total
  }

  get used(): number {
    return this.holders.reduce((sum, { amount }) => sum + amount, 0)
  }

  remove(id: number): void {
    this.holders = this.holders.filter((holder) => holder.id !== id)
    this.line = this.line.filter((waiter) => waiter.id !== id)
  }

  settle(): void {
    for (let first = this.line[0]; first !== undefined; first = this.line[0]) {
      if (this.used + first.amount > this.total) return
      this.holders.push(first)
      this.line.shift()
    }
  }
}

interface Permits {
  acquire: (amount: number) => PromiseLike<Releaser>
  /** Converts a drawn number from 1 to 3 to an amount that the primitive can give. */
  amountOf: (drawn: number) => number
  counts: () => { holders: number; waiters: number }
  setTotal?: (total: number) => void
}

const whole: number = Number.MAX_SAFE_INTEGER

const kinds: Record<string, (total: number) => [Permits, total: number]> = {
  Lock: () => {
    const lock = new Lock()
    return [
      { acquire: () => lock.acquire(), amountOf: () => 1, counts: () => lock.statistics() },
      1,
    ]
  },
  Semaphore: (total) => {
    const semaphore = new Semaphore(total)
    return [
      {
        acquire: () => semaphore.acquire(),
        amountOf: () => 1,
        counts: () => semaphore.statistics(),
      },
      total,
    ]
  },
  BoundedSemaphore: (total) => {
    const semaphore = new BoundedSemaphore(total)
    return [
      {
        acquire: () => semaphore.acquire(),
        amountOf: () => 1,
        counts: () => semaphore.statistics(),
      },
      total,
    ]
  },
  CapacityLimiter: (total) => {
    const limiter = new CapacityLimiter(total)
    return [
      {
        acquire: (amount) => limiter.acquire(amount),
        amountOf: (drawn) => Math.min(drawn, limiter.total),
        counts: () => limiter.statistics(),
        setTotal: (n) => {
          limiter.total = n
        },
      },
      total,
    ]
  },
  RWLock: () => {
    const lock = new RWLock()
    return [
      {
        acquire: (amount) => (amount === 1 ? lock.read() : lock.write()),
        amountOf: (drawn) => (drawn < 3 ? 1 : whole),
        counts: () => {
          const { readers, writers, waiters } = lock.statistics()
          return { holders: readers + writers, waiters }
        },
      },
      whole,
    ]
  },
}

const operations = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant('acquire' as const), n: fc.integer({ min: 1, max: 3 }) }),
    fc.record({ do: fc.constant('release' as const), n: fc.nat(5) }),
    fc.record({ do: fc.constant('cancel' as const), n: fc.nat(30) }),
    fc.record({ do: fc.constant('total' as const), n: fc.integer({ min: 3, max: 6 }) }),
    fc.record({ do: fc.constant('settle' as const), n: fc.constant(0) }),
  ),
  { maxLength: 60, size: 'max' },
)

test.each(Object.entries(kinds))(
  '%s lets the same tasks in as its model, for random calls, releases and cancels',
  { tags: ['slow'] },
  async (_name, make) => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 3, max: 6 }), operations, (size, list) =>
        runVirtual(async () => {
          const [permits, total] = make(size)
          const model = new Model(total)
          const tasks: Task<void>[] = []
          const gates: Future<void>[] = []
          const inside = new Set<number>()
          const enter = (id: number, amount: number) => async (): Promise<void> => {
            using _ = await permits.acquire(amount)
            inside.add(id)
            try {
              await gates[id]
            } finally {
              inside.delete(id)
            }
          }
          const settle = async (): Promise<void> => {
            await sleep(1)
            model.settle()
            const expected = model.holders.map(({ id }) => id).toSorted((a, b) => a - b)
            expect([...inside].toSorted((a, b) => a - b)).toEqual(expected)
            expect(permits.counts()).toMatchObject({
              holders: model.holders.length,
              waiters: model.line.length,
            })
          }
          for (const { do: what, n } of list) {
            if (what === 'acquire') {
              const id = tasks.length
              const amount = permits.amountOf(n)
              gates.push(new Future<void>())
              tasks.push(createTask(enter(id, amount)))
              model.line.push({ id, amount })
            } else if (what === 'release') {
              const holder = model.holders[n % Math.max(1, model.holders.length)]
              if (holder === undefined) continue
              gates[holder.id]?.setResult()
              model.remove(holder.id)
            } else if (what === 'cancel') {
              const id = n % Math.max(1, tasks.length)
              tasks[id]?.cancel()
              model.remove(id)
            } else {
              await settle()
              if (what !== 'total' || permits.setTotal === undefined) continue
              permits.setTotal(n)
              model.total = n
              await settle()
            }
          }
          await settle()
          // In the end the remaining waiters can all get their permits.
          if (permits.setTotal !== undefined) {
            permits.setTotal(6)
            model.total = 6
          }
          for (const gate of gates) if (!gate.done()) gate.setResult()
          for (const task of tasks) {
            await task.then(null, (error: unknown) => {
              if (!isCancelled(error)) throw error
            })
          }
          expect(permits.counts()).toMatchObject({ holders: 0, waiters: 0 })
        }),
      ),
      { numRuns: 300 },
    )
  },
)
