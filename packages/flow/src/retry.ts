import { effectiveDeadline, getEventLoop, sleep, timeout as withTimeout } from '@tasktree/core'
import { checkBody, checkCount, checkDuration, checkOptions } from '@tasktree/core/lowlevel'
import { type Backoff, exponential } from './backoff.ts'
import { accepts, checkFunction } from './check-options.ts'
import { cancelsSoFar, wasCancelled } from './cancels.ts'
import { runWithSignal } from './run-child.ts'
import { carryErrors, keepError } from './earlier-errors.ts'
import { type AttemptTrace, attemptTracing } from './tracing.ts'

export interface RetryOptions {
  /** The largest number of calls of the function; 3 by default. Infinity means no limit. */
  attempts?: number | undefined
  /** Returns how long to wait after each failure; by default `exponential()`. */
  backoff?: Backoff | undefined
  /** An attempt that takes longer than this many milliseconds is cancelled and fails with a TimeoutError. */
  timeout?: number | undefined
  /** Returns whether to try again after this error. By default, every error leads to another attempt. */
  retryIf?: ((error: unknown) => boolean) | undefined
  /**
   * Called before each wait, with the error, the number of the attempt that has failed, and the length of the wait in
   * milliseconds. If it returns a promise, the promise is awaited. If it throws, the call of `retry` ends with that
   * error.
   */
  onRetry?: ((error: unknown, attempt: number, delay: number) => unknown) | undefined
  /** An abort of this signal cancels the call. Meant for code outside of a task. */
  signal?: AbortSignal | undefined
}

/**
 * Calls `fn` until a call succeeds, at most `attempts` times, and waits between the calls. If the last call fails too,
 * its error is thrown; the property `errors` of this error lists the errors of the earlier calls (at most the newest
 * 100).
 *
 * If the next call could begin only after the deadline of a scope around the code, the last error is thrown at once.
 *
 * After a cancel, `fn` is not called again: the running call or the wait ends with the CancelledError. If the cancelled
 * call throws another error, that error is thrown.
 *
 * @throws {TypeError} when `fn` is not a function, or an option has a wrong type
 * @throws {RangeError} when `attempts` or `timeout` is out of range
 *
 * @example
 *     const get = async (attempt: number) => {
 *       if (attempt < 3) throw new Error('the server is busy')
 *       return `answered at attempt ${attempt}`
 *     }
 *     console.log(await retry(get, { attempts: 5, backoff: constant(5) })) // answered at attempt 3
 */
export function retry<T>(
  fn: (attempt: number) => PromiseLike<T>,
  options?: RetryOptions,
): Promise<T> {
  checkBody('retry', fn)
  const policy = options === undefined ? defaults : checkPolicy(options)
  const signal = options?.signal
  if (signal === undefined) return attemptAll(fn, policy)
  return runWithSignal(signal, () => attemptAll(fn, policy))
}

interface Policy extends Pick<RetryOptions, 'timeout' | 'retryIf' | 'onRetry'> {
  readonly attempts: number
  readonly backoff: Backoff
}

const defaults: Policy = { attempts: 3, backoff: exponential() }

function checkPolicy(options: RetryOptions): Policy {
  checkOptions(options)
  const { attempts = defaults.attempts, backoff = defaults.backoff } = options
  const { timeout, retryIf, onRetry } = options
  checkCount('the option attempts', attempts, 1)
  if (timeout !== undefined) checkDuration('the option timeout', timeout)
  checkFunction('backoff', backoff)
  checkFunction('retryIf', retryIf)
  checkFunction('onRetry', onRetry)
  return { attempts, backoff, timeout, retryIf, onRetry }
}

async function attemptAll<T>(fn: (attempt: number) => PromiseLike<T>, policy: Policy): Promise<T> {
  const before = cancelsSoFar()
  let earlier: unknown[] | null = null
  for (let attempt = 1; ; attempt++) {
    try {
      return await (attemptTracing.isOn
        ? traced(fn, attempt, policy.timeout)
        : begin(fn, attempt, policy.timeout))
    } catch (error) {
      const { attempts, backoff, retryIf, onRetry } = policy
      if (wasCancelled(error, before)) throw error
      const delay =
        attempt < attempts && accepts('retryIf', retryIf, error)
          ? checkDuration('the delay of the backoff', backoff(attempt, error))
          : null
      if (delay === null || getEventLoop().time() + delay >= effectiveDeadline()) {
        // Only the error that is thrown lists the earlier errors. If each error did, all of them would stay in memory.
        if (earlier !== null) carryErrors(error, earlier)
        throw error
      }
      await onRetry?.(error, attempt, delay)
      earlier ??= []
      keepError(earlier, error)
      await sleep(delay)
    }
  }
}

function begin<T>(
  fn: (attempt: number) => PromiseLike<T>,
  attempt: number,
  timeout: number | undefined,
): PromiseLike<T> {
  return timeout === undefined ? fn(attempt) : withTimeout(timeout, () => fn(attempt))
}

async function traced<T>(
  fn: (attempt: number) => PromiseLike<T>,
  attempt: number,
  timeout: number | undefined,
): Promise<T> {
  const trace: AttemptTrace = { name: fn.name, attempt }
  try {
    const result = await attemptTracing.run(trace, trace, () => begin(fn, attempt, timeout))
    attemptTracing.settle(trace, { result })
    return result
  } catch (error) {
    attemptTracing.settle(trace, { error })
    throw error
  }
}
