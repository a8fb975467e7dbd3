import { CancelledError } from '@tasktree/core'
import { checkBody } from '@tasktree/core/lowlevel'
import { runChild, runWithSignal } from './run-child.ts'
import { checkKeyed, type KeyedOptions } from './keyed-options.ts'
import { KeyedMutex } from './keyed-mutex.ts'

/**
 * Returns a function that calls `fn`, and of which only the latest call counts. A new call cancels the previous call
 * with the same key, whose promise rejects with a CancelledError, or with the error that `fn` throws in its clean-up.
 * `fn` is called again when the previous call has ended, so two calls with the same key never run at the same time.
 * Without the option `key`, all calls have the same key.
 *
 * @throws {TypeError} when `fn` or the option `key` is not a function
 *
 * @example
 *     const search = latest((text: string) => sleep(10, `results for ${text}`))
 *     const first = search('ta')
 *     const second = search('task') // cancels the first
 *     console.log(await second) // results for task
 *     await first.catch((error: Error) => console.log(error.name)) // CancelledError
 */
export function latest<A extends unknown[], R>(
  fn: (...args: A) => PromiseLike<R>,
  options?: KeyedOptions<A>,
): (...args: A) => Promise<R> {
  checkBody('latest', fn)
  const { key, signal } = checkKeyed(options)
  const mutex = new KeyedMutex()
  return (...args) => {
    const of = key?.(...args)
    return runWithSignal(signal, () => {
      mutex.cancelAll(of, new CancelledError('a newer call has taken the place of this one'))
      return mutex.runExclusive(of, async (line) => {
        const value = await runChild(
          async () => fn(...args),
          (task) => line.runs(task),
        )
        // `fn` may have caught the cancel and returned a value, which is out of date.
        line.throwIfCancelled()
        return value
      })
    })
  }
}
