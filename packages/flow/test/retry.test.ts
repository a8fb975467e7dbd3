import {
  CancelledError,
  createTask,
  currentTask,
  Future,
  isCancelled,
  shield,
  sleep,
  taskSignal,
  timeout,
  TimeoutError,
} from '@tasktree/core'
import { constant, exponential, retry } from '@tasktree/flow'
import { describe, expect, test } from 'vitest'
import { now, thrown, virtual } from './support/virtual.ts'

const none = { backoff: constant(0) }

/** Makes a function that fails in its first `failures` attempts. The error has the number of the attempt. */
function failing(failures: number): (attempt: number) => Promise<string> {
  return async (attempt) => {
    if (attempt <= failures) throw new Error(`attempt ${attempt}`)
    return `ok after ${attempt}`
  }
}

describe('the attempts of retry', () => {
  virtual('are numbered from 1, and end with the first success', async () => {
    expect(await retry(failing(0), none)).toBe('ok after 1')
    expect(await retry(failing(2), none)).toBe('ok after 3')
  })

  virtual('are three by default, and the last error is thrown', async () => {
    expect(await thrown(retry(failing(3), none))).toEqual(new Error('attempt 3'))
  })

  virtual('are never repeated with attempts: 1', async () => {
    expect(await thrown(retry(failing(1), { attempts: 1 }))).toEqual(new Error('attempt 1'))
  })

  virtual('have no limit with Infinity', async () => {
    expect(await retry(failing(500), { ...none, attempts: Infinity })).toBe('ok after 501')
  })

  virtual('may throw before they return a promise', async () => {
    const fn = (attempt: number): Promise<number> => {
      if (attempt === 1) throw new Error('at once')
      return Promise.resolve(attempt)
    }
    expect(await retry(fn, none)).toBe(2)
  })
})

describe('the last error of retry', () => {
  virtual('is thrown itself, and lists the errors of the earlier attempts', async () => {
    const errors = [new Error('a'), new Error('b'), new Error('c')]
    const error = await thrown(
      retry(async (attempt) => Promise.reject(errors[attempt - 1] as Error), none),
    )
    expect(error).toBe(errors[2])
    expect((error as AggregateError).errors).toEqual([errors[0], errors[1]])
    // If each error listed the errors before it, none of them could ever be garbage-collected.
    for (const earlier of errors.slice(0, 2)) expect(earlier).not.toHaveProperty('errors')
    expect(Object.keys(error as object)).not.toContain('errors')
  })

  virtual('lists no errors if each attempt throws the same error', async () => {
    const same = new Error('same')
    expect(await thrown(retry(async () => Promise.reject(same), none))).toBe(same)
    expect(same).not.toHaveProperty('errors')
  })

  virtual('lists only the newest hundred errors', async () => {
    const error = await thrown(retry(failing(200), { ...none, attempts: 200 }))
    const { errors } = error as AggregateError
    expect(errors).toHaveLength(100)
    expect(errors[99]).toEqual(new Error('attempt 199'))
  })

  virtual('keeps its own list of errors, and can be a string', async () => {
    const own = new AggregateError([new Error('inside')])
    const fn = async (attempt: number): Promise<never> =>
      // oxlint-disable-next-line prefer-promise-reject-errors, typescript/prefer-promise-reject-errors
      Promise.reject(attempt === 1 ? 'a string' : own)
    expect(await thrown(retry(fn, { ...none, attempts: 2 }))).toBe(own)
    expect(own.errors).toEqual([new Error('inside')])
    expect(await thrown(retry(fn, { ...none, attempts: 1 }))).toBe('a string')
  })

  virtual('can be frozen', async () => {
    const frozen = Object.freeze(new Error('frozen'))
    const fn = async (attempt: number): Promise<never> =>
      Promise.reject(attempt === 1 ? new Error('first') : frozen)
    expect(await thrown(retry(fn, { ...none, attempts: 2 }))).toBe(frozen)
  })
})

describe('the backoff of retry', () => {
  virtual('is how long retry waits after each failure', async () => {
    const times: number[] = []
    await thrown(
      retry(
        async () => {
          times.push(now())
          throw new Error('no')
        },
        { attempts: 5, backoff: exponential({ jitter: 'none' }) },
      ),
    )
    expect(times).toEqual([0, 100, 300, 700, 1500])
  })

  virtual('is called with the number and the error of the failed attempt', async () => {
    const told: unknown[] = []
    const backoff = (attempt: number, error: unknown): number => {
      told.push([attempt, (error as Error).message])
      return 1
    }
    await thrown(retry(failing(3), { backoff }))
    expect(told).toEqual([
      [1, 'attempt 1'],
      [2, 'attempt 2'],
    ])
  })

  virtual('makes retry reject if it returns no valid time', async () => {
    expect(await thrown(retry(failing(1), { backoff: () => NaN }))).toBeInstanceOf(RangeError)
    expect(await thrown(retry(failing(1), { backoff: () => -1 }))).toBeInstanceOf(RangeError)
    expect(await thrown(retry(failing(1), { backoff: () => '5' as never }))).toBeInstanceOf(
      TypeError,
    )
  })

  test('exponential doubles from 100 ms to 30 s by default, or follows its options', () => {
    const defaults = exponential({ jitter: 'none' })
    expect([1, 2, 3, 9, 10, 5000].map((n) => defaults(n))).toEqual([
      100, 200, 400, 25_600, 30_000, 30_000,
    ])
    const own = exponential({ min: 1, max: 50, factor: 10, jitter: 'none' })
    expect([1, 2, 3].map((n) => own(n))).toEqual([1, 10, 50])
    expect(exponential({ max: 50, jitter: 'none' })(1)).toBe(50)
    expect(exponential({ min: 0, jitter: 'none' })(5000)).toBe(0)
  })

  test('exponential draws a delay between 0 and the whole delay by default', () => {
    const backoff = exponential()
    const delays = Array.from({ length: 1000 }, () => backoff(3))
    expect(Math.max(...delays)).toBeLessThanOrEqual(400)
    expect(Math.max(...delays)).toBeGreaterThan(350)
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(0)
    expect(Math.min(...delays)).toBeLessThan(50)
  })

  test('exponential and constant throw at the call for wrong delays', () => {
    expect(() => exponential({ min: -1 })).toThrow(RangeError)
    expect(() => exponential({ max: NaN })).toThrow(RangeError)
    expect(() => exponential({ factor: 0.5 })).toThrow(RangeError)
    expect(() => exponential({ jitter: 'half' as never })).toThrow(RangeError)
    expect(() => constant(-1)).toThrow(RangeError)
    expect(() => constant('1' as never)).toThrow(TypeError)
  })
})

describe('the timeout of retry', () => {
  virtual('cancels an attempt that takes too long, and the next attempt begins', async () => {
    const events: string[] = []
    const result = await retry(
      async (attempt) => {
        try {
          await sleep(attempt === 3 ? 10 : 1000)
          return `ok at ${now()}`
        } catch (error) {
          events.push(`cut at ${now()}`)
          throw error
        }
      },
      { timeout: 50, ...none },
    )
    expect(events).toEqual(['cut at 50', 'cut at 100'])
    expect(result).toBe('ok at 110')
  })

  virtual('makes retry throw a TimeoutError if the last attempt takes too long', async () => {
    const error = await thrown(retry(() => sleep(1000), { timeout: 5, attempts: 2, ...none }))
    expect(error).toBeInstanceOf(TimeoutError)
  })
})

describe('retryIf and onRetry of retry', () => {
  virtual('an error for which retryIf returns false is thrown at once', async () => {
    const fatal = new TypeError('fatal')
    let calls = 0
    const error = await thrown(
      retry(
        async (attempt) => {
          calls++
          throw attempt === 2 ? fatal : new Error('again')
        },
        { ...none, attempts: 9, retryIf: (error) => !(error instanceof TypeError) },
      ),
    )
    expect(error).toBe(fatal)
    expect(calls).toBe(2)
  })

  virtual('a retryIf that returns a promise or throws makes retry reject', async () => {
    const slow = (async () => false) as never
    expect(await thrown(retry(failing(1), { retryIf: slow }))).toBeInstanceOf(TypeError)
    const throwing = (): boolean => {
      throw new Error('retryIf')
    }
    expect(await thrown(retry(failing(1), { retryIf: throwing }))).toEqual(new Error('retryIf'))
  })

  virtual('onRetry is called for each retry, and awaited', async () => {
    const told: unknown[] = []
    await thrown(
      retry(failing(3), {
        backoff: constant(10),
        onRetry: async (error, attempt, delay) => {
          told.push([(error as Error).message, attempt, delay, now()])
          await sleep(5)
        },
      }),
    )
    expect(told).toEqual([
      ['attempt 1', 1, 10, 0],
      ['attempt 2', 2, 10, 15],
    ])
  })

  virtual('an error that onRetry throws makes retry reject', async () => {
    const onRetry = (): void => {
      throw new Error('enough')
    }
    expect(await thrown(retry(failing(1), { onRetry }))).toEqual(new Error('enough'))
  })
})

describe('a cancel of retry', () => {
  virtual('ends the running attempt, and no attempt follows', async () => {
    let attempts = 0
    const retrying = createTask(() =>
      retry(async () => {
        attempts++
        await sleep(1000)
      }, none),
    )
    await sleep(10)
    retrying.cancel('enough')
    expect(await thrown(retrying)).toEqual(new CancelledError('enough'))
    expect(attempts).toBe(1)
  })

  virtual('ends the wait between two attempts', async () => {
    const retrying = createTask(() => retry(failing(3), { backoff: constant(1000) }))
    await sleep(10)
    retrying.cancel()
    expect(isCancelled(await thrown(retrying))).toBe(true)
    expect(now()).toBe(10)
  })

  virtual('is not followed by an attempt if the attempt throws another error for it', async () => {
    let attempts = 0
    const fn = async (): Promise<void> => {
      attempts++
      try {
        await sleep(1000)
      } catch {
        throw new Error('connection lost')
      }
    }
    const retrying = createTask(() => retry(fn, none))
    await sleep(10)
    retrying.cancel()
    expect(await thrown(retrying)).toEqual(new Error('connection lost'))
    expect(attempts).toBe(1)
  })

  virtual('is not followed by an attempt if the attempt throws an AbortError for it', async () => {
    let attempts = 0
    const fn = async (): Promise<void> => {
      attempts++
      const signal = taskSignal()
      await new Promise((_, reject) => {
        signal.addEventListener('abort', () =>
          reject(
            Object.assign(new Error('aborted', { cause: signal.reason }), { name: 'AbortError' }),
          ),
        )
      })
    }
    const retrying = createTask(() => retry(fn, none))
    await sleep(10)
    retrying.cancel()
    expect(isCancelled(await thrown(retrying))).toBe(true)
    expect(attempts).toBe(1)
  })

  virtual('that comes from the attempt itself is thrown, and no attempt follows', async () => {
    let attempts = 0
    const gone = new Future<void>()
    gone.cancel('gone')
    const fn = async (): Promise<void> => {
      attempts++
      await gone
    }
    expect(await thrown(retry(fn, none))).toEqual(new CancelledError('gone'))
    expect(attempts).toBe(1)
  })

  virtual(
    'by a timeout around it ends the attempt, and the timeout throws TimeoutError',
    async () => {
      const retrying = timeout(250, () => retry(() => sleep(1000), { attempts: Infinity }))
      expect(await thrown(retrying)).toBeInstanceOf(TimeoutError)
      expect(now()).toBe(250)
    },
  )

  virtual(
    'by a timeout around it is not waited for: retry throws the last error before',
    async () => {
      const retrying = timeout(250, () =>
        retry(failing(Infinity), { attempts: Infinity, backoff: constant(100) }),
      )
      expect(await thrown(retrying)).toEqual(new Error('attempt 3'))
      expect(now()).toBe(200)
    },
  )

  virtual(
    'does not keep a retry in the clean-up of the cancelled task from trying again',
    async () => {
      const cleaned: string[] = []
      const task = createTask(async () => {
        try {
          await sleep(1000)
        } finally {
          cleaned.push(await retry(failing(2), none))
        }
      })
      await sleep(1)
      task.cancel()
      await thrown(task)
      expect(cleaned).toEqual(['ok after 3'])
    },
  )
})

describe('retry in plain code', () => {
  test('tries again until an attempt succeeds', async () => {
    expect(currentTask()).toBe(null)
    expect(await retry(failing(2), { backoff: constant(1) })).toBe('ok after 3')
    expect(await retry(failing(0))).toBe('ok after 1')
  })

  test('is ended by an aborted signal, during an attempt or between two', async () => {
    for (const fn of [() => sleep(10_000), failing(3)]) {
      const controller = new AbortController()
      const { signal } = controller
      const retrying = retry<unknown>(fn, { backoff: constant(10_000), signal })
      setTimeout(() => controller.abort('why'), 5)
      const error = await thrown(retrying)
      expect(isCancelled(error)).toBe(true)
      expect((error as Error).cause).toBe('why')
    }
  })
})

virtual('an aborted signal ends retry in a task, and the task goes on', async () => {
  const controller = new AbortController()
  const retrying = createTask(async () => {
    const error = await thrown(retry(() => sleep(1000), { signal: controller.signal }))
    await sleep(10)
    return error
  })
  await sleep(5)
  controller.abort()
  expect(isCancelled(await shield(retrying))).toBe(true)
  expect(now()).toBe(15)
})

test('retry throws at the call for wrong arguments', () => {
  const fn = async (): Promise<void> => {}
  expect(() => retry(5 as never)).toThrow(TypeError)
  expect(() => retry(fn, { attempts: 0 })).toThrow(RangeError)
  expect(() => retry(fn, { attempts: 1.5 })).toThrow(RangeError)
  expect(() => retry(fn, { attempts: NaN })).toThrow(RangeError)
  expect(() => retry(fn, { timeout: -1 })).toThrow(RangeError)
  expect(() => retry(fn, { backoff: 100 as never })).toThrow(/backoff must be a function/)
  expect(() => retry(fn, { retryIf: Error as never, onRetry: 1 as never })).toThrow(/onRetry/)
})
