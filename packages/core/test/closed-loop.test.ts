// Code of another loop, or outside of every loop, may wait for a future whose loop is closed. asyncio throws in each such case.
import {
  createTask,
  type EventLoop,
  Future,
  gather,
  isCancelled,
  newEventLoop,
  run,
  sleep,
} from '@tasktree/core'
import { observe } from '@tasktree/core/lowlevel'
import { expect, test } from 'vitest'
import { thrown } from './support/virtual.ts'

/** Ways to wait for the end of a future, in code outside of every loop. */
const ways: [string, (future: Future<string>) => PromiseLike<unknown>][] = [
  ['an await', async (future) => await future],
  ['an await of then', async (future) => await future.then((value) => value)],
  [
    'a done callback',
    (future) => new Promise((resolve) => future.addDoneCallback((done) => resolve(done.result()))),
  ],
  [
    'observe',
    (future) => new Promise((resolve) => void observe(future, (done) => resolve(done.result()))),
  ],
  ['a task of another loop', (future) => run(async () => await future)],
  [
    'a generator of another loop',
    (future) =>
      run(function* () {
        return yield* future
      }),
  ],
  ['a function that returns the future', (future) => run(() => future)],
  ['a gather of another loop', async (future) => (await run(async () => gather([future])))[0]],
]

const moments: [string, (loop: EventLoop, future: Future<string>, wait: () => void) => void][] = [
  [
    'while it waits',
    (loop, future, wait) => {
      wait()
      setTimeout(() => {
        loop.close()
        future.setResult('ended')
      }, 2)
    },
  ],
  [
    'before it waits',
    (loop, future, wait) => {
      loop.close()
      wait()
      setTimeout(() => future.setResult('ended'), 2)
    },
  ],
  [
    'before it waits, and the future ended',
    (loop, future, wait) => {
      loop.close()
      future.setResult('ended')
      wait()
    },
  ],
]

for (const [when, act] of moments) {
  test.for(ways)(`%s gets the result of a future whose loop is closed ${when}`, async ([, way]) => {
    const loop = newEventLoop()
    const future = new Future<string>({ loop })
    const { promise, resolve } = Promise.withResolvers<unknown>()
    act(loop, future, () => resolve(way(future)))
    expect(await promise).toBe('ended')
  })
}

test('a cancel ends a wait for a future whose loop is closed', async () => {
  const loop = newEventLoop()
  const future = new Future<string>({ loop })
  await run(async () => {
    const task = createTask(async () => await future)
    await sleep(1)
    loop.close()
    task.cancel()
    expect(isCancelled(await thrown(task))).toBe(true)
    expect(future.cancelled()).toBe(true)
  })
})
