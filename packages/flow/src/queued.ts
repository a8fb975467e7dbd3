import { checkBody } from '@tasktree/core/lowlevel'
import { runWithSignal } from './child.ts'
import { checkKeyed, type KeyedOptions } from './keyed.ts'
import { Turns } from './turns.ts'

/**
 * A function whose calls wait their turn: one at a time for each key, in the order of the calls. Without the option `key`
 * all calls have the same key. A call that is cancelled leaves the line at once.
 *
 * @throws {TypeError} when `fn` or the option `key` is not a function
 */
export function queued<A extends unknown[], R>(
  fn: (...args: A) => PromiseLike<R>,
  options?: KeyedOptions<A>,
): (...args: A) => Promise<R> {
  checkBody('queued', fn)
  const { key, signal } = checkKeyed(options)
  const turns = new Turns()
  return (...args) => {
    const of = key?.(...args)
    return runWithSignal(signal, () => turns.take(of, () => fn(...args)))
  }
}
