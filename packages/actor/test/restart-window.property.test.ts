import { sleep } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { crash, probe, ref, start } from './support/probe.ts'

/** Returns the number (from 0) of the first crash that has `max` restarts in the `within` milliseconds before it, or -1. */
function firstTooMany(times: readonly number[], max: number, within: number): number {
  return times.findIndex((time, i) => {
    const restarts = times.slice(0, i).filter((earlier) => time - earlier <= within)
    return restarts.length >= max
  })
}

test('a supervisor gives up exactly when the time window holds more restarts than it allows', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 12 }),
      fc.integer({ min: 0, max: 4 }),
      fc.integer({ min: 1, max: 1000 }),
      async (gaps, maxRestarts, within) => {
        const crashed = await runVirtual(async () => {
          const system = await start({ maxRestarts, within, children: [probe([], 'a')] })
          const done = system.done.catch(() => {})
          const a = ref(system, 'a')
          let count = 0
          for (const gap of gaps) {
            await sleep(gap)
            await crash(a)
            if (system.root.status !== 'running') return count
            count++
          }
          await system.stop()
          await done
          return -1
        })
        let time = 0
        const times = gaps.map((gap) => (time += gap))
        expect(crashed).toBe(firstTooMany(times, maxRestarts, within))
      },
    ),
    { numRuns: 100 },
  )
})
