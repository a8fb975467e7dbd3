import {
  CancelledError,
  createTask,
  currentTask,
  Future,
  getRunningLoop,
  moveOnAfter,
  sleep,
  taskGroup,
  type Timeout,
  timeout,
  timeoutAt,
  TimeoutError,
} from '@tasktree/core'
import { expect, test } from 'vitest'
import { thrown, virtual } from '../support/virtual.ts'

// Behaviours of Lib/test/test_asyncio/test_timeouts.py (CPython 3.13); the name of each case there
// stands above its test.

class Failure extends Error {}

/** Runs `body` under a timeout, and returns the scope and the error that it threw. */
async function scoped(
  start: (body: (scope: Timeout) => PromiseLike<unknown>) => PromiseLike<unknown>,
  body: () => PromiseLike<unknown> = () => sleep(10_000),
): Promise<{ scope: Timeout; error: unknown }> {
  let scope: Timeout | undefined
  const error = await Promise.resolve(
    start(async (given) => {
      scope = given
      await body()
    }),
  ).then(
    () => null,
    (error: unknown) => error,
  )
  return { scope: scope as Timeout, error }
}

const now = (): number => getRunningLoop().time()

/** Lets `ms` milliseconds of virtual time pass, where the test of CPython keeps the processor busy for this time. */
const crunch = (ms: number): Promise<void> => timeout(null, () => sleep(ms))

// test_timeout_basic, test_waiter_cancelled
virtual('timeout cancels a body that takes too long, and throws TimeoutError', async () => {
  const log: string[] = []
  const { scope, error } = await scoped(
    (body) => timeout(10, body),
    async () => {
      try {
        await sleep(10_000)
      } catch (cancel) {
        log.push((cancel as Error).name)
        throw cancel
      }
    },
  )
  expect(error).toBeInstanceOf(TimeoutError)
  expect(scope.expired()).toBe(true)
  expect(log).toEqual(['CancelledError'])
})

// test_timeout_at_basic
virtual('timeoutAt ends its body at a deadline in the time of the loop', async () => {
  const deadline = now() + 10
  const { scope, error } = await scoped((body) => timeoutAt(deadline, body))
  expect(error).toBeInstanceOf(TimeoutError)
  expect(scope.when()).toBe(deadline)
  expect(now()).toBe(deadline)
})

// test_nested_timeouts
virtual(
  'the outer of two nested timeouts with the same deadline throws TimeoutError, and the inner CancelledError',
  async () => {
    const deadline = now() + 10
    const inner: { scope: Timeout; error: unknown }[] = []
    const outer = await scoped(
      (body) => timeoutAt(deadline, body),
      async () => {
        const result = await scoped((body) => timeoutAt(deadline, body))
        inner.push(result)
        throw result.error
      },
    )
    expect(outer.error).toBeInstanceOf(TimeoutError)
    expect(inner[0]?.error).toBeInstanceOf(CancelledError)
    expect(outer.scope.expired()).toBe(true)
    expect(inner[0]?.scope.expired()).toBe(true)
  },
)

// test_timeout_not_called, test_timeout_disabled, test_timeout_at_disabled
virtual(
  'timeout does not disturb a body that ends in time, or a body without a limit',
  async () => {
    const { scope, error } = await scoped(
      (body) => timeout(10_000, body),
      () => sleep(10),
    )
    expect(error).toBeNull()
    expect(scope.expired()).toBe(false)
    expect(scope.when()).toBeGreaterThan(now())
    for (const start of [timeout, timeoutAt]) {
      const disabled = await scoped(
        (body) => start(null, body),
        () => sleep(10),
      )
      expect(disabled.error).toBeNull()
      expect(disabled.scope.when()).toBeNull()
    }
  },
)

// test_timeout_zero, test_timeout_zero_sleep_zero, test_timeout_in_the_past_sleep_zero
virtual('timeout with 0 or negative milliseconds ends its body at the first wait', async () => {
  for (const [ms, work] of [
    [0, 10_000],
    [0, 0],
    [-11, 0],
  ] as const) {
    const start = now()
    const { scope, error } = await scoped(
      (body) => timeout(ms, body),
      () => sleep(work),
    )
    expect(error).toBeInstanceOf(TimeoutError)
    expect(scope.expired()).toBe(true)
    expect(scope.when()).toBe(start + ms)
    expect(now()).toBe(start)
  }
})

// test_foreign_exception_passed
virtual('timeout throws an exception of its body unchanged', async () => {
  const { scope, error } = await scoped(
    (body) => timeout(10, body),
    async () => Promise.reject(new Failure()),
  )
  expect(error).toBeInstanceOf(Failure)
  expect(scope.expired()).toBe(false)
})

// test_timeout_exception_context
virtual('the cause of the TimeoutError of timeout is the CancelledError', async () => {
  const { error } = await scoped((body) => timeout(10, body))
  expect((error as TimeoutError).cause).toBeInstanceOf(CancelledError)
})

// test_foreign_exception_on_timeout, test_foreign_exception_on_timeout_2
virtual(
  'timeout throws an exception that the clean-up of its body throws after the deadline',
  async () => {
    const { scope, error } = await scoped(
      (body) => timeout(10, body),
      async () => {
        try {
          await sleep(1_000)
        } finally {
          // oxlint-disable-next-line no-unsafe-finally -- the case that is tested
          throw new Failure()
        }
      },
    )
    expect(error).toBeInstanceOf(Failure)
    expect(scope.expired()).toBe(true)
  },
)

// test_foreign_cancel_doesnt_timeout_if_not_expired
virtual(
  'a cancel from outside before the deadline leaves timeout as a CancelledError',
  async () => {
    const { scope, error } = await scoped(
      (body) => timeout(10, body),
      async () => {
        currentTask()?.cancel()
        await sleep(10_000)
      },
    )
    expect(error).toBeInstanceOf(CancelledError)
    expect(scope.expired()).toBe(false)
  },
)

// test_outer_task_is_not_cancelled
virtual(
  'a task that has caught the TimeoutError of a timeout is not cancelled, and its cancelling() is 0',
  async () => {
    const task = createTask(async () => {
      await thrown(timeout(1, () => sleep(10_000)))
      return currentTask()?.cancelling()
    })
    expect(await task).toBe(0)
    expect(task.cancelled()).toBe(false)
  },
)

// test_nested_timeouts_concurrent, test_nested_timeouts_loop_busy
virtual(
  'of two nested timeouts the inner throws TimeoutError at its deadline, and the outer later at its own',
  async () => {
    const start = now()
    let inner: unknown
    const outer = await thrown(
      timeout(100, async () => {
        inner = await thrown(
          timeout(10, async () => {
            await crunch(5)
            await sleep(1_000)
          }),
        )
        await sleep(10_000)
      }),
    )
    expect(inner).toBeInstanceOf(TimeoutError)
    expect(outer).toBeInstanceOf(TimeoutError)
    expect(now() - start).toBe(100)
  },
)

// test_reschedule
virtual('reschedule moves the deadline of a timeout or removes it', async () => {
  const given = new Future<Timeout>()
  const first = now() + 10
  const task = createTask(() =>
    timeoutAt(first, async (scope) => {
      given.setResult(scope)
      await sleep(50)
    }),
  )
  const scope = await given
  expect(scope.when()).toBe(first)
  scope.reschedule(first + 20)
  expect(scope.when()).toBe(first + 20)
  scope.reschedule(null)
  expect(scope.when()).toBeNull()
  task.cancel()
  expect(await thrown(task)).toBeInstanceOf(CancelledError)
  expect(scope.expired()).toBe(false)
})

virtual(
  'a timeout whose deadline is moved into the past ends its body in the next turn',
  async () => {
    const start = now()
    const error = await thrown(
      timeout(1_000, async (scope) => {
        scope.reschedule(start - 5)
        await sleep(500)
      }),
    )
    expect(error).toBeInstanceOf(TimeoutError)
    expect(now()).toBe(start)
  },
)

// test_nested_timeout_in_finally
virtual(
  'a timeout in the clean-up of a timed-out body has its own time and throws its own TimeoutError',
  async () => {
    const start = now()
    let inner: unknown
    const outer = await thrown(
      timeout(10, async () => {
        try {
          await sleep(1_000)
        } finally {
          inner = await thrown(timeout(10, () => sleep(10_000)))
        }
      }),
    )
    expect(inner).toBeInstanceOf(TimeoutError)
    expect(outer).toBeInstanceOf(TimeoutError)
    expect(now() - start).toBe(20)
  },
)

// test_timeout_after_cancellation, test_cancel_in_timeout_after_cancellation
virtual(
  'a timeout works in the clean-up of a cancelled task, and a second cancel there is a CancelledError',
  async () => {
    const results: unknown[] = []
    const task = createTask(async () => {
      try {
        await sleep(1)
      } catch {
        results.push(await thrown(timeout(0, () => sleep(1))))
        results.push(
          await thrown(
            timeout(1_000, async () => {
              currentTask()?.cancel()
              await sleep(2_000)
            }),
          ),
        )
      }
    })
    await sleep(0)
    task.cancel()
    await task
    expect(results[0]).toBeInstanceOf(TimeoutError)
    expect(results[1]).toBeInstanceOf(CancelledError)
  },
)

// test_timeout_finished, test_timeout_expired, test_timeout_expiring
virtual('reschedule throws when the timeout has expired or its body has ended', async () => {
  const finished = await scoped(
    (body) => timeout(10, body),
    async () => {},
  )
  expect(() => finished.scope.reschedule(20)).toThrow('finished')
  const expired = await scoped((body) => timeout(10, body))
  expect(() => expired.scope.reschedule(20)).toThrow('expired')
  await timeout(10, async (scope) => {
    await thrown(sleep(1_000))
    expect(() => scope.reschedule(20)).toThrow('expiring')
  })
})

// test_timeout_taskgroup
virtual(
  'timeout throws the ExceptionGroup of a task group whose clean-up fails after the deadline',
  async () => {
    const error = await thrown(
      timeout(10, () =>
        taskGroup(async (group) => {
          group.createTask(async () => {
            try {
              await sleep(2_000)
            } finally {
              // oxlint-disable-next-line no-unsafe-finally -- the case that is tested
              throw new Failure()
            }
          })
          await sleep(1_000)
        }),
      ),
    )
    expect(error).toMatchObject({ name: 'ExceptionGroup', errors: [new Failure()] })
  },
)

// test_timeout_without_task (CPython throws here)
test('timeout outside of every task runs its body in a task that it makes', async () => {
  expect(await timeout(1_000, async () => currentTask()?.name)).toBeDefined()
})

virtual('timeout refuses a limit that is not a number at the call', async () => {
  expect(() => timeout(NaN, async () => {})).toThrow(TypeError)
  expect(() => timeout('1' as never, async () => {})).toThrow(
    new TypeError('a delay must be a number of milliseconds, got string 1'),
  )
})

virtual(
  'moveOnAfter ends its body after the time without an error, and tells whether it did',
  async () => {
    expect(await moveOnAfter(10, () => sleep(1_000))).toEqual({
      cancelled: true,
      reason: expect.any(TimeoutError),
    })
    expect(await moveOnAfter(10, () => sleep(1, 'value'))).toEqual({
      cancelled: false,
      value: 'value',
    })
    expect(await moveOnAfter(null, () => sleep(1_000, 1))).toEqual({ cancelled: false, value: 1 })
    expect(await thrown(moveOnAfter(10, async () => Promise.reject(new Failure())))).toBeInstanceOf(
      Failure,
    )
    const task = createTask(() => moveOnAfter(1_000, () => sleep(5_000)))
    await sleep(1)
    task.cancel()
    expect(await thrown(task)).toBeInstanceOf(CancelledError)
  },
)
