/**
 * The options `retryIf` and `backoff`: whether a failed job is tried again, and when. They are functions of the program, so they
 * may throw or return a wrong value. That is reported, and the job gets an answer nevertheless.
 */
import { getEventLoop } from '@tasktree/core'
import { checkDuration, isThenable } from '@tasktree/core/lowlevel'

/** The default of the option `backoff`: 1 s after the first attempt, doubled for each further attempt, at most 30 s. */
export function defaultBackoff(attempt: number): number {
  return Math.min(1_000 * 2 ** (attempt - 1), 30_000)
}

/** Returns the answer of `retryIf`. Returns false if `retryIf` fails: the job then ends with its own error. */
export function askRetryIf(
  retryIf: (error: unknown) => boolean,
  error: unknown,
  job: string,
): boolean {
  return ask('retryIf', job, false, () => {
    const answer: unknown = retryIf(error)
    if (!isThenable(answer)) return Boolean(answer)
    throw new TypeError('the result of retryIf must be true or false, got a promise')
  })
}

/** Returns the answer of `backoff`. If `backoff` fails, returns the answer of the default. */
export function askBackoff(
  backoff: (attempt: number) => number,
  attempt: number,
  job: string,
): number {
  return ask('backoff', job, defaultBackoff(attempt), () =>
    checkDuration('the result of backoff', backoff(attempt)),
  )
}

function ask<T>(option: string, job: string, otherwise: T, call: () => T): T {
  try {
    return call()
  } catch (exception) {
    const message = `The option ${option} of the worker has failed for an error of ${job}`
    getEventLoop().callExceptionHandler({ message, exception })
    return otherwise
  }
}
