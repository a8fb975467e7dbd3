// Tests that a resource whose code throws a CancelledError counts as failed, unless the child was cancelled.
import { child } from '@tasktree/actor'
import { Future, allTasks, cancelTasks, getRunningLoop, sleep } from '@tasktree/core'
import { expect, test } from 'vitest'
import { collect, settled, start, thrown, virtually } from './support/probe.ts'

const unexpected = { name: 'UnexpectedCancellation', cause: { name: 'CancelledError' } }

async function throwCancelledError(): Promise<never> {
  const future = new Future<never>()
  future.cancel()
  return await future
}

test(
  'a resource is restarted when the future of its wait() is cancelled',
  virtually(async () => {
    const ends: Future<void>[] = []
    const disposed: number[] = []
    const spec = child.resource('r', () => ({
      wait: () => ends[ends.push(new Future<void>()) - 1]!,
      [Symbol.dispose]: () => {
        disposed.push(ends.length)
      },
    }))
    const system = await start({ children: [spec] })
    const restarts = collect(system, 'restarting')
    await settled()
    ends[0]?.cancel()
    await settled()
    expect(restarts).toMatchObject([{ reason: { kind: 'error', error: unexpected } }])
    expect([system.root.child('r')?.status, ends.length, disposed]).toEqual(['running', 2, [1]])
    await system.stop()
    expect(disposed).toEqual([1, 2])
  }),
)

test(
  'a cancel of the task that waits for the end of a resource does not end the resource',
  virtually(async () => {
    const system = await start({
      children: [
        child.resource('r', () => ({ wait: () => sleep(Infinity), [Symbol.dispose]() {} })),
      ],
    })
    await settled()
    for (const task of allTasks()) if (task.name === '/s/r end') task.cancel()
    await settled()
    expect([system.root.child('r')?.status, system.root.child('r')?.incarnation]).toEqual([
      'running',
      1,
    ])
    await system.stop()
  }),
)

test.for(['make', 'start'] as const)(
  'a resource whose %s throws a CancelledError fails to start with UnexpectedCancellation',
  (where) =>
    virtually(async () => {
      const system = await start()
      const spec = child.resource('r', async () => {
        if (where === 'make') await throwCancelledError()
        return { start: throwCancelledError, [Symbol.dispose]() {} }
      })
      expect(await thrown(system.root.startChild(spec))).toMatchObject(unexpected)
      await system.stop()
    })(),
)

test(
  'a resource whose disposal throws a CancelledError is reported as not stopped in order',
  virtually(async () => {
    const system = await start({
      children: [child.resource('r', () => ({ [Symbol.asyncDispose]: throwCancelledError }))],
    })
    const reports = collect(system, 'shutdown-error')
    await settled()
    await system.root.stopChild('r')
    await settled()
    expect(reports).toMatchObject([{ id: 'r', reason: { kind: 'error', error: unexpected } }])
    await system.stop()
  }),
)

test(
  'a resource that is killed or cancelled while it starts or is disposed is not reported as failed',
  virtually(async () => {
    const system = await start()
    const reports = collect(system, 'shutdown-error')
    const starting = thrown(
      system.root.startChild(
        child.resource('a', async () => {
          await sleep(1000)
          return { [Symbol.dispose]() {} }
        }),
      ),
    )
    await settled()
    await system.root.child('a')?.kill()
    expect(await starting).toMatchObject({ name: 'NoProc' })
    const b = await system.root.startChild(
      child.resource('b', () => ({ [Symbol.asyncDispose]: () => sleep(1000) }), {
        restart: 'temporary',
      }),
    )
    await b.kill()
    await settled()
    expect(reports).toEqual([])
    await system.stop()
  }),
)

test(
  'a run that ends while a resource is stopped reports no failure of the task that waits for the end of the resource',
  virtually(async () => {
    const reports: unknown[] = []
    getRunningLoop().setExceptionHandler((context) => reports.push(context))
    const wait = async (): Promise<void> => new Promise(() => {})
    const system = await start({
      children: [child.resource('r', () => ({ wait, [Symbol.dispose]() {} }))],
    })
    await settled()
    const waiting = [...allTasks()].filter((task) => task.name === '/s/r end')
    const stopping = system.root.stopChild('r')
    // The end of a run cancels and awaits the tasks that are left in the same way.
    await cancelTasks(waiting)
    await stopping
    expect(waiting.map((task) => task.cancelled())).toEqual([true])
    expect(reports).toEqual([])
    await system.stop()
  }),
)
