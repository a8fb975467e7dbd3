// Tests that an instrumented program runs as before when it has no SDK of OpenTelemetry.
import assert from 'node:assert/strict'
import { createTask, run, sleep } from '../../packages/core/dist/index.js'
import { instrument } from '../../packages/otel/dist/index.js'

const stop = instrument()
await run(async () => {
  assert.equal(await createTask(() => sleep(1, 'done'), { name: 'work' }), 'done')
})
if (typeof stop === 'function') stop()
