import { checkOptions } from '@tasktree/core/lowlevel'
import { checkFunction } from './check-options.ts'

/** The options of `exhaust`, `latest`, `queued` and `singleFlight`, which compare the keys of their calls. */
export interface KeyedOptions<A extends unknown[]> {
  /** Returns the key of a call. It gets the arguments of that call. */
  key?: ((...args: A) => unknown) | undefined
  /**
   * An abort of this signal cancels every call that has not ended, and refuses later calls. Meant for code outside of a
   * task.
   */
  signal?: AbortSignal | undefined
}

/** Checks these options. @throws {TypeError} when the key is not a function, or the signal is not an AbortSignal */
export function checkKeyed<A extends unknown[]>(
  options: KeyedOptions<A> | undefined,
): KeyedOptions<A> {
  checkOptions(options)
  checkFunction('key', options?.key)
  return options ?? {}
}
