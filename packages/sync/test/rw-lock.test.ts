import { createTask, gather, isCancelled, run, sleep } from '@tasktree/core'
import { explore, runVirtual } from '@tasktree/core/testing'
import { RWLock } from '@tasktree/sync'
import { expect, test } from 'vitest'

test('readers share an RWLock, and a writer holds it alone', () =>
  runVirtual(async () => {
    const lock = new RWLock()
    const first = await lock.read()
    const second = await lock.read()
    expect(lock.statistics()).toEqual({ readers: 2, writers: 0, waiters: 0 })
    const writing = createTask(() => lock.write())
    await sleep(1)
    first.release()
    await sleep(1)
    expect(writing.done()).toBe(false)
    second.release()
    const writer = await writing
    expect(lock.statistics()).toEqual({ readers: 0, writers: 1, waiters: 0 })
    writer.release()
    expect(lock.statistics()).toEqual({ readers: 0, writers: 0, waiters: 0 })
  }))

test('a writer of an RWLock gets it although readers keep coming', () =>
  runVirtual(async () => {
    const lock = new RWLock()
    const order: string[] = []
    const reader = async (): Promise<void> => {
      using _ = await lock.read()
      order.push('read')
      await sleep(10)
    }
    const stream = createTask(async () => {
      for (let i = 0; i < 10; i++) {
        createTask(reader)
        await sleep(5)
      }
    })
    await sleep(12)
    const writing = createTask(async () => {
      using _ = await lock.write()
      order.push('write')
    })
    await writing
    expect(order.slice(0, 4)).toEqual(['read', 'read', 'read', 'write'])
    await stream
    await sleep(100)
    expect(order).toHaveLength(11)
  }))

test('readers behind a cancelled writer of an RWLock go on at once', () =>
  runVirtual(async () => {
    const lock = new RWLock()
    const held = await lock.read()
    const writing = createTask(() => lock.write())
    const reading = createTask(() => lock.read())
    await sleep(1)
    expect(reading.done()).toBe(false)
    writing.cancel()
    const read = await reading
    expect(lock.statistics()).toEqual({ readers: 2, writers: 0, waiters: 0 })
    read.release()
    held.release()
  }))

test('a writer that is cancelled when it gets the RWLock lets the next writer in', () =>
  runVirtual(async () => {
    const lock = new RWLock()
    const held = await lock.write()
    const cancelled = createTask(() => lock.write())
    const next = createTask(() => lock.write())
    await sleep(1)
    held.release()
    cancelled.cancel()
    const got = await next
    expect(cancelled.cancelled()).toBe(true)
    got.release()
    got.release()
    expect(lock.statistics()).toEqual({ readers: 0, writers: 0, waiters: 0 })
  }))

test('a writer of an RWLock is alone under every schedule, and no cancel loses the lock', () =>
  explore(
    async () => {
      const lock = new RWLock()
      let readers = 0
      let writers = 0
      const read = async (): Promise<void> => {
        using _ = await lock.read()
        readers++
        expect(writers).toBe(0)
        await sleep(0)
        readers--
      }
      const write = async (): Promise<void> => {
        using _ = await lock.write()
        writers++
        expect([readers, writers]).toEqual([0, 1])
        await sleep(0)
        writers--
      }
      const doomed = [
        createTask(async () => {
          using _ = await lock.write()
        }),
        createTask(async () => {
          using _ = await lock.read()
        }),
      ]
      const killer = createTask(async () => {
        await sleep(0)
        for (const task of doomed) task.cancel()
      })
      await gather([read, write, read, write, read])
      await killer
      for (const task of doomed) {
        await task.catch((error: unknown) => {
          if (!isCancelled(error)) throw error
        })
      }
      expect(lock.statistics()).toEqual({ readers: 0, writers: 0, waiters: 0 })
    },
    { seeds: 1000 },
  ))

test('RWLock.read in plain code is cancelled by its signal', async () => {
  const lock = new RWLock()
  using _ = await lock.write()
  const controller = new AbortController()
  const reading = lock.read({ signal: controller.signal })
  controller.abort('enough')
  await expect(reading).rejects.toMatchObject({ name: 'CancelledError', cause: 'enough' })
  expect(lock.statistics().waiters).toBe(0)
})

test('a generator coroutine can take an RWLock by yield*', () =>
  run(function* () {
    const lock = new RWLock()
    using _ = yield* lock.read()
    expect(lock.statistics().readers).toBe(1)
  }))
