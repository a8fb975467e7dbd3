import {
  CancelledError,
  createTask,
  currentTask,
  Future,
  getRunningLoop,
  newEventLoop,
  RuntimeError,
  shield,
  sleep,
  type Task,
  TimeoutError,
  wait,
} from '@tasktree/core'
import { runVirtual, VirtualClock } from '@tasktree/core/testing'
import { expect, test, vi } from 'vitest'
import { thrown, virtual } from '../support/virtual.ts'

// Behaviours of the cancel and shield cases of Lib/test/test_asyncio/test_tasks.py (CPython 3.13); the
// name of each case there stands above its test.

const now = (): number => getRunningLoop().time()

// test_task_cancel_message_getter
virtual('the CancelledError of a task has the message that cancel() was given', async () => {
  const task = createTask(async () => sleep(10_000))
  await sleep(0)
  task.cancel('my message')
  expect(await thrown(task)).toMatchObject({ name: 'CancelledError', message: 'my message' })
})

// test_cancelling
virtual(
  'cancelling() counts the cancels of a task, and each call of cancel() returns true',
  async () => {
    const task = createTask(async () => sleep(10_000))
    expect(task.cancelling()).toBe(0)
    expect(task.cancel()).toBe(true)
    expect(task.cancelling()).toBe(1)
    expect(task.cancel()).toBe(true)
    expect(task.cancelling()).toBe(2)
    expect(await thrown(task)).toBeInstanceOf(CancelledError)
  },
)

// test_uncancel_basic
virtual(
  'a task that takes a cancel back with uncancel() goes on, and can be cancelled again',
  async () => {
    const task = createTask(async () => {
      try {
        await sleep(10_000)
      } catch {
        currentTask()?.uncancel()
        await sleep(10_000)
      }
    })
    await sleep(10)
    expect(task.cancel()).toBe(true)
    expect(task.cancelling()).toBe(1)
    expect(task.cancelled()).toBe(false)
    await sleep(10)
    expect(task.cancelling()).toBe(0)
    expect(task.cancelled()).toBe(false)
    expect(task.cancel()).toBe(true)
    expect(task.cancelling()).toBe(1)
    expect(await thrown(task)).toBeInstanceOf(CancelledError)
    expect(task.cancelled()).toBe(true)
    task.uncancel()
    expect(task.cancelled()).toBe(true)
    expect(task.done()).toBe(true)
  },
)

// test_uncancel_structured_blocks
virtual(
  'code that cancels its own task after a limit and calls uncancel() leaves the task uncancelled',
  async () => {
    const request = async (ms: number, limit: number): Promise<boolean[]> => {
      const task = currentTask() as Task
      let timedOut = false
      let finished = false
      const timer = task.getLoop().callLater(limit, () => {
        timedOut = true
        task.cancel()
      })
      try {
        try {
          await sleep(ms)
          finished = true
        } catch (error) {
          if (timedOut && task.uncancel() === 0 && error instanceof CancelledError) {
            throw new TimeoutError('too late', { cause: error })
          }
          throw error
        } finally {
          timer.cancel()
        }
      } catch (error) {
        expect(error).toBeInstanceOf(TimeoutError)
      }
      await sleep(0)
      return [timedOut, finished]
    }
    const late = createTask(() => request(10_000, 100))
    expect(await late).toEqual([true, false])
    expect(late.cancelling()).toBe(0)
    const timely = createTask(() => request(0, 10_000))
    expect(await timely).toEqual([false, true])
    expect(timely.cancelling()).toBe(0)
  },
)

// test_uncancel_resets_must_cancel
virtual('a cancel that uncancel() takes back before its delivery is not delivered', async () => {
  const future = new Future<void>()
  const task = createTask(async () => {
    await future
    return 42
  })
  await sleep(0)
  future.setResult()
  task.cancel()
  expect(task.cancelling()).toBe(1)
  task.uncancel()
  expect(task.cancelling()).toBe(0)
  expect(await task).toBe(42)
})

// test_cancel, test_task_cancel_sleeping_task, test_sleep_cancel
virtual(
  'a cancel ends a sleep at once, and a later cancel() of the ended task returns false',
  async () => {
    const task = createTask(async () => {
      await sleep(10_000)
      return 12
    })
    getRunningLoop().callLater(100, () => task.cancel())
    expect(await thrown(task)).toBeInstanceOf(CancelledError)
    expect(now()).toBe(100)
    expect(task.done()).toBe(true)
    expect(task.cancelled()).toBe(true)
    expect(task.cancel()).toBe(false)
  },
)

// test_cancel_with_message_then_future_result, test_cancel_with_message_then_future_exception
virtual(
  'result() and exception() of a cancelled task throw a CancelledError with the message',
  async () => {
    for (const message of [undefined, 'my message']) {
      for (const look of ['result', 'exception'] as const) {
        const task = createTask(async () => sleep(10_000))
        await sleep(0)
        task.cancel(message)
        await wait([task])
        const first = await thrown(Promise.try(() => task[look]()))
        expect(first).toBeInstanceOf(CancelledError)
        expect(first).toMatchObject({ message: message ?? '' })
        // The first look gives the error that the code of the task threw, with its message. Each later look gives a new error.
        expect(() => task[look]()).toThrow(new CancelledError())
      }
    }
  },
)

// test_cancellation_exception_context
virtual('the message of a cancel reaches the code that awaits the task', async () => {
  const started = new Future<void>()
  const inner = createTask(async () => {
    started.setResult()
    await sleep(10_000)
  })
  await started
  getRunningLoop().callSoon(() => {
    inner.cancel('msg')
  })
  expect(await thrown(inner)).toMatchObject({ name: 'CancelledError', message: 'msg' })
})

// test_cancel_with_message_before_starting_task
virtual(
  'exception() of a task that is cancelled before its start throws with the message of the cancel',
  async () => {
    const task = createTask(async () => sleep(10_000))
    task.cancel('my message')
    await wait([task])
    expect(() => task.exception()).toThrow('my message')
  },
)

// test_cancel_yield
virtual('a cancel ends a task that only awaits sleep(0)', async () => {
  const task = createTask(async () => {
    await sleep(0)
    await sleep(0)
    return 12
  })
  await sleep(0)
  task.cancel()
  expect(await thrown(task)).toBeInstanceOf(CancelledError)
  expect(task.cancelled()).toBe(true)
  expect(task.cancel()).toBe(false)
})

// test_cancel_inner_future
virtual('a task that awaits a future ends as cancelled when the future is cancelled', async () => {
  const future = new Future<void>()
  const task = createTask(async () => future)
  await sleep(0)
  future.cancel()
  expect(await thrown(task)).toBeInstanceOf(CancelledError)
  expect(task.cancelled()).toBe(true)
})

// test_cancel_both_task_and_inner_future
virtual('cancelling both a task and the future that it awaits leaves both cancelled', async () => {
  const future = new Future<void>()
  const task = createTask(async () => {
    await future
    return 12
  })
  await sleep(0)
  future.cancel()
  task.cancel()
  expect(await thrown(task)).toBeInstanceOf(CancelledError)
  expect(future.cancelled()).toBe(true)
  expect(task.cancelled()).toBe(true)
})

// test_cancel_task_catching
virtual('a task that catches its CancelledError and returns a value is not cancelled', async () => {
  const first = new Future<void>()
  const second = new Future<void>()
  const task = createTask(async () => {
    await first
    try {
      await second
    } catch (error) {
      expect(error).toBeInstanceOf(CancelledError)
      return 42
    }
    return 0
  })
  await sleep(0)
  expect(task.waitingOn.has(first)).toBe(true)
  first.setResult()
  await sleep(0)
  expect(task.waitingOn.has(second)).toBe(true)
  task.cancel()
  expect(second.cancelled()).toBe(true)
  expect(await task).toBe(42)
  expect(task.cancelled()).toBe(false)
})

// test_cancel_task_ignoring
virtual(
  'a task that swallows its CancelledError can await another future and return its result',
  async () => {
    const first = new Future<void>()
    const second = new Future<void>()
    const third = new Future<number>()
    const task = createTask(async () => {
      await first
      await thrown(second)
      return third
    })
    await sleep(0)
    expect(task.waitingOn.has(first)).toBe(true)
    first.setResult()
    await sleep(0)
    expect(task.waitingOn.has(second)).toBe(true)
    task.cancel()
    expect(second.cancelled()).toBe(true)
    await sleep(1)
    expect(task.waitingOn.has(third)).toBe(true)
    third.setResult(42)
    expect(await task).toBe(42)
    expect(third.cancelled()).toBe(false)
    expect(task.cancelled()).toBe(false)
  },
)

// test_cancel_current_task
virtual('a task that cancels itself is cancelled at its next wait', async () => {
  const task: Task<number> = createTask(async () => {
    task.cancel()
    await sleep(100)
    return 12
  })
  expect(await thrown(task)).toBeInstanceOf(CancelledError)
  expect(now()).toBe(0)
  expect(task.cancelled()).toBe(true)
  expect(task.cancel()).toBe(false)
})

// test_cancel_at_end
virtual('a task that cancels itself and returns is cancelled', async () => {
  const task: Task<number> = createTask(async () => {
    task.cancel()
    return 12
  })
  expect(await thrown(task)).toBeInstanceOf(CancelledError)
  expect(task.cancelled()).toBe(true)
  expect(task.cancel()).toBe(false)
})

// test_cancel_awaited_task
virtual(
  'a cancel that is not delivered yet cancels the task that the cancelled task awaits next',
  async () => {
    const future = new Future<void>()
    let nested: Task | undefined
    const task: Task<void> = createTask(async () => {
      nested = createTask(async () => future)
      await sleep(0)
      task.cancel()
      await nested
    })
    expect(await thrown(task)).toBeInstanceOf(CancelledError)
    expect(task.cancelled()).toBe(true)
    expect(nested?.cancelled()).toBe(true)
    expect(future.cancelled()).toBe(true)
  },
)

// test_task_cancel_waiter_future
virtual(
  'a cancel of a task cancels the future that the task awaits, and empties its waitingOn',
  async () => {
    const future = new Future<void>()
    const task = createTask(async () => future)
    await sleep(0)
    expect(task.waitingOn.has(future)).toBe(true)
    task.cancel()
    expect(await thrown(task)).toBeInstanceOf(CancelledError)
    expect(task.waitingOn.size).toBe(0)
    expect(future.cancelled()).toBe(true)
  },
)

// test_baseexception_during_cancel
virtual(
  'a task that throws an error instead of its CancelledError has failed with this error',
  async () => {
    const failure = new Error('while cleaning up')
    const task = createTask(async () => {
      try {
        await sleep(10_000)
      } catch {
        throw failure
      }
    })
    await sleep(0)
    task.cancel()
    expect(task.done()).toBe(false)
    expect(await thrown(task)).toBe(failure)
    expect(task.cancelled()).toBe(false)
    expect(task.exception()).toBe(failure)
  },
)

// test_yield_future_passes_cancel
virtual(
  'a CancelledError passes through the nested calls of a task from the inside out',
  async () => {
    const proof: string[] = []
    const waiter = new Future<void>()
    const inner = async (): Promise<void> => {
      try {
        await waiter
      } catch (error) {
        proof.push('inner')
        throw error
      }
    }
    const outer = createTask(async () => {
      try {
        await inner()
      } catch {
        proof.push('outer')
      }
    })
    await sleep(0)
    outer.cancel()
    await outer
    expect(proof).toEqual(['inner', 'outer'])
    expect(waiter.cancelled()).toBe(true)
  },
)

// test_tb_logger_not_called_after_cancel
test('cancel() of a task that has failed returns false, and the failure is not reported', async () => {
  const reported = vi.fn()
  await runVirtual(async () => {
    getRunningLoop().setExceptionHandler(reported)
    const task = createTask(async () => {
      throw new TypeError('failed')
    })
    await sleep(50)
    expect(task.cancel()).toBe(false)
    expect(task.cancelled()).toBe(false)
  })
  expect(reported).not.toHaveBeenCalled()
})

// test_stop_while_run_in_complete
test('a loop that was stopped before the end can run again, and its task can be cancelled', async () => {
  const loop = newEventLoop({ clock: new VirtualClock() })
  let rounds = 0
  const task = loop.createTask(async () => {
    while (rounds < 10) {
      await sleep(100)
      rounds++
      if (rounds === 2) loop.stop()
    }
  })
  expect(await thrown(loop.runUntilComplete(task))).toBeInstanceOf(RuntimeError)
  expect(rounds).toBe(2)
  expect(task.done()).toBe(false)
  task.cancel()
  expect(await thrown(loop.runUntilComplete(task))).toBeInstanceOf(CancelledError)
  loop.close()
})

// test_shield_result
virtual('a shield gives the result of the future inside it', async () => {
  const inner = new Future<number>()
  const outer = shield(inner)
  inner.setResult(42)
  expect(await outer).toBe(42)
})

// test_shield_exception
virtual('a shield throws the exception of the future inside it', async () => {
  const inner = new Future<number>()
  const outer = shield(inner)
  await sleep(0)
  const failure = new RuntimeError('expected')
  inner.setException(failure)
  await sleep(1)
  expect(outer.exception()).toBe(failure)
})

// test_shield_cancel_inner
virtual('a cancel of the future inside a shield cancels the shield', async () => {
  const inner = new Future<number>()
  const outer = shield(inner)
  await sleep(0)
  inner.cancel()
  await sleep(1)
  expect(outer.cancelled()).toBe(true)
})

// test_shield_cancel_outer
virtual('a cancel of a shield leaves the future inside it pending', async () => {
  const inner = new Future<number>()
  const outer = shield(inner)
  await sleep(0)
  outer.cancel()
  await sleep(1)
  expect(outer.cancelled()).toBe(true)
  expect(inner.done()).toBe(false)
})

// test_shield_shortcut
virtual('a shield of a done future is done at once', async () => {
  const future = new Future<number>()
  future.setResult(42)
  expect(shield(future).result()).toBe(42)
})

// test_shield_effect
virtual(
  'a function inside a shield goes on when the task that awaits the shield is cancelled',
  async () => {
    let proof = 0
    const waiter = new Future<void>()
    const inner = async (): Promise<void> => {
      await waiter
      proof += 1
    }
    const outer = createTask(async () => {
      await shield(inner)
      proof += 100
    })
    await sleep(1)
    outer.cancel()
    expect(await thrown(outer)).toBeInstanceOf(CancelledError)
    waiter.setResult()
    await sleep(1)
    expect(proof).toBe(1)
  },
)

// test_shield_coroutine_use_running_loop
virtual('shield runs a function on the running loop', async () => {
  const outer = shield(async () => 42)
  expect(outer.getLoop()).toBe(getRunningLoop())
  expect(await outer).toBe(42)
})

// test_shield_coroutine_use_global_loop
test('in plain code shield runs a function on the default loop', async () => {
  expect(await shield(async () => 42)).toBe(42)
})
