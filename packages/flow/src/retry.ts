import { effectiveDeadline, getEventLoop, sleep, timeout as withTimeout } from '@tasktree/core'
import { checkBody, checkCount, checkDuration, checkOptions } from '@tasktree/core/lowlevel'
import { type Backoff, exponential } from './backoff.ts'
import { accepts, checkFunction } from './check-options.ts'
import { cancelsSoFar, wasCancelled } from './cancels.ts'
import { runWithSignal } from './child.ts'
import { carryErrors } from './earlier-errors.ts'

export interface RetryOptions {
  /** How many times the function is called at most; 3 by default, Infinity for no limit. */
  attempts?: number | undefined
  /** How long to wait after each failure; by default `exponential()`. */
  backoff?: Backoff | undefined
  /** An attempt that takes longer than this many milliseconds is cancelled and fails with a TimeoutError. */
  timeout?: number | undefined
  /** Whether to try again after this error; by default after every error. */
  retryIf?: ((error: unknown) => boolean) | undefined
  /** Called before each wait with the error, the number of the attempt that failed and the milliseconds of the wait. It is awaited. An error of its own ends the call. */
  onRetry?: ((error: unknown, attempt: number, delay: number) => unknown) | undefined
  /** Its abort cancels the call, for code outside of a task. */
  signal?: AbortSignal | undefined
}

/**
 * Calls `fn` until a call succeeds, at most `attempts` times, with a wait between the calls. Throws the last error, whose
 * property `errors` lists the errors of the earlier attempts (the newest 100 of them).
 *
 * When the next attempt could begin only after the deadline of a scope around the call, the last error is thrown at once.
 *
 * A cancel is never retried: the attempt, or the wait, ends with it. Nor is an error that an attempt throws while it is
 * being cancelled.
 *
 * @throws {TypeError} when `fn` is not a function, or an option has a wrong type
 * @throws {RangeError} when `attempts` or `timeout` is out of range
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
      return await (policy.timeout === undefined
        ? fn(attempt)
        : limited(fn, attempt, policy.timeout))
    } catch (error) {
      const { attempts, backoff, retryIf, onRetry } = policy
      if (wasCancelled(error, before)) throw error
      if (earlier !== null) carryErrors(error, earlier)
      if (attempt >= attempts || !accepts('retryIf', retryIf, error)) throw error
      const delay = checkDuration('the delay of the backoff', backoff(attempt, error))
      if (getEventLoop().time() + delay >= effectiveDeadline()) throw error
      await onRetry?.(error, attempt, delay)
      earlier ??= []
      if (earlier.push(error) > 100) earlier.shift()
      await sleep(delay)
    }
  }
}

function limited<T>(
  fn: (attempt: number) => PromiseLike<T>,
  attempt: number,
  timeout: number,
): Promise<T> {
  return withTimeout(timeout, () => fn(attempt))
}
