import { checkBody } from '@tasktree/core/lowlevel'
import { keyOfArguments } from './argument-key.ts'
import { runWithSignal } from './run-child.ts'
import { checkKeyed, type KeyedOptions } from './keyed-options.ts'
import { joinWork, SharedWork } from './shared-work.ts'

/**
 * Returns a function whose calls share the work. While a call of `fn` runs, further calls with the same key do not call
 * `fn`, but wait for the outcome of the running call. By default the key is made of all arguments; two objects are
 * equal only if they are the same object. The outcome is not kept: the next call after the end calls `fn` again.
 *
 * If a caller is cancelled, the other callers still get the outcome. If all callers are cancelled, the work is
 * cancelled.
 *
 * @throws {TypeError} when `fn` or the option `key` is not a function
 *
 * @example
 *     let queries = 0
 *     const user = singleFlight(async (id: number) => {
 *       queries++
 *       return await sleep(5, `user ${id}`)
 *     })
 *     console.log(await gather([user(1), user(1), user(1)])) // [ 'user 1', 'user 1', 'user 1' ]
 *     console.log(queries) // 1
 */
export function singleFlight<A extends unknown[], R>(
  fn: (...args: A) => PromiseLike<R>,
  options?: KeyedOptions<A>,
): (...args: A) => Promise<R> {
  checkBody('singleFlight', fn)
  const { key = keyOfArguments, signal } = checkKeyed(options)
  const flights = new Map<unknown, SharedWork<R>>()
  return (...args) => {
    const of = key(...args)
    const begin = (): SharedWork<R> => {
      const land = (): void => {
        if (flights.get(of) === flight) flights.delete(of)
      }
      const flight = new SharedWork<R>(async () => {
        try {
          return await fn(...args)
        } finally {
          land()
        }
      }, land)
      flights.set(of, flight)
      return flight
    }
    return runWithSignal(signal, () =>
      joinWork(() => {
        const flying = flights.get(of)
        return flying?.isOver === false ? flying : begin()
      }),
    )
  }
}
