import { moveOnAfter, run } from '@tasktree/core'
import { describe, expect, test } from 'vitest'
import { kinds, refs } from './support/kinds.ts'

const foreign = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

describe.for(kinds)(
  'a pool of $name: a cancel ends a loop over results that are ready',
  ({ make }) => {
    test.each([1, 50])(
      'whose body awaits native promises, with chunksize %i',
      { tags: ['slow'] },
      (chunksize) =>
        run(async () => {
          await using pool = make({ maxWorkers: 1 })
          let seen = 0
          const { cancelled } = await moveOnAfter(400, async () => {
            const items = Array.from({ length: 200 }, (_, i) => i)
            for await (const _ of pool.map(refs.echo, items, { chunksize, buffer: 200 })) {
              seen++
              await foreign(10)
            }
          })
          expect(cancelled).toBe(true)
          expect(seen).toBeLessThan(200)
          expect(await pool.submit(refs.echo, 1)).toBe(1)
        }),
    )
  },
)
