import { createTask, isCancelled, sleep, timeout, TimeoutError } from '@tasktree/core'
import { forEach, hedge, latest, map, mapStream, poll, retry, singleFlight } from '@tasktree/flow'
import { describe, expect } from 'vitest'
import { Gauge, now, thrown, virtual } from './support/virtual.ts'

// A task may have several flows of control, for example the branches of a `Promise.all`. The end of work in one branch must not
// change the other branches.
describe('in one branch of Promise.all', () => {
  const fail = async (): Promise<never> => {
    await sleep(5)
    throw new Error('failed')
  }
  const other = async (): Promise<string> => {
    await sleep(50)
    return `other at ${now()}`
  }

  virtual('a failure in map does not cancel the other branch', async () => {
    const failing = map([1, 2], async (n) => (n === 1 ? fail() : sleep(1000)))
    const both = await Promise.all([thrown(failing), other()])
    expect(both).toEqual([new Error('failed'), 'other at 50'])
  })

  virtual('attempts of retry that time out do not cancel the other branch', async () => {
    const retrying = retry(() => sleep(1000), { timeout: 5, attempts: 2, backoff: () => 1 })
    const [error, result] = await Promise.all([thrown(retrying), other()])
    expect(error).toBeInstanceOf(TimeoutError)
    expect(result).toBe('other at 50')
  })

  virtual(
    'the cancelled calls of hedge, latest, mapStream and poll do not cancel the other branch',
    async () => {
      const hedging = async (): Promise<void> => {
        await hedge((attempt) => sleep(attempt === 1 ? 1000 : 5), { delay: 5 })
      }
      const search = latest((ms: number) => sleep(ms))
      const leaving = async (): Promise<void> => {
        for await (const _ of mapStream([1, 1000], (ms) => sleep(ms), { concurrency: 2 })) break
      }
      const all = await Promise.all([
        other(),
        hedging(),
        thrown(search(1000)),
        search(10),
        leaving(),
        thrown(poll(async () => undefined, { interval: 5, timeout: 20 })),
      ])
      expect(all[0]).toBe('other at 50')
      expect(isCancelled(all[2])).toBe(true)
    },
  )

  virtual(
    'a timeout around one call of a singleFlight function does not end the same call in the other branch',
    async () => {
      const gauge = new Gauge()
      const load = singleFlight(() => gauge.work(100))
      const both = await Promise.all([thrown(timeout(10, () => load())), load().then(() => now())])
      expect(both[0]).toBeInstanceOf(TimeoutError)
      expect(both[1]).toBe(100)
      expect(gauge).toMatchObject({ begun: 1, cancelled: 0 })
    },
  )

  virtual(
    'map, forEach and hedge end by a cancel of the task, which waits for their clean-up',
    async () => {
      const gauge = new Gauge()
      const task = createTask(async () => {
        await Promise.all([
          map([1, 2], () => gauge.work(1000, 20)),
          forEach([1], () => retry(() => gauge.work(1000, 30))),
          hedge(() => gauge.work(1000, 10), { delay: 1 }),
        ])
      })
      await sleep(10)
      task.cancel()
      expect(isCancelled(await thrown(task))).toBe(true)
      expect(gauge.running).toBe(0)
      expect(gauge.cancelled).toBe(5)
    },
  )
})
