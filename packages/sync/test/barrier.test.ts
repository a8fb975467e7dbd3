import { createTask, sleep } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { Barrier } from '@tasktree/sync'
import { expect, test } from 'vitest'

test('Barrier.wait gives the number of tasks that waited at the call, even if one of them was cancelled later', () =>
  runVirtual(async () => {
    const barrier = new Barrier(3)
    const early = [0, 1].map(() => createTask(() => barrier.wait()))
    await sleep(1)
    early[0]?.cancel()
    await sleep(1)
    expect(barrier.nWaiting).toBe(1)
    const late = [1, 2].map(() => createTask(() => barrier.wait()))
    expect(await Promise.all([early[1], ...late])).toEqual([1, 1, 2])
    expect(barrier.nWaiting).toBe(0)
  }))

test('Barrier.abort and reset take effect at the call when no task enters or leaves', async () => {
  const barrier = new Barrier(2)
  const aborting = barrier.abort()
  expect(barrier.broken).toBe(true)
  await aborting
  const resetting = barrier.reset()
  expect(barrier.statistics()).toMatchObject({ state: 'filling', broken: false })
  await resetting
})
