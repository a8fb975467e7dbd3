import { checkBody } from '@tasktree/core/lowlevel'
import { runWithSignal } from './run-child.ts'
import { checkKeyed, type KeyedOptions } from './keyed-options.ts'
import { KeyedMutex } from './keyed-mutex.ts'

/**
 * Returns a function that calls `fn` for one call after the other, in the order of the calls. Only calls with the same
 * key wait for each other. Without the option `key`, all calls have the same key. A call that is cancelled while it
 * waits leaves the line at once.
 *
 * @throws {TypeError} when `fn` or the option `key` is not a function
 *
 * @example
 *     const append = queued(async (line: string) => {
 *       await sleep(5)
 *       console.log(line) // one, then two
 *     })
 *     await gather([append('one'), append('two')]) // one after the other
 */
export function queued<A extends unknown[], R>(
  fn: (...args: A) => PromiseLike<R>,
  options?: KeyedOptions<A>,
): (...args: A) => Promise<R> {
  checkBody('queued', fn)
  const { key, signal } = checkKeyed(options)
  const mutex = new KeyedMutex()
  return (...args) => {
    const of = key?.(...args)
    return runWithSignal(signal, () => mutex.runExclusive(of, () => fn(...args)))
  }
}
