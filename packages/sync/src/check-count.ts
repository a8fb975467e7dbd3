import { describe } from '@tasktree/core/lowlevel'

/**
 * `value`, which must be a whole number of `least` or more, or Infinity for no limit.
 *
 * @throws {TypeError} when it is no number
 * @throws {RangeError} when it is another number
 */
export function checkCount(what: string, value: number, least: number): number {
  if (typeof value !== 'number') {
    throw new TypeError(`${what} must be a number, got ${describe(value)}`)
  }
  if (!(value >= least) || (value !== Infinity && !Number.isInteger(value))) {
    throw new RangeError(`${what} must be an integer of ${least} or more, got ${value}`)
  }
  return value
}
