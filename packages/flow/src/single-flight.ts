import { checkBody } from '@tasktree/core/lowlevel'
import { keyOfArguments } from './argument-key.ts'
import { runWithSignal } from './child.ts'
import { checkKeyed, type KeyedOptions } from './keyed.ts'
import { SharedWork } from './shared-work.ts'

/**
 * A function whose calls share the work: while a call is under way, further calls with the same key wait for its outcome
 * instead of beginning their own. By default the key is made of all arguments; objects among them are told apart by
 * identity. The outcome is not kept: the next call after the end begins anew.
 *
 * A caller that is cancelled leaves the others alone. The work is cancelled when its last caller has left.
 *
 * @throws {TypeError} when `fn` or the option `key` is not a function
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
    return runWithSignal(signal, () => {
      const flying = flights.get(of)
      if (flying !== undefined) return flying.join()
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
      return flight.join()
    })
  }
}
