// Cancellation reaches what the task awaits, `finally` blocks run, and an uncancelled sleep ends by itself.
import assert from 'node:assert/strict'
import { CancelledError, createTask, run, sleep } from '../../packages/core/dist/index.js'

await run(async () => {
  assert.equal(await sleep(1, 'woken'), 'woken')

  const steps = []
  const inner = async () => {
    try {
      await sleep(60_000)
    } finally {
      await sleep(1)
      steps.push('cleaned up')
    }
  }
  const task = createTask(async () => {
    await inner()
    steps.push('not reached')
  })
  await sleep(5)
  task.cancel()
  await assert.rejects(async () => task, CancelledError)
  assert.deepEqual(steps, ['cleaned up'])
})
