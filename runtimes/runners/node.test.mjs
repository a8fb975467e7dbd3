// test/runners.test.ts runs this file with `node --test`, `bun test` and `deno test`.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, mock, test } from 'node:test'
import { createTask, sleep, sleepForever, timeout, TimeoutError } from '@tasktree/core'
import { LeakError, runVirtual, watchLeaks } from '@tasktree/core/testing'

let watch
beforeEach(() => {
  watch = watchLeaks()
})
afterEach(() => watch.check())

void test('a timeout in runVirtual ends a sleep of an hour', async () => {
  await runVirtual(async () => {
    const answer = timeout(60_000, () => sleep(3_600_000))
    await assert.rejects(answer, TimeoutError)
  })
})

void test('watchLeaks finds a task that is still running', async () => {
  const task = createTask(() => sleepForever(), { name: 'poller' })
  await assert.rejects(watch.check(), LeakError)
  task.cancel()
})

void test('a sleep ends when the mock timers of node:test are advanced', async () => {
  mock.timers.enable({ apis: ['setTimeout'] })
  try {
    const slept = sleep(60_000, 'slept')
    mock.timers.tick(60_000)
    assert.equal(await slept, 'slept')
  } finally {
    mock.timers.reset()
  }
})
