// test/jest.test.ts runs this file under Jest with native ES modules.
import { afterEach, expect, jest, test } from '@jest/globals'
import { createTask, run, sleep, timeout, TimeoutError } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { Lock, Queue } from '@tasktree/sync'

afterEach(() => {
  jest.useRealTimers()
})

test('tasks, timeouts, locks and queues work under Jest', async () => {
  const log = []
  await run(async () => {
    const lock = new Lock()
    const queue = new Queue()
    const worker = createTask(async () => {
      for (;;) log.push(await queue.get())
    })
    await lock.acquire()
    await expect((async () => timeout(5, () => lock.acquire()))()).rejects.toBeInstanceOf(
      TimeoutError,
    )
    lock.release()
    await queue.put(1)
    await sleep(1)
    worker.cancel()
    await expect((async () => worker)()).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_CANCELLED' }),
    )
  })
  expect(log).toEqual([1])
})

test('a sleep ends when the fake timers of Jest are advanced, and a pending fake sleep stops no real sleep', async () => {
  jest.useFakeTimers()
  const slept = (async () => {
    await sleep(60_000)
    return 'slept'
  })()
  const left = sleep(120_000)
  await jest.advanceTimersByTimeAsync(60_000)
  expect(await slept).toBe('slept')
  jest.useRealTimers()
  expect(await sleep(1, 'woken')).toBe('woken')
  expect(await run(() => sleep(1, 'in a run'))).toBe('in a run')
  left.cancel()
})

test('runVirtual works without the fake timers of Jest', async () => {
  expect(await runVirtual(() => sleep(86_400_000, 'a day'))).toBe('a day')
})
