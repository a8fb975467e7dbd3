import { createTask, sleep } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { Barrier } from '@tasktree/sync'
import { expect, test } from 'vitest'

test('who comes for one that was cancelled gets its number: each is there once', () =>
  runVirtual(async () => {
    const barrier = new Barrier(4)
    for (const cancelled of [[0], [1, 0], [2]]) {
      const early = [0, 1, 2].map(() => createTask(() => barrier.wait()))
      await sleep(1)
      for (const index of cancelled) early[index]?.cancel()
      await sleep(1)
      expect(barrier.nWaiting).toBe(3 - cancelled.length)
      const late = [...cancelled, 3].map(() => createTask(() => barrier.wait()))
      const passed = [...early.filter((_, index) => !cancelled.includes(index)), ...late]
      const numbers = await Promise.all(passed)
      expect(numbers.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3])
      expect(barrier.nWaiting).toBe(0)
    }
  }))

test('abort and reset take effect at once when nobody is on the way in or out', async () => {
  const barrier = new Barrier(2)
  const aborting = barrier.abort()
  expect(barrier.broken).toBe(true)
  await aborting
  const resetting = barrier.reset()
  expect(barrier.statistics()).toMatchObject({ state: 'filling', broken: false })
  await resetting
})
