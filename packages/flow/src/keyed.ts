import { checkOptions } from '@tasktree/core/lowlevel'
import { checkFunction } from './check-options.ts'

/** Options of the functions that treat calls with the same key together. */
export interface KeyedOptions<A extends unknown[]> {
  /** The key of a call, made of its arguments. */
  key?: ((...args: A) => unknown) | undefined
  /** Its abort cancels every call, and refuses later ones, for code outside of a task. */
  signal?: AbortSignal | undefined
}

/** @throws {TypeError} when the key is not a function, or the signal is not an AbortSignal */
export function checkKeyed<A extends unknown[]>(
  options: KeyedOptions<A> | undefined,
): KeyedOptions<A> {
  checkOptions(options)
  checkFunction('key', options?.key)
  return options ?? {}
}
