import { createTask, isCancelled, sleep } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { Condition } from '@tasktree/sync'
import { expect, test, vi } from 'vitest'

test('a notify whose waiter is cancelled in the same turn reaches the other waiter of the Condition', () =>
  runVirtual(async () => {
    const condition = new Condition()
    const wait = (): Promise<true> => condition.runExclusive(() => condition.wait())
    const first = createTask(wait)
    const second = createTask(wait)
    await sleep(1)
    await condition.runExclusive(() => condition.notify(1))
    first.cancel()
    expect(await second).toBe(true)
    await expect(first.then(() => null)).rejects.toSatisfy(isCancelled)
    expect(condition.statistics()).toEqual({ locked: false, holders: 0, waiters: 0, acquiring: 0 })
  }))

test('a cancel of Condition.wait while it takes the lock again is thrown once it has the lock', () =>
  runVirtual(async () => {
    const condition = new Condition()
    let held = false
    const waiting = createTask(() =>
      condition.runExclusive(async () => {
        try {
          await condition.wait()
        } finally {
          held = condition.locked()
        }
      }),
    )
    await sleep(1)
    const hold = await condition.acquire()
    condition.notify()
    await sleep(1)
    waiting.cancel()
    await sleep(1)
    expect([waiting.done(), held]).toEqual([false, false])
    hold.release()
    await expect(waiting.then(() => null)).rejects.toSatisfy(isCancelled)
    expect([held, condition.locked()]).toEqual([true, false])
  }))

test('Condition.wait with an aborted signal throws and keeps the lock', () =>
  runVirtual(async () => {
    const condition = new Condition()
    using _ = await condition.acquire()
    await expect(condition.wait({ signal: AbortSignal.abort('no') })).rejects.toMatchObject({
      name: 'CancelledError',
      cause: 'no',
    })
    expect(condition.locked()).toBe(true)
  }))

test('Condition.waitFor with an aborted signal throws without a call of its predicate and keeps the lock', () =>
  runVirtual(async () => {
    const condition = new Condition()
    using _ = await condition.acquire()
    const look = vi.fn<() => boolean>(() => true)
    await expect(
      condition.waitFor(look, { signal: AbortSignal.abort('no') }),
    ).rejects.toMatchObject({ name: 'CancelledError', cause: 'no' })
    expect(look).not.toHaveBeenCalled()
    expect(condition.locked()).toBe(true)
  }))

test('Condition.wait that outlives its `using` block does not keep the lock', () =>
  runVirtual(async () => {
    const condition = new Condition()
    const block = async (): Promise<{ waiting: Promise<true> }> => {
      using _ = await condition.acquire()
      const waiting = condition.wait()
      await Promise.race([waiting, sleep(10)])
      return { waiting }
    }
    const { waiting } = await block()
    await condition.runExclusive(() => condition.notify())
    expect(await waiting).toBe(true)
    expect(condition.statistics()).toEqual({ locked: false, holders: 0, waiters: 0, acquiring: 0 })
  }))
