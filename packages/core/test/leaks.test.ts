import {
  createTask,
  Future,
  gather,
  getEventLoop,
  newEventLoop,
  run,
  shielded,
  sleep,
  sleepForever,
  taskGroup,
  timeout,
} from '@tasktree/core'
import { addSnapshotPart, Claim } from '@tasktree/core/lowlevel'
import { LeakError, runVirtual, watchLeaks } from '@tasktree/core/testing'
import { expect, test } from 'vitest'

test('watchLeaks finds nothing after a run that leaves nothing behind', async () => {
  const watch = watchLeaks()
  await run(() => sleep(1))
  await sleep(1)
  expect(watch.find()).toEqual([])
  await watch.check()
})

test('watchLeaks names a pending task and what the task waits for, until the task has ended', async () => {
  const watch = watchLeaks()
  const inner = createTask(() => sleepForever(), { name: 'inner' })
  const outer = createTask(async () => inner, { name: 'outer' })
  await sleep(0)
  expect(watch.find()).toEqual([
    'task "inner", which waits for its cancel',
    `task "outer", which waits for task 'inner'`,
  ])
  const error = await watch.check().catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(LeakError)
  expect(error).toMatchObject({ code: 'ERR_LEAK', leaks: watch.find() })
  outer.cancel()
  await watch.check()
})

test('watchLeaks does not report tasks and timers that are older than the watch', async () => {
  const old = createTask(() => sleepForever())
  const timer = getEventLoop().callLater(60_000, () => {})
  await sleep(0)
  const watch = watchLeaks()
  expect(watch.find()).toEqual([])
  timer.cancel()
  old.cancel()
  await watch.check()
})

test('watchLeaks finds open scopes and timers of plain code', async () => {
  const watch = watchLeaks()
  const future = new Future<void>()
  const scopes = [
    timeout(60_000, () => future),
    taskGroup(() => future, { name: 'requests' }),
    shielded(() => future),
  ]
  const pause = sleep(60_000)
  const timer = getEventLoop().callLater(60_000, () => {})
  await sleep(0)
  expect(watch.find().map((line) => line.replace(/Task-\d+/, 'Task'))).toEqual([
    'task "Task", in a timeout, which waits for a future',
    'task "Task", in a group "requests", which waits for a future',
    'task "Task", in a shield, which waits for a future',
    'a Sleep that nobody awaits: a timer, due in 1 min',
    'a timer of callLater or callAt',
  ])
  future.setResult()
  pause.cancel()
  timer.cancel()
  await gather(scopes)
  await watch.check()
})

test('watchLeaks finds calls that outlive their task, and calls begun in callbacks of the loop', async () => {
  const watch = watchLeaks()
  const first = new Future<void>()
  const second = new Future<void>()
  await createTask(async () => {
    void timeout(60_000, () => first)
  })
  const begun = async (): Promise<void> => {
    await second
  }
  getEventLoop().callSoon(() => void begun())
  await sleep(0)
  expect(watch.find()).toEqual([
    'a call that a callback of the loop began, which waits for a future',
    'an open timeout',
    'a call that has outlived its task, which waits for a future',
  ])
  first.setResult()
  second.setResult()
  await watch.check()
})

test('watchLeaks finds a failed task whose exception no code has retrieved', async () => {
  const watch = watchLeaks()
  const task = createTask(async () => Promise.reject(new RangeError('unseen')), { name: 'failing' })
  await sleep(1)
  expect(watch.find()).toEqual([
    'a failure of task "failing" that nobody has looked at: RangeError: unseen',
  ])
  expect(task.exception()).toBeInstanceOf(RangeError)
  await watch.check()
})

test('watchLeaks finds a task of a loop that was made and not closed', async () => {
  const watch = watchLeaks()
  const loop = newEventLoop()
  const task = loop.createTask(() => sleepForever(), { name: 'elsewhere' })
  expect(watch.find()).toEqual(['task "elsewhere"'])
  loop.close()
  await watch.check()
  expect(task.done()).toBe(false)
})

test('watchLeaks counts new entries in the snapshot parts of other packages', async () => {
  const servers: string[] = ['old']
  const remove = addSnapshotPart('listeners', () => servers)
  const watch = watchLeaks()
  servers.push('new')
  expect(watch.find()).toEqual(['1 of the listeners that snapshot() lists'])
  servers.pop()
  await watch.check()
  remove()
})

test('watchLeaks describes a wait for a Claim by its describeWait()', async () => {
  class Latch extends Claim<void> {
    override describeWait(): string {
      return 'a latch'
    }

    protected override decline(): void {}

    protected override claim(): void {
      this.fulfill(undefined)
    }
  }
  const watch = watchLeaks()
  const latch = new Latch()
  const task = createTask(async () => latch, { name: 'waiter' })
  await sleep(0)
  expect(watch.find()).toEqual(['task "waiter", which waits for a latch'])
  task.cancel()
  await watch.check()
})

test('watchLeaks in a run does not report the task that calls it, but a call that is not awaited', async () => {
  await runVirtual(async () => {
    const watch = watchLeaks()
    const call = (async (): Promise<void> => sleep(50))()
    await sleep(10)
    expect(watch.find()).toEqual([
      'a call that nobody awaited, which waits for a timer, due in 40 ms',
    ])
    await expect(watch.check()).rejects.toThrow('left one thing behind')
    await call
    await watch.check()
  })
})
