// Tests that a job has the trace context of the code that submitted it.
import { createTask, run } from '@tasktree/core'
import { traceparent } from '@tasktree/executor'
import { describe, expect, test } from 'vitest'
import { kinds, refs } from './support/kinds.ts'

const { seeTrace, traceOf } = refs
const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

describe.for(kinds)('a pool of $name', { tags: ['slow'] }, ({ make }) => {
  test('a job sees the trace context of the task that submitted it, and a job of another task does not', async () => {
    await run(async () => {
      await using pool = make({ maxWorkers: 1 })
      const traced = createTask(async () => {
        traceparent.set(trace)
        const items: unknown[] = []
        const results = pool.map(traceOf, [1, 2, 3], { chunksize: 2 })
        for await (const each of results) items.push(each)
        return [await pool.submit(seeTrace), items]
      })
      const [seen, items] = await traced
      expect(seen).toEqual([trace, trace, trace])
      expect(items).toEqual([trace, trace, trace])
      expect(await pool.submit(seeTrace)).toEqual([null, null, null])
      expect(await pool.submit(traceOf, 1)).toBeNull()
    })
  })
})
