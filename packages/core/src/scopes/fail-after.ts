import { checkBody, checkDelay } from '../arguments.ts'
import { TimeoutError } from '../errors/errors.ts'
import { type CancelScope, runScope, type ScopeResult } from './cancel-scope.ts'
import { inFrame } from './open-frame.ts'

/**
 * Runs `body` for at most `ms` milliseconds. After that time, every wait in the body throws a CancelledError, until the
 * body ends; then `failAfter` throws a TimeoutError, unless the body has returned a value. (After `timeout` has
 * cancelled its body, only one wait throws.)
 *
 * @throws {TypeError} when `ms` is NaN or `body` is not a function
 * @throws {TimeoutError} when the end of the time, or `cancel()` of the scope, has ended the body
 *
 * @example
 *     import { readFile } from 'node:fs/promises'
 *
 *     const text = await failAfter(5_000, () => readFile('package.json', { signal: taskSignal() }))
 *     console.log(text.length > 0) // true
 *
 * Source: trio.fail_after
 */
export function failAfter<T>(ms: number, body: (scope: CancelScope) => PromiseLike<T>): Promise<T> {
  checkDelay(ms)
  checkBody('failAfter', body)
  return inFrame('scope', undefined, async (frame) => {
    const result = await runScope(frame, body, { timeout: ms })
    if (!result.cancelled) return result.value
    const { reason } = result
    const message =
      reason instanceof TimeoutError ? 'the time allowed has passed' : 'the scope was cancelled'
    throw new TimeoutError(message, { cause: reason })
  })
}

/**
 * Runs `body` for at most `ms` milliseconds; null or Infinity means no limit. After that time, every wait in the body
 * throws a CancelledError, until the body ends. `moveOnAfter` does not throw this error on: its result says whether the
 * body was cancelled.
 *
 * @throws {TypeError} when `ms` is NaN or `body` is not a function
 *
 * @example
 *     const result = await moveOnAfter(10, () => sleep(60_000, 'from the cache'))
 *     console.log(result.cancelled ? 'the default' : result.value) // the default
 *
 * Source: trio.move_on_after
 */
export function moveOnAfter<T>(
  ms: number | null,
  body: (scope: CancelScope) => PromiseLike<T>,
): Promise<ScopeResult<T>> {
  if (ms !== null) checkDelay(ms)
  checkBody('moveOnAfter', body)
  return inFrame('scope', undefined, (frame) => runScope(frame, body, { timeout: ms ?? Infinity }))
}
