import {
  CancelledError,
  createTask,
  currentTask,
  Future,
  gather,
  getRunningLoop,
  shield,
  sleep,
  TimeoutError,
  waitFor,
} from '@tasktree/core'
import { expect, test } from 'vitest'
import { thrown, virtual } from '../support/virtual.ts'

// Behaviours of Lib/test/test_asyncio/test_waitfor.py (CPython 3.13); the name of each case there
// stands above its test.

// test_asyncio_wait_for_cancelled, test_cancel_blocking_wait_for, test_cancel_wait_for
virtual('a cancel of waitFor cancels the task that it waits for', async () => {
  for (const limit of [null, 60_000, Infinity]) {
    const task = createTask(async () => new Future<void>())
    const waiting = createTask(() => waitFor(task, limit))
    await sleep(0)
    waiting.cancel()
    expect(await thrown(waiting)).toBeInstanceOf(CancelledError)
    expect(task.cancelled()).toBe(true)
  }
})

// test_asyncio_wait_for_timeout, test_wait_for
virtual(
  'waitFor cancels its task after the time, and throws TimeoutError when the task has ended',
  async () => {
    let running = false
    const task = createTask(async () => {
      running = true
      try {
        await sleep(60_000)
      } finally {
        running = false
      }
    })
    expect(await thrown(waitFor(task, 100))).toBeInstanceOf(TimeoutError)
    expect(task.cancelled()).toBe(true)
    expect(running).toBe(false)
    expect(getRunningLoop().time()).toBe(100)
  },
)

// test_wait_for_timeout_less_then_0_or_0_future_done
virtual('waitFor with a timeout of 0 gives the result of a future that is done', async () => {
  const future = new Future<string>()
  future.setResult('done')
  expect(await waitFor(future, 0)).toBe('done')
})

// test_wait_for_timeout_less_then_0_or_0_coroutine_do_not_started
virtual('waitFor with a timeout of 0 never calls its function', async () => {
  let started = false
  const error = await thrown(
    waitFor(async () => {
      started = true
    }, 0),
  )
  expect(error).toBeInstanceOf(TimeoutError)
  expect(started).toBe(false)
})

// test_wait_for_timeout_less_then_0_or_0
virtual(
  'waitFor with a timeout of 0 or less cancels a running task and waits for its end',
  async () => {
    for (const limit of [0, -1]) {
      let running = false
      const started = new Future<void>()
      const task = createTask(async () => {
        running = true
        started.setResult()
        try {
          await sleep(10_000)
        } finally {
          running = false
        }
      })
      await started
      expect(await thrown(waitFor(task, limit))).toBeInstanceOf(TimeoutError)
      expect(task.cancelled()).toBe(true)
      expect(running).toBe(false)
    }
  },
)

// test_wait_for_blocking
virtual('waitFor with a timeout of null has no limit', async () => {
  expect(await waitFor(async () => 'done', null)).toBe('done')
  expect(await waitFor(() => sleep(3_000, 'done'), null)).toBe('done')
})

// test_wait_for_race_condition
virtual('waitFor gives the result of a future that is set in the next turn', async () => {
  const future = new Future<string>()
  getRunningLoop().callSoon(() => future.setResult('ok'))
  expect(await waitFor(future, 200)).toBe('ok')
})

// test_wait_for_cancellation_race_condition, test_wait_for_cancel_suppressed
virtual('waitFor gives the value of a function that swallows the cancel', async () => {
  const stubborn = async (): Promise<number> => {
    await thrown(sleep(1_000))
    return 42
  }
  expect(await waitFor(stubborn, 10)).toBe(42)
})

// test_wait_for_waits_for_task_cancellation, …_w_timeout_0
virtual('waitFor waits for the clean-up of the task that it has cancelled', async () => {
  for (const limit of [1, 0]) {
    let cleaned = false
    const task = createTask(async () => {
      try {
        await sleep(10_000)
      } finally {
        await sleep(5)
        cleaned = true
      }
    })
    await sleep(0)
    const error = await thrown(waitFor(task, limit))
    expect(cleaned).toBe(true)
    expect(error).toBeInstanceOf(TimeoutError)
    expect((error as Error).cause).toBeInstanceOf(CancelledError)
  }
})

// test_wait_for_reraises_exception_during_cancellation
virtual('waitFor throws an exception of the clean-up instead of TimeoutError', async () => {
  for (const limit of [1, 0]) {
    const task = createTask(async () => {
      try {
        await sleep(200)
      } finally {
        // oxlint-disable-next-line no-unsafe-finally -- the case that is tested
        throw new Error('in cleanup')
      }
    })
    await sleep(0)
    expect(String(await thrown(waitFor(task, limit)))).toBe('Error: in cleanup')
  }
})

// test_wait_for_issue86296
virtual(
  'a cancel of a task in waitFor in the turn in which the inner task ends is not lost',
  async () => {
    const inner = createTask(async () => 'done')
    let reached = false
    const task = createTask(async () => {
      await waitFor(inner, 100)
      await sleep(1)
      reached = true
    })
    await sleep(0)
    task.cancel()
    expect(await thrown(task)).toBeInstanceOf(CancelledError)
    expect(await inner).toBe('done')
    expect(reached).toBe(false)
  },
)

// test_zero_timeout
virtual(
  'waitFor with a timeout of 0 cancels a shield, and the task inside the shield goes on',
  async () => {
    const task = createTask(() => sleep(10, 'done'))
    const shielded = shield(task)
    expect(await thrown(waitFor(shielded, 0))).toBeInstanceOf(TimeoutError)
    expect(task.done()).toBe(false)
    expect(shielded.cancelled()).toBe(true)
    expect(await task).toBe('done')
  },
)

// The random programs of the folder conformance/ found this case. asyncio does the same.
virtual(
  'waitFor with a timeout of 0 throws CancelledError if a cancel is not delivered yet',
  async () => {
    const task = createTask(async () => {
      task.cancel()
      await waitFor(new Future<void>(), 0)
    })
    expect(await thrown(task)).toBeInstanceOf(CancelledError)
  },
)

virtual(
  'a cancel of waitFor with a timeout of 0 does not wait for the clean-up of the inner task',
  async () => {
    const slow = createTask(async () => {
      try {
        await sleep(100)
      } finally {
        await sleep(50)
      }
    })
    const waiting = createTask(() => waitFor(slow, 0))
    await sleep(10)
    waiting.cancel()
    expect(await thrown(waiting)).toBeInstanceOf(CancelledError)
    expect(getRunningLoop().time()).toBe(10)
    expect(await thrown(slow)).toBeInstanceOf(CancelledError)
  },
)

virtual('waitFor with a timeout of 0 on a pending gather throws TimeoutError', async () => {
  const gathered = gather([createTask(() => sleep(10))])
  expect(await thrown(waitFor(gathered, 0))).toBeInstanceOf(TimeoutError)
})

// test_none_timeout, test_shielded_timeout
virtual('a task inside a shield goes on after the timeout of waitFor', async () => {
  const task = createTask(() => sleep(100, 'done'))
  expect(await thrown(waitFor(shield(task), 10))).toBeInstanceOf(TimeoutError)
  expect(task.done()).toBe(false)
  expect(await waitFor(shield(task), null)).toBe('done')
})

virtual('waitFor runs a function in the current task', async () => {
  expect(await waitFor(async () => currentTask()?.name, 10)).toBe(currentTask()?.name)
})

test('waitFor works in plain code, outside of every loop', async () => {
  expect(await waitFor(Promise.resolve(1), 1_000)).toBe(1)
  expect(await thrown(waitFor(new Promise(() => {}), 1))).toBeInstanceOf(TimeoutError)
})

virtual('waitFor refuses a limit that is not a number at the call', async () => {
  expect(() => waitFor(async () => {}, NaN)).toThrow(
    new TypeError('a delay must be a number of milliseconds, got number NaN'),
  )
})
