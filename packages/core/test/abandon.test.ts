// `abandon` ends a task at once, although the code of the task still waits or runs. Afterwards this code must not disturb
// other tasks.
import { setTimeout as delay } from 'node:timers/promises'
import {
  createTask,
  type Future,
  getRunningLoop,
  newEventLoop,
  run,
  sleep,
  sleepForever,
  type Task,
  taskGroup,
} from '@tasktree/core'
import { abandon } from '@tasktree/core/lowlevel'
import { runVirtual } from '@tasktree/core/testing'
import { expect, test, vi } from 'vitest'
import { thrown, virtual } from './support/virtual.ts'

const nameOf = (error: unknown): string => (error as Error).name

/** For each kind of body, a function that makes a task with such a body. The body writes into `log` how it ends. */
const kinds: [string, (log: string[]) => Task][] = [
  [
    'an async function',
    (log) =>
      createTask(async () => {
        try {
          await sleep(10)
          log.push('slept')
          await sleep(10)
          log.push('slept again')
        } catch (error) {
          log.push(nameOf(error))
          throw error
        }
      }),
  ],
  [
    'a generator function',
    (log) =>
      createTask(function* () {
        try {
          yield* sleep(10)
          log.push('slept')
          yield* sleep(10)
          log.push('slept again')
        } catch (error) {
          log.push(nameOf(error))
          throw error
        }
      }),
  ],
]

for (const [name, start] of kinds) {
  virtual(
    `after a task is abandoned, the next sleep in its code throws CancelledError: ${name}`,
    async () => {
      const log: string[] = []
      const task = start(log)
      await sleep(1)
      abandon(task)
      expect(task.cancelled()).toBe(true)
      await sleep(100)
      expect(log).toEqual(['slept', 'CancelledError'])
    },
  )
}

const latecomers: [string, (native: Promise<void>, log: string[]) => void][] = [
  [
    'an async function',
    (native, log) =>
      createTask(async () => {
        await native
        for (let i = 0; i < 2; i++) log.push(nameOf(await thrown(sleep(10))))
      }),
  ],
  [
    'a generator function',
    (native, log) =>
      createTask(function* () {
        yield native as never
        for (let i = 0; i < 2; i++) {
          try {
            yield* sleep(10)
          } catch (error) {
            log.push(nameOf(error))
          }
        }
      }),
  ],
]
test.for(latecomers)(
  'after the event loop is closed, each sleep in the code of its task throws CancelledError: %s',
  async ([, start]) => {
    const log: string[] = []
    const loop = newEventLoop()
    const { promise, resolve } = Promise.withResolvers<void>()
    await loop.runUntilComplete(async () => {
      start(promise, log)
      await sleep(1)
    })
    loop.close()
    resolve()
    await vi.waitUntil(() => log.length === 2)
    expect(log).toEqual(['CancelledError', 'CancelledError'])
  },
)

test.for([
  ...kinds,
  ['a function that returns a future', () => createTask(() => sleepForever() as Future<unknown>)],
] satisfies typeof kinds)(
  'run ends without a report although the code of an abandoned task still waits: %s',
  async ([, start]) => {
    const reports: string[] = []
    const task = await run(async () => {
      getRunningLoop().setExceptionHandler((_, { exception }) => reports.push(String(exception)))
      const waiting = start([])
      await sleep(1)
      abandon(waiting)
      return { waiting }
    })
    expect(reports).toEqual([])
    expect(await thrown(task.waiting)).toMatchObject({ message: 'the task was abandoned' })
  },
)

virtual('a task group still returns its value after one of its tasks was abandoned', async () => {
  const opener = createTask(async () => {
    const value = await taskGroup(async (group) => {
      const child = group.createTask(async () => {
        await delay(1)
        return 'of the child'
      })
      await sleep(1)
      abandon(child)
      await delay(20)
      return 'of the group'
    })
    await sleep(1)
    return value
  })
  expect(await opener).toBe('of the group')
})

/** Returns a task that was cancelled and whose body has ended. The task still waits for the clean-up of a call. */
async function closing(
  log: string[],
  cleanUp: (task: Task<string>) => Promise<void>,
): Promise<{ task: Task<string> }> {
  const task: Task<string> = createTask(async () => {
    void (async () => {
      try {
        await sleepForever()
      } catch {
        await cleanUp(task)
        log.push('cleaned')
      }
    })()
    try {
      await sleepForever()
    } catch {}
    return 'of the body'
  })
  await sleep(1)
  task.cancel()
  await sleep(1)
  expect(task.done()).toBe(false)
  return { task }
}

virtual(
  'abandon ends a task that still cleans up with the value that its body has returned',
  async () => {
    const log: string[] = []
    const { task } = await closing(log, () => sleep(10).then(() => {}))
    abandon(task)
    expect(task.result()).toBe('of the body')
    await sleep(20)
    expect(log).toEqual(['cleaned'])
  },
)

test('a call that cleans up can abandon its own cancelled task, and the next sleep throws CancelledError', async () => {
  const log: string[] = []
  const reports: string[] = []
  await runVirtual(async () => {
    getRunningLoop().setExceptionHandler((_, { exception }) => reports.push(String(exception)))
    const { task } = await closing(log, async (self) => {
      await sleep(10)
      abandon(self)
      log.push(String(self.done()))
      log.push(nameOf(await thrown(sleep(10))))
    })
    await sleep(30)
    expect(task.result()).toBe('of the body')
  })
  expect(log).toEqual(['true', 'CancelledError', 'cleaned'])
  expect(reports).toEqual([])
})
