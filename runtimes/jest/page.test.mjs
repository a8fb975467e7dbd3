import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { createTask, sleep, sleepForever, timeout, TimeoutError } from '@tasktree/core'
import { runVirtual, watchLeaks } from '@tasktree/core/testing'

let watch
beforeEach(() => {
  watch = watchLeaks()
})
afterEach(() => watch.check())

test('an answer that takes an hour is given up', () =>
  runVirtual(async () => {
    const answer = timeout(60_000, () => sleep(3_600_000))
    await expect(answer).rejects.toBeInstanceOf(TimeoutError)
  }))

test('leaves nothing behind', async () => {
  const task = createTask(() => sleepForever(), { name: 'poller' })
  await sleep(1)
  expect(task.done()).toBe(false)
  task.cancel() // without this line, the test fails and names the task
})
