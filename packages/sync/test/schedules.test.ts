import { gather } from '@tasktree/core'
import { explore } from '@tasktree/core/testing'
import { Barrier, Condition, Queue, QueueShutDown } from '@tasktree/sync'
import { expect, test } from 'vitest'
import { Dinner } from './support/dinner.ts'

const seeds = 1000

test('producers and consumers pass each item of a Queue on once, under every schedule', async () => {
  await explore(
    async () => {
      const queue = new Queue<number>({ maxsize: 2 })
      const got: number[] = []
      const producer = (base: number) => async (): Promise<void> => {
        for (let i = 0; i < 4; i++) await queue.put(base + i)
      }
      const consumer = async (): Promise<void> => {
        for await (const item of queue) {
          got.push(item)
          queue.taskDone()
        }
      }
      await gather([
        async () => {
          await gather([producer(0), producer(10), producer(20)])
          await queue.join()
          queue.shutdown()
        },
        consumer,
        consumer,
      ])
      expect(got.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23])
      for (const base of [0, 10, 20]) {
        const own = got.filter((item) => item >= base && item < base + 10)
        expect(own).toHaveLength(4)
      }
      await expect(queue.get()).rejects.toBeInstanceOf(QueueShutDown)
    },
    { seeds },
  )
})

test('dining philosophers all eat, and no two neighbours at the same time, under every schedule', async () => {
  await explore(
    async () => {
      const dinner = new Dinner()
      await gather(dinner.philosophers)
      expect(dinner.meals).toBe(5 * 2)
      expect(dinner.forks.some((fork) => fork.locked())).toBe(false)
      expect(dinner.seats.statistics()).toEqual({ value: 4, holders: 0, waiters: 0 })
    },
    { seeds },
  )
})

test('no task passes a Barrier before all tasks of its phase have come, under every schedule', async () => {
  await explore(
    async () => {
      const parties = 3
      const barrier = new Barrier(parties)
      const arrived = [0, 0, 0, 0]
      const numbers: number[][] = [[], [], [], []]
      const worker = async (): Promise<void> => {
        for (let phase = 0; phase < 4; phase++) {
          arrived[phase] = (arrived[phase] as number) + 1
          numbers[phase]?.push(await barrier.wait())
          expect(arrived[phase]).toBe(parties)
        }
      }
      await gather([worker, worker, worker])
      for (const phase of numbers) expect(phase.toSorted()).toEqual([0, 1, 2])
      expect(barrier.statistics()).toEqual({
        parties,
        state: 'filling',
        broken: false,
        waiters: 0,
        leaving: 0,
        blocked: 0,
      })
    },
    { seeds },
  )
})

test('a Condition loses no notify that is called with the lock held, under every schedule', async () => {
  await explore(
    async () => {
      const condition = new Condition()
      const items: number[] = []
      const got: number[] = []
      const consumer = (): Promise<void> =>
        condition.runExclusive(async () => {
          await condition.waitFor(() => items.length > 0)
          got.push(items.shift() as number)
        })
      const producer = (item: number) => (): Promise<void> =>
        condition.runExclusive(() => {
          items.push(item)
          condition.notify()
        })
      await gather([consumer, producer(1), consumer, producer(2), consumer, producer(3)])
      expect(got.toSorted()).toEqual([1, 2, 3])
      expect(condition.statistics()).toEqual({
        locked: false,
        holders: 0,
        waiters: 0,
        acquiring: 0,
      })
    },
    { seeds },
  )
})
