// test/jest.test.ts runs this file under Jest. A transformer turns all modules into CommonJS, and with such modules
// `jest.resetModules()` makes the next `require` load a second copy of a package.
const { expect, jest, test } = require('@jest/globals')

test('tasks of two copies of core after jest.resetModules() wait for and cancel each other', async () => {
  const first = require('@tasktree/core')
  const { createTask, isCancelled, run, sleep } = first
  const { Lock } = require('@tasktree/sync')
  jest.resetModules()
  const other = require('@tasktree/core')
  expect(other).not.toBe(first)
  const lock = new Lock()
  await run(async () => {
    const theirs = other.createTask(() => other.sleep(10_000))
    const mine = createTask(async () => theirs)
    await lock.acquire()
    const line = other.createTask(async () => lock.acquire())
    await sleep(1)
    mine.cancel()
    line.cancel()
    for (const task of [mine, theirs, line]) {
      const error = await task.then(
        () => 'no error',
        (thrown) => thrown,
      )
      expect(isCancelled(error)).toBe(true)
    }
    lock.release()
    await lock.acquire()
  })
  expect(isCancelled(new other.CancelledError('of the other copy'))).toBe(true)
})

test('runVirtual and watchLeaks work under Jest with CommonJS modules', async () => {
  const { createTask, sleep, sleepForever } = require('@tasktree/core')
  const { LeakError, runVirtual, watchLeaks } = require('@tasktree/core/testing')
  const watch = watchLeaks()
  expect(await runVirtual(() => sleep(86_400_000, 'a day'))).toBe('a day')
  const task = createTask(() => sleepForever(), { name: 'poller' })
  await expect(watch.check()).rejects.toBeInstanceOf(LeakError)
  task.cancel()
  await watch.check()
})
