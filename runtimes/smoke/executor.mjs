// Tests that jobs run, that a cancel ends a job, and that a job survives when the worker of another job dies. The built files
// must find and start their own workers.
import assert from 'node:assert/strict'
import { isCancelled, run, sleep } from '../../packages/core/dist/index.js'
import {
  ProcessPoolExecutor,
  ThreadPoolExecutor,
  toThread,
  transfer,
} from '../../packages/executor/dist/index.js'

const isNode = !('bun' in process.versions) && !('deno' in process.versions)
if (!isNode)
  assert.throws(() => new ProcessPoolExecutor(), { name: 'RuntimeError', message: /needs Node/ })

for (const Pool of isNode ? [ThreadPoolExecutor, ProcessPoolExecutor] : [ThreadPoolExecutor]) {
  await run(async () => {
    const pool = new Pool({ maxWorkers: 1 })
    try {
      assert.equal(await pool.submit((a, b) => a + b, 1, 2), 3)
      const squares = []
      for await (const n of pool.map((n) => n * n, [1, 2, 3])) squares.push(n)
      assert.deepEqual(squares, [1, 4, 9])
      const streamed = []
      const stream = pool.submit(function* () {
        yield 1
        yield 2
      })
      for await (const n of stream) streamed.push(n)
      assert.deepEqual(streamed, [1, 2])
      await assert.rejects(
        async () =>
          pool.submit(() => {
            throw new RangeError('no')
          }),
        { name: 'RangeError', message: 'no' },
      )
      const endless = pool.submit(() => {
        for (;;) continue
      })
      const next = pool.submit(() => 'next')
      await sleep(30)
      endless.cancel()
      await assert.rejects(async () => endless, isCancelled)
      assert.equal(await next, 'next')
      const crash = pool.submit(() => process.exit(3))
      const neighbour = pool.submit(() => 'alive')
      await assert.rejects(async () => crash, { name: 'WorkerCrashedError', exitCode: 3 })
      assert.equal(await neighbour, 'alive')
    } finally {
      await pool.shutdown()
    }
  })
}

await run(async () => {
  const buffer = new ArrayBuffer(8)
  assert.equal(await toThread((moved) => moved.byteLength, transfer(buffer, [buffer])), 8)
  assert.equal(buffer.byteLength, 0)
})
