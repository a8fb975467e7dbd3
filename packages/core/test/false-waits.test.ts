// A call of `then` with two functions without names looks to core like an `await`, but no code of the task waits there.
import { createTask, Future, shielded, sleep, sleepForever, timeout } from '@tasktree/core'
import { describe, expect } from 'vitest'
import { foreign, virtual } from './support/virtual.ts'

/** Calls `then` to be told of the end of `future`, and does not wait for it. */
function listen(future: Future<unknown>, log: string[]): void {
  future.then(
    () => log.push('ended'),
    () => log.push('failed'),
  )
}

describe('a call of then that nobody awaits', () => {
  virtual('does not keep a cancelled task from ending', async () => {
    const log: string[] = []
    const future = new Future<void>()
    const task = createTask(async () => {
      try {
        await sleepForever()
      } finally {
        for (let i = 0; i < 3; i++) listen(future, log)
      }
    })
    await sleep(1)
    task.cancel()
    await sleep(1)
    expect(task.cancelled()).toBe(true)
    future.setResult()
    await sleep(1)
    expect(log).toEqual(['ended', 'ended', 'ended'])
  })

  virtual('does not keep a timed-out scope from ending', async () => {
    const log: string[] = []
    const future = new Future<void>()
    const end = timeout(5, async () => {
      try {
        await sleepForever()
      } finally {
        listen(future, log)
        await timeout(5, async () => listen(future, log))
      }
    })
    const task = createTask(() => end.catch((error: Error) => error.name))
    await sleep(10)
    expect(task.done() && task.result()).toBe('TimeoutError')
    future.setResult()
    await sleep(1)
    expect(log).toEqual(['ended', 'ended'])
  })

  virtual('does not make a cancelled task forget other calls that still clean up', async () => {
    const log: string[] = []
    const future = new Future<void>()
    const cleanUp = async (): Promise<void> => {
      try {
        await sleepForever()
      } finally {
        await timeout(50, () => sleep(20))
        log.push('cleaned')
      }
    }
    const task = createTask(async () => {
      void timeout(100, cleanUp).catch(() => {})
      for (let i = 0; i < 3; i++) {
        await timeout(100, async () => listen(future, log))
        void timeout(100, cleanUp).catch(() => {})
      }
      await sleepForever()
    })
    await sleep(1)
    task.cancel()
    await sleep(10)
    expect(task.done()).toBe(false)
    await sleep(20)
    expect(task.cancelled()).toBe(true)
    expect(log).toEqual(['cleaned', 'cleaned', 'cleaned', 'cleaned'])
  })

  virtual('is not cancelled when the grace of the shield around it ends', async () => {
    const log: string[] = []
    const other = createTask(() => sleep(50, 'slept'))
    const task = createTask(() =>
      shielded(
        async () => {
          listen(other, log)
          await foreign(30)
        },
        { grace: 10 },
      ),
    )
    await sleep(1)
    task.cancel()
    expect(await other).toBe('slept')
    await sleep(1)
    expect(log).toEqual(['ended'])
  })
})
