import { createTask, isCancelled, type Task } from '@tasktree/core'
import { explore, runVirtual } from '@tasktree/core/testing'
import { describe, test } from 'vitest'
import { scenarios, turns } from './fixtures/scenarios.ts'

async function outcome(task: Task): Promise<boolean> {
  try {
    await task
    return true
  } catch (error) {
    if (!isCancelled(error)) throw error
    return false
  }
}

describe.each(Object.entries(scenarios))('%s', (_name, make) => {
  test.each([...Array(13).keys()])(
    'that is cancelled after %i turns loses no item, permit or lock',
    async (n) => {
      await runVirtual(async () => {
        const { victim, others, grant, balanced } = await make()
        const doomed = createTask(victim)
        const rest = others.map((other) => createTask(other))
        const granting = createTask(async () => {
          await turns(3)
          await grant()
        })
        await turns(n)
        doomed.cancel()
        const done = await outcome(doomed)
        await granting
        for (const task of rest) await task
        await balanced(done)
      })
    },
  )

  test.each(['before', 'after'])(
    'that is cancelled right %s another task lets it go on loses no item, permit or lock',
    async (when) => {
      await runVirtual(async () => {
        const { victim, others, grant, balanced } = await make()
        const doomed = createTask(victim)
        const rest = others.map((other) => createTask(other))
        await turns(3)
        if (when === 'before') doomed.cancel()
        const granted = grant()
        if (when === 'after') doomed.cancel()
        await granted
        const done = await outcome(doomed)
        for (const task of rest) await task
        await balanced(done)
      })
    },
  )

  test(
    'that is cancelled under any schedule loses no item, permit or lock',
    { tags: ['slow'] },
    async () => {
      await explore(
        async () => {
          const { victim, others, grant, balanced } = await make()
          const doomed = createTask(victim)
          const rest = others.map((other) => createTask(other))
          const granting = createTask(async () => grant())
          await turns(2)
          doomed.cancel()
          const done = await outcome(doomed)
          await granting
          for (const task of rest) await task
          await balanced(done)
        },
        { seeds: 1000 },
      )
    },
  )
})
