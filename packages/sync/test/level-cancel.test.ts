import { createTask, sleep, type Task } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { Condition } from '@tasktree/sync'
import { describe, expect, test } from 'vitest'
import { sweepLevelCancel } from '../../core/test/support/level-sweep.ts'
import { type Scenario, scenarios, turns } from './fixtures/scenarios.ts'

interface Given extends Scenario {
  readonly rest: readonly Task[]
  readonly granting: Task
}

describe('a scope that is cancelled at any turn ends and loses no item, permit or lock, when its body is', () => {
  test.each(Object.entries(scenarios))('%s', async (name, make) => {
    const cancels = await runVirtual(() =>
      sweepLevelCancel<Given>({
        moments: 13,
        prepare: async () => {
          const scenario = await make()
          const rest = scenario.others.map((other) => createTask(other))
          const granting = createTask(async () => {
            await turns(3)
            await scenario.grant()
          })
          return { ...scenario, rest, granting }
        },
        operate: ({ victim }) => victim(),
        after: async ({ rest, granting, balanced }, wasCancelled) => {
          await granting
          for (const task of rest) await task
          await balanced(!wasCancelled)
        },
      }),
    )
    // `reset` and `abort` of a barrier may end without a wait, so there may be no moment to cancel them.
    if (!/^Barrier.(reset|abort)$/.test(name)) expect(cancels).toBeGreaterThan(0)
  })

  test.each([true, false])(
    'Condition.wait takes the lock again after another task has held it for long (notified: %s)',
    async (isNotified) => {
      const condition = new Condition()
      await runVirtual(() =>
        sweepLevelCancel<{ holding: Task }>({
          moments: 13,
          grace: 20,
          prepare: () => ({
            holding: createTask(async () => {
              await turns(2)
              await condition.runExclusive(async () => {
                if (isNotified) condition.notify()
                await sleep(20)
              })
            }),
          }),
          operate: () =>
            condition.runExclusive(async () => {
              try {
                await condition.wait()
              } finally {
                expect(condition.locked()).toBe(true)
              }
            }),
          after: async ({ holding }) => {
            await holding
            expect(condition.statistics()).toEqual({
              locked: false,
              holders: 0,
              waiters: 0,
              acquiring: 0,
            })
          },
        }),
      )
    },
  )
})
