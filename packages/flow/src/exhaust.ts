import { checkBody } from '@tasktree/core/lowlevel'
import { BusyError } from './errors.ts'
import { runWithSignal } from './run-child.ts'
import { checkKeyed, type KeyedOptions } from './keyed-options.ts'
import { KeyedMutex } from './keyed-mutex.ts'

/**
 * Returns a function that calls `fn`, but refuses a call with a BusyError while a call with the same key is running.
 * Without the option `key`, all calls have the same key.
 *
 * @throws {TypeError} when `fn` or the option `key` is not a function
 *
 * @example
 *     const save = exhaust(() => sleep(10, 'saved'))
 *     const first = save()
 *     await save().catch((error: Error) => console.log(error.name)) // BusyError
 *     console.log(await first) // saved
 */
export function exhaust<A extends unknown[], R>(
  fn: (...args: A) => PromiseLike<R>,
  options?: KeyedOptions<A>,
): (...args: A) => Promise<R> {
  checkBody('exhaust', fn)
  const { key, signal } = checkKeyed(options)
  const mutex = new KeyedMutex()
  return (...args) => {
    const of = key?.(...args)
    return runWithSignal(signal, async () => {
      if (mutex.isBusy(of)) throw new BusyError()
      return mutex.runExclusive(of, () => fn(...args))
    })
  }
}
