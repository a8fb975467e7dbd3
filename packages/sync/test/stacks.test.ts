import { createTask, getRunningLoop, run, sleep } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { Barrier, Channel, Lock, PriorityQueue, Queue } from '@tasktree/sync'
import { expect, test } from 'vitest'

/** Returns the first line of the stack of the error that `wait` throws. */
async function firstLine(wait: () => PromiseLike<unknown>): Promise<string | undefined> {
  const error: unknown = await wait().then(
    () => null,
    (error: unknown) => error,
  )
  return (error as Error).stack?.split('\n')[1]
}

const here = 'stacks.test.ts'

test('the stack of a Queue or Channel call that fails at once begins at the call in the program', async () => {
  const queue = new Queue()
  queue.shutdown()
  expect(await firstLine(async () => queue.get())).toContain(here)
  expect(await firstLine(async () => queue.put(1))).toContain(here)
  const channel = new Channel({ capacity: 1 })
  channel.close()
  expect(await firstLine(async () => channel.send(1))).toContain(here)
  expect(await firstLine(async () => channel.receive())).toContain(here)
})

test('the stack of a BrokenBarrierError begins at the call in the program', () =>
  runVirtual(async () => {
    const barrier = new Barrier(2)
    const waiting = createTask(async () => {
      await barrier.wait()
    })
    await sleep(1)
    await barrier.abort()
    expect(await firstLine(() => waiting)).toContain(here)
  }))

test('in debug mode the stack of a Queue.get that fails later begins where the program called it', () =>
  run(
    async () => {
      const queue = new Queue()
      const waiting = createTask(async function consumer() {
        await queue.get()
      })
      await sleep(1)
      queue.shutdown()
      const line = await firstLine(() => waiting)
      expect(line).toContain(here)
      expect(line).toContain('consumer')
      await expect(waiting).rejects.toMatchObject({ name: 'QueueShutDown' })
      getRunningLoop().setDebug(false)
    },
    { debug: true },
  ))

test('in debug mode an error that a compare function throws keeps its stack', () =>
  run(
    async () => {
      let broken = false
      const mistake = new Error('no order')
      const queue = new PriorityQueue<number>({
        maxsize: 3,
        compare: (a, b) => {
          if (broken) throw mistake
          return a - b
        },
      })
      const { stack } = mistake
      const getting = createTask(() => queue.get())
      await sleep(1)
      for (const item of [3, 2, 1]) queue.putNowait(item)
      broken = true
      await expect(getting).rejects.toBe(mistake)
      expect(mistake.stack).toBe(stack)
      const putting = createTask(() => queue.put(4))
      await sleep(1)
      broken = false
      queue.getNowait()
      broken = true
      await expect(putting).rejects.toBe(mistake)
      expect(mistake.stack).toBe(stack)
      getRunningLoop().setDebug(false)
    },
    { debug: true },
  ))

test('the stack of a CancelledError names the task, the message and what the task waited for', () =>
  runVirtual(async () => {
    const lock = new Lock({ name: 'db' })
    await lock.acquire()
    const task = createTask(() => lock.acquire(), { name: 'worker' })
    await sleep(1)
    task.cancel('closing time')
    const error: unknown = await task.then(
      () => null,
      (error: unknown) => error,
    )
    expect((error as Error).stack).toBe(
      'CancelledError: closing time\n    at worker, which waited for Lock "db", held by Task-1',
    )
  }))
