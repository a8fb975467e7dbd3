import { checkOptions, describe, isThenable } from '@tasktree/core/lowlevel'

/** Checks an option that must be a function if it is given. @throws {TypeError} when it is something else */
export function checkFunction(name: string, value: unknown): void {
  if (value === undefined || typeof value === 'function') return
  throw new TypeError(`the option ${name} must be a function, got ${describe(value)}`)
}

/**
 * Calls `predicate`, the value of the option `name`, with `error`, and returns the answer. Returns true if the option
 * is not given.
 *
 * @throws {TypeError} when the answer is a promise, because every promise would count as true
 */
export function accepts(
  name: string,
  predicate: ((error: unknown) => unknown) | undefined,
  error: unknown,
): boolean {
  if (predicate === undefined) return true
  const answer = predicate(error)
  if (!isThenable(answer)) return Boolean(answer)
  throw new TypeError(`the option ${name} must return a boolean, not a promise`)
}

/** Checks that the options were given. @throws {TypeError} when they are missing, or are not an object */
export function requireOptions(call: string, takes: string, options: object | undefined): void {
  if (options === undefined) throw new TypeError(`${call} takes ${takes}, got undefined`)
  checkOptions(options)
}
