// The behaviours of CPython's test_queues.py (3.13), by their names there.
import { createTask, gather, isCancelled, sleep, type Task, timeout } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import {
  LifoQueue,
  PriorityQueue,
  Queue,
  QueueEmpty,
  QueueFull,
  QueueShutDown,
} from '@tasktree/sync'
import { describe, expect, test } from 'vitest'

const kinds: Record<string, (maxsize?: number) => Queue<number>> = {
  Queue: (maxsize = 0) => new Queue({ maxsize }),
  LifoQueue: (maxsize = 0) => new LifoQueue({ maxsize }),
  PriorityQueue: (maxsize = 0) => new PriorityQueue({ maxsize }),
}

async function turns(n: number): Promise<void> {
  for (let i = 0; i < n; i++) await sleep(0)
}

const cancelled = async (task: Task): Promise<boolean> =>
  task.then(
    () => false,
    (error: unknown) => isCancelled(error),
  )

describe.each(Object.entries(kinds))('%s', (_name, make) => {
  const port = (name: string, body: () => Promise<void>): void => {
    // oxlint-disable-next-line vitest/valid-title -- it is handed on
    test(name, () => runVirtual(body))
  }

  port('test_empty, test_full, test_float_maxsize', async () => {
    const queue = make(1.3)
    expect([queue.empty(), queue.full()]).toEqual([true, false])
    queue.putNowait(1)
    expect(queue.full()).toBe(false)
    queue.putNowait(2)
    expect([queue.full(), queue.maxsize, queue.qsize()]).toEqual([true, 1.3, 2])
    expect(() => queue.putNowait(3)).toThrow(QueueFull)
    expect(make(-1).full()).toBe(false)
  })

  port('test_nonblocking_get_exception', async () => {
    expect(() => make().getNowait()).toThrow(QueueEmpty)
  })

  port('test_blocking_get_wait, test_blocking_put_wait', async () => {
    const queue = make(1)
    const getting = createTask(() => queue.get())
    await turns(2)
    await queue.put(1)
    expect(await getting).toBe(1)
    await queue.put(1)
    const putting = createTask(() => queue.put(2))
    await turns(2)
    expect(putting.done()).toBe(false)
    expect(queue.getNowait()).toBe(1)
    await putting
    expect(queue.qsize()).toBe(1)
  })

  port('test_get_cancelled: a timeout loses nothing', async () => {
    const queue = make()
    await expect(timeout(51, async () => queue.get())).rejects.toMatchObject({
      name: 'TimeoutError',
    })
    queue.putNowait(1)
    expect(await queue.get()).toBe(1)
  })

  port('test_get_cancelled_race, test_get_cancelled_new_getter', async () => {
    const queue = make()
    const first = createTask(() => queue.get())
    const second = createTask(() => queue.get())
    await turns(1)
    first.cancel()
    await turns(1)
    queue.putNowait(0)
    expect(await second).toBe(0)
    const woken = createTask(() => queue.get())
    await turns(1)
    queue.putNowait(1)
    woken.cancel()
    const next = createTask(() => queue.get())
    expect([await cancelled(woken), await next]).toEqual([true, 1])
  })

  port('test_why_are_getters_waiting, test_why_are_putters_waiting', async () => {
    const queue = make(2)
    await gather([
      ...Array.from({ length: 4 }, () => async () => {
        await queue.get()
      }),
      ...[0, 1, 2, 3].map((item) => async () => queue.put(item)),
    ])
    expect(queue.statistics()).toMatchObject({ size: 0, getters: 0, putters: 0 })
  })

  port('test_cancelled_put_silence_value_error_exception, test_put_cancelled_race', async () => {
    const queue = make(1)
    await queue.put(1)
    const doomed = createTask(() => queue.put(2))
    const other = createTask(() => queue.put(3))
    await turns(1)
    queue.getNowait()
    doomed.cancel()
    expect(await cancelled(doomed)).toBe(true)
    await other
    expect(queue.getNowait()).toBe(3)
  })

  port('test_task_done_underflow, test_task_done, test_join_empty_queue', async () => {
    const queue = make()
    expect(() => queue.taskDone()).toThrow(RangeError)
    expect(queue.join().done()).toBe(true)
    for (let i = 0; i < 100; i++) queue.putNowait(i)
    let sum = 0
    const workers = [0, 1].map(() =>
      createTask(async () => {
        for await (const item of queue) {
          sum += item
          queue.taskDone()
        }
      }),
    )
    await queue.join()
    expect(sum).toBe(4950)
    queue.shutdown()
    await gather(workers)
  })

  port('test_shutdown_empty, test_shutdown_nonempty', async () => {
    const queue = make()
    queue.putNowait(1)
    queue.shutdown()
    expect(() => queue.putNowait(2)).toThrow(QueueShutDown)
    await expect(queue.put(2)).rejects.toBeInstanceOf(QueueShutDown)
    expect(await queue.get()).toBe(1)
    await expect(queue.get()).rejects.toBeInstanceOf(QueueShutDown)
    expect(() => queue.getNowait()).toThrow(QueueShutDown)
  })

  port('test_shutdown_immediate: the items are dropped, and join is let go', async () => {
    const queue = make()
    queue.putNowait(1)
    queue.putNowait(2)
    const joining = createTask(() => queue.join())
    await turns(1)
    queue.shutdown(true)
    await joining
    expect(queue.empty()).toBe(true)
    await expect(queue.get()).rejects.toBeInstanceOf(QueueShutDown)
    expect(() => queue.taskDone()).toThrow(RangeError)
  })

  port('test_shutdown_immediate_with_unfinished: join waits for what was taken', async () => {
    const queue = make()
    queue.putNowait(1)
    queue.putNowait(2)
    await queue.get()
    const joining = createTask(() => queue.join())
    queue.shutdown(true)
    await turns(2)
    expect(joining.done()).toBe(false)
    queue.taskDone()
    await joining
  })

  port('test_shutdown_get, test_shutdown_put, test_shutdown_repr: who waits fails', async () => {
    const empty = make()
    const getting = createTask(() => empty.get())
    const full = make(1)
    full.putNowait(1)
    const putting = createTask(() => full.put(2))
    await turns(1)
    empty.shutdown()
    full.shutdown()
    await expect(getting.then(() => null)).rejects.toBeInstanceOf(QueueShutDown)
    await expect(putting.then(() => null)).rejects.toBeInstanceOf(QueueShutDown)
    expect(await full.get()).toBe(1)
  })

  port('test_shutdown_get_task_done_join', async () => {
    const queue = make()
    for (const item of [1, 2]) queue.putNowait(item)
    const joining = createTask(() => queue.join())
    queue.shutdown()
    for (let i = 0; i < 2; i++) {
      await queue.get()
      queue.taskDone()
    }
    await joining
  })
})

test('test_order of the LifoQueue and the PriorityQueue', () => {
  const lifo = new LifoQueue<number>()
  const priority = new PriorityQueue<number>()
  for (const item of [1, 3, 2]) {
    lifo.putNowait(item)
    priority.putNowait(item)
  }
  const drain = (queue: Queue<number>): number[] => [1, 2, 3].map(() => queue.getNowait())
  expect([drain(lifo), drain(priority)]).toEqual([
    [2, 3, 1],
    [1, 2, 3],
  ])
})
