import { moveOnAfter, run } from '@tasktree/core'
import { mapStream } from '@tasktree/flow'
import { expect, test } from 'vitest'

const foreign = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

test('a cancel ends a loop over ready results that awaits promises of Node', () =>
  run(async () => {
    let seen = 0
    const items = Array.from({ length: 200 }, (_, i) => i)
    const { cancelled } = await moveOnAfter(50, async () => {
      for await (const _ of mapStream(items, async (item) => item, { concurrency: 10 })) {
        seen++
        await foreign(5)
      }
    })
    expect(cancelled).toBe(true)
    expect(seen).toBeLessThan(200)
  }))
