import {
  CancelledError,
  createTask,
  gather,
  getRunningLoop,
  sleep,
  TimeoutError,
  taskGroup,
  waitFor,
} from '@tasktree/core'
import {
  Event,
  LifoQueue,
  PriorityQueue,
  Queue,
  QueueEmpty,
  QueueFull,
  QueueShutDown,
} from '@tasktree/sync'
import { describe, expect, test } from 'vitest'
import { thrown, virtual } from '../support/virtual.ts'

// Behaviours of Lib/test/test_asyncio/test_queues.py (CPython 3.13); the name of each case there stands
// above its test. docs/coming-from/differences-from-asyncio.md lists the cases that cannot apply.

describe('QueueBasicTests', () => {
  // test_repr, test_str (here `statistics()` has what CPython's texts show)
  virtual('statistics() shows the numbers of items and of waiters in a queue', async () => {
    const queue = new Queue<number>({ maxsize: 1 })
    const free = {
      size: 0,
      maxsize: 1,
      getters: 0,
      putters: 0,
      joiners: 0,
      unfinished: 0,
      isShutDown: false,
    }
    expect(queue.statistics()).toEqual(free)
    const getting = createTask(() => queue.get())
    await sleep(0)
    expect(queue.statistics()).toEqual({ ...free, getters: 1 })
    queue.putNowait(0)
    expect(await getting).toBe(0)
    queue.putNowait(1)
    const putting = createTask(() => queue.put(2))
    const joining = createTask(() => queue.join())
    await sleep(0)
    expect(queue.statistics()).toEqual({ ...free, size: 1, putters: 1, joiners: 1, unfinished: 2 })
    queue.getNowait()
    await putting
    queue.getNowait()
    for (let i = 0; i < 3; i++) queue.taskDone()
    await joining
    queue.shutdown()
    expect(queue.statistics()).toEqual({ ...free, isShutDown: true })
  })

  // test_empty
  virtual('a queue is empty before a put and after a get', async () => {
    const queue = new Queue<number>()
    expect(queue.empty()).toBe(true)
    await queue.put(1)
    expect(queue.empty()).toBe(false)
    expect(await queue.get()).toBe(1)
    expect(queue.empty()).toBe(true)
  })

  // test_full
  virtual(
    'a queue without a limit is never full, and a queue with maxsize 1 is full with one item',
    async () => {
      expect(new Queue().full()).toBe(false)
      const queue = new Queue<number>({ maxsize: 1 })
      await queue.put(1)
      expect(queue.full()).toBe(true)
    },
  )

  // test_order
  virtual('a queue gives its items in the order in which they were put', async () => {
    const queue = new Queue<number>()
    for (const item of [1, 3, 2]) await queue.put(item)
    expect([await queue.get(), await queue.get(), await queue.get()]).toEqual([1, 3, 2])
  })

  // test_maxsize
  virtual('put waits when the queue is full, and goes on in the turn after a get', async () => {
    const queue = new Queue<number>({ maxsize: 2 })
    expect(queue.maxsize).toBe(2)
    const put: number[] = []
    const task = createTask(async () => {
      for (let i = 0; i < 3; i++) {
        await queue.put(i)
        put.push(i)
      }
      return true
    })
    await sleep(0)
    await sleep(0)
    expect(put).toEqual([0, 1])
    expect(await queue.get()).toBe(0)
    await sleep(0)
    expect(put).toEqual([0, 1, 2])
    expect([await queue.get(), await queue.get()]).toEqual([1, 2])
    expect(task.result()).toBe(true)
  })
})

describe('QueueGetTests', () => {
  // test_blocking_get
  virtual('get does not wait when the queue has an item', async () => {
    const queue = new Queue<number>()
    queue.putNowait(1)
    expect(await queue.get()).toBe(1)
  })

  // test_get_with_putters
  virtual('get wakes a waiting put', async () => {
    const queue = new Queue<number>({ maxsize: 1 })
    await queue.put(1)
    const putting = queue.put(2)
    expect(await queue.get()).toBe(1)
    expect(queue.statistics().putters).toBe(0)
    await putting
    expect(queue.qsize()).toBe(1)
  })

  // test_blocking_get_wait
  virtual('get waits until an item is put', async () => {
    const queue = new Queue<number>()
    const started = new Event()
    let finished = false
    const getting = createTask(async () => {
      started.set()
      const item = await queue.get()
      finished = true
      return item
    })
    await started.wait()
    expect(finished).toBe(false)
    getRunningLoop().callLater(10, () => queue.putNowait(1))
    expect(await getting).toBe(1)
    expect(finished).toBe(true)
  })

  // test_nonblocking_get, test_nonblocking_put
  test('getNowait gives the item of putNowait', () => {
    const queue = new Queue<number>()
    queue.putNowait(1)
    expect(queue.getNowait()).toBe(1)
  })

  // test_nonblocking_get_exception
  test('getNowait of an empty queue throws QueueEmpty', () => {
    expect(() => new Queue().getNowait()).toThrow(QueueEmpty)
  })

  // test_get_cancelled_race
  virtual('an item goes to the second waiting get when the first was cancelled', async () => {
    const queue = new Queue<string>()
    const first = createTask(() => queue.get())
    const second = createTask(() => queue.get())
    await sleep(0)
    first.cancel()
    await sleep(0)
    expect(first.done()).toBe(true)
    await queue.put('a')
    await sleep(0)
    expect(await second).toBe('a')
  })

  // test_get_with_waiting_putters
  virtual(
    'items of waiting puts leave the queue in the order in which the puts were called',
    async () => {
      const queue = new Queue<string>({ maxsize: 1 })
      createTask(() => queue.put('a'))
      createTask(() => queue.put('b'))
      expect([await queue.get(), await queue.get()]).toEqual(['a', 'b'])
    },
  )

  // test_why_are_getters_waiting
  virtual('a queue for one item passes all items from a producer to a consumer', async () => {
    const queue = new Queue<number>({ maxsize: 1 })
    const got: number[] = []
    await taskGroup(async (group) => {
      group.createTask(async () => {
        for (let i = 0; i < 5; i++) await queue.put(i)
      })
      group.createTask(async () => {
        for (let i = 0; i < 5; i++) got.push(await queue.get())
      })
    })
    expect(got).toEqual([0, 1, 2, 3, 4])
  })

  // test_cancelled_getters_not_being_held_in_self_getters
  virtual('a get that times out leaves no getter behind', async () => {
    const queue = new Queue<number>({ maxsize: 5 })
    const timedOut = await thrown(waitFor(() => queue.get(), 100))
    expect(timedOut).toBeInstanceOf(TimeoutError)
    expect(queue.statistics().getters).toBe(0)
  })
})

describe('QueuePutTests', () => {
  // test_blocking_put
  virtual('put into a queue without a limit does not wait', async () => {
    const queue = new Queue<number>()
    await queue.put(1)
    expect(await queue.get()).toBe(1)
  })

  // test_blocking_put_wait
  virtual('put waits until a get has made room', async () => {
    const queue = new Queue<number>({ maxsize: 1 })
    const started = new Event()
    let finished = false
    getRunningLoop().callLater(10, () => queue.getNowait())
    const putting = createTask(async () => {
      started.set()
      await queue.put(1)
      await queue.put(2)
      finished = true
    })
    await started.wait()
    expect(finished).toBe(false)
    await putting
    expect(finished).toBe(true)
  })

  // test_get_cancel_drop_one_pending_reader
  virtual(
    'an item stays in the queue if the get that it woke is cancelled in the same turn',
    async () => {
      const queue = new Queue<number>()
      const reader = createTask(() => queue.get())
      await sleep(0)
      queue.putNowait(1)
      queue.putNowait(2)
      reader.cancel()
      expect(await thrown(reader)).toBeInstanceOf(CancelledError)
      expect(await createTask(() => queue.get())).toBe(1)
    },
  )

  // test_get_cancel_drop_many_pending_readers
  virtual('the items of cancelled gets reach the other waiting gets', async () => {
    const queue = new Queue<number>()
    const results = await taskGroup(async (group) => {
      const readers = [0, 1, 2].map(() => group.createTask(async () => queue.get()))
      await sleep(0)
      queue.putNowait(1)
      queue.putNowait(2)
      readers[0]?.cancel()
      expect(await thrown(readers[0] as PromiseLike<unknown>)).toBeInstanceOf(CancelledError)
      await readers[2]
      return readers.slice(1)
    })
    expect(results.map((task) => task.result()).toSorted()).toEqual([1, 2])
  })

  // test_put_cancel_drop
  virtual('a put that is cancelled when there is room for it puts nothing', async () => {
    const queue = new Queue<number>({ maxsize: 1 })
    queue.putNowait(1)
    const writer = createTask(() => queue.put(2))
    await sleep(0)
    expect(queue.getNowait()).toBe(1)
    writer.cancel()
    expect(await thrown(writer)).toBeInstanceOf(CancelledError)
    await createTask(() => queue.put(2))
    expect(queue.getNowait()).toBe(2)
    expect(queue.qsize()).toBe(0)
  })

  // test_nonblocking_put_exception
  test('putNowait into a full queue throws QueueFull', () => {
    const queue = new Queue<number>({ maxsize: 1 })
    queue.putNowait(1)
    expect(() => queue.putNowait(2)).toThrow(QueueFull)
  })

  // test_float_maxsize
  virtual('a queue with a maxsize of 1.3 accepts two items', async () => {
    const one = new Queue<number>({ maxsize: 1.3 })
    one.putNowait(1)
    one.putNowait(2)
    expect(one.full()).toBe(true)
    expect(() => one.putNowait(3)).toThrow(QueueFull)
    const other = new Queue<number>({ maxsize: 1.3 })
    await other.put(1)
    await other.put(2)
    expect(other.full()).toBe(true)
  })

  // test_put_cancelled
  virtual('when a waiting get goes on, the put of another task has ended', async () => {
    const queue = new Queue<number>()
    const task = createTask(async () => {
      await queue.put(1)
      return true
    })
    expect(await queue.get()).toBe(1)
    expect(task.result()).toBe(true)
  })

  // test_put_cancelled_race
  virtual('room goes to a waiting put when a later put was cancelled', async () => {
    const queue = new Queue<string>({ maxsize: 1 })
    const a = createTask(() => queue.put('a'))
    const b = createTask(() => queue.put('b'))
    const c = createTask(() => queue.put('X'))
    await sleep(0)
    expect([a.done(), b.done()]).toEqual([true, false])
    c.cancel()
    await sleep(0)
    expect(c.done()).toBe(true)
    expect(queue.getNowait()).toBe('a')
    await sleep(0)
    expect(queue.getNowait()).toBe('b')
    await b
  })

  // test_put_with_waiting_getters
  virtual('put hands its item to a waiting get', async () => {
    const queue = new Queue<string>()
    const getting = createTask(() => queue.get())
    await sleep(0)
    await queue.put('a')
    expect(await getting).toBe('a')
  })

  // test_why_are_putters_waiting
  virtual('two getNowait calls in one turn wake two waiting puts', async () => {
    const queue = new Queue<number>({ maxsize: 2 })
    await taskGroup(async (group) => {
      group.createTask(async () => {
        await sleep(0)
        for (let left = queue.qsize(); left > 0; left--) queue.getNowait()
      })
      for (const item of [0, 1, 2, 3]) group.createTask(async () => queue.put(item))
    })
    expect(queue.statistics()).toMatchObject({ size: 2, putters: 0 })
  })

  // test_cancelled_puts_not_being_held_in_self_putters
  virtual('a cancelled put is no longer counted as a putter', async () => {
    const queue = new Queue<number>({ maxsize: 1 })
    queue.putNowait(1)
    const putting = createTask(() => queue.put(1))
    await sleep(0)
    expect(queue.statistics().putters).toBe(1)
    putting.cancel()
    expect(await thrown(putting)).toBeInstanceOf(CancelledError)
    expect(queue.statistics().putters).toBe(0)
  })

  // test_cancelled_put_silence_value_error_exception
  virtual('a put that is cancelled after a get woke it throws CancelledError', async () => {
    const queue = new Queue<number>({ maxsize: 1 })
    queue.putNowait(1)
    const putting = createTask(() => queue.put(1))
    await sleep(0)
    queue.getNowait()
    putting.cancel()
    expect(await thrown(putting)).toBeInstanceOf(CancelledError)
  })
})

// LifoQueueTests.test_order
virtual('a LifoQueue gives the last item first', async () => {
  const queue = new LifoQueue<number>()
  for (const item of [1, 3, 2]) await queue.put(item)
  expect([await queue.get(), await queue.get(), await queue.get()]).toEqual([2, 3, 1])
})

// PriorityQueueTests.test_order
virtual('a PriorityQueue gives the least item first', async () => {
  const queue = new PriorityQueue<number>()
  for (const item of [1, 3, 2]) await queue.put(item)
  expect([await queue.get(), await queue.get(), await queue.get()]).toEqual([1, 2, 3])
})

const kinds = { Queue, LifoQueue, PriorityQueue }

describe.each(Object.entries(kinds))('the join and shutdown tests of %s', (_name, Kind) => {
  /** Checks that a queue that is shut down and empty refuses every put and get. */
  async function expectShutDown(queue: Queue<string>): Promise<void> {
    expect(await thrown(queue.put('data'))).toBeInstanceOf(QueueShutDown)
    expect(() => queue.putNowait('data')).toThrow(QueueShutDown)
    expect(await thrown(queue.get())).toBeInstanceOf(QueueShutDown)
    expect(() => queue.getNowait()).toThrow(QueueShutDown)
  }

  // test_task_done_underflow
  test('taskDone without an unfinished item throws RangeError', () => {
    expect(() => new Kind().taskDone()).toThrow(RangeError)
  })

  // test_task_done
  virtual('join ends when taskDone was called for every item', async () => {
    const queue = new Kind<number>()
    for (let i = 0; i < 100; i++) queue.putNowait(i)
    let sum = 0
    const workers = { running: true }
    await taskGroup(async (group) => {
      for (const _ of [1, 2]) {
        group.createTask(async () => {
          while (workers.running) {
            sum += await queue.get()
            queue.taskDone()
          }
        })
      }
      await queue.join()
      expect(sum).toBe(4950)
      workers.running = false
      for (const _ of [1, 2]) queue.putNowait(0)
    })
  })

  // test_join_empty_queue
  virtual('join of an empty queue ends at once, also a second time', async () => {
    const queue = new Kind()
    await queue.join()
    await queue.join()
  })

  // both test_format (here `statistics()` has what CPython's texts show)
  test('statistics() shows the number of unfinished items and the shutdown', () => {
    const queue = new Kind<number>()
    expect(queue.statistics()).toMatchObject({ maxsize: 0, unfinished: 0, isShutDown: false })
    queue.putNowait(1)
    queue.putNowait(2)
    expect(queue.statistics()).toMatchObject({ unfinished: 2 })
    queue.shutdown()
    expect(queue.statistics()).toMatchObject({ maxsize: 0, isShutDown: true })
  })

  // test_shutdown_empty
  virtual('shutdown of an empty queue makes a waiting get throw QueueShutDown', async () => {
    const queue = new Kind<string>()
    const getting = createTask(() => queue.get())
    await sleep(0)
    queue.shutdown()
    expect(queue.qsize()).toBe(0)
    await queue.join()
    await sleep(0)
    expect(getting.done()).toBe(true)
    expect(await thrown(getting)).toBeInstanceOf(QueueShutDown)
    await expectShutDown(queue)
  })

  // test_shutdown_nonempty
  virtual(
    'shutdown makes a waiting put throw QueueShutDown, while get still gives the items in the queue',
    async () => {
      const queue = new Kind<string>({ maxsize: 1 })
      queue.putNowait('data')
      const joining = createTask(() => queue.join())
      const putting = createTask(() => queue.put('data2'))
      await sleep(0)
      expect(putting.done()).toBe(false)
      queue.shutdown()
      expect(queue.qsize()).toBe(1)
      await sleep(0)
      expect(putting.done()).toBe(true)
      expect(await thrown(putting)).toBeInstanceOf(QueueShutDown)
      expect(await queue.get()).toBe('data')
      await sleep(0)
      expect(joining.done()).toBe(false)
      await expectShutDown(queue)
      queue.taskDone()
      await sleep(0)
      expect(joining.done()).toBe(true)
      await joining
      expect(() => queue.taskDone()).toThrow(RangeError)
    },
  )

  // test_shutdown_immediate
  virtual('an immediate shutdown drops the items and ends a waiting join', async () => {
    const queue = new Kind<string>()
    queue.putNowait('data')
    const joining = createTask(() => queue.join())
    queue.shutdown(true)
    expect(queue.qsize()).toBe(0)
    await sleep(0)
    expect(joining.done()).toBe(true)
    await joining
    await expectShutDown(queue)
    expect(() => queue.taskDone()).toThrow(RangeError)
  })

  // test_shutdown_immediate_with_unfinished
  virtual('join waits for the items that were got before an immediate shutdown', async () => {
    const queue = new Kind<string>()
    queue.putNowait('data')
    queue.putNowait('data')
    const joining = createTask(() => queue.join())
    expect(await queue.get()).toBe('data')
    queue.shutdown(true)
    expect(queue.qsize()).toBe(0)
    await sleep(0)
    expect(joining.done()).toBe(false)
    await expectShutDown(queue)
    queue.taskDone()
    expect(() => queue.taskDone()).toThrow(RangeError)
    await sleep(0)
    expect(joining.done()).toBe(true)
    await joining
  })

  // CPython tests shutdown with several waiters only for the queue of threads.
  virtual('shutdown makes every waiting get and put throw QueueShutDown', async () => {
    const [empty, full] = [new Kind<number>(), new Kind<number>({ maxsize: 1 })]
    full.putNowait(1)
    const waiting = [1, 2, 3].flatMap((item) => [
      createTask(async () => empty.get()),
      createTask(async () => full.put(item)),
    ])
    await sleep(0)
    empty.shutdown()
    full.shutdown()
    const outcomes = await gather(waiting, { returnExceptions: true })
    expect(outcomes.every((outcome) => outcome instanceof QueueShutDown)).toBe(true)
    expect(await full.get()).toBe(1)
  })
})
