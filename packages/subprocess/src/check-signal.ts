import { describe } from '@tasktree/core/lowlevel'
import { constants } from 'node:os'

/** The highest number of a signal on Linux. */
const LAST_SIGNAL = 64

/**
 * Checks that `signal` can be sent to a process.
 *
 * @throws {TypeError} when `signal` is neither the name of a signal nor a number
 * @throws {RangeError} when there is no signal of that number
 */
export function checkSendable(signal: unknown): asserts signal is NodeJS.Signals | number {
  if (typeof signal === 'number' && !Number.isNaN(signal)) {
    if (Number.isInteger(signal) && signal >= 0 && signal <= LAST_SIGNAL) return
    throw new RangeError(
      `the number of a signal must be a whole number from 0 to ${LAST_SIGNAL}, got ${signal}`,
    )
  }
  if (typeof signal === 'string' && Object.hasOwn(constants.signals, signal)) return
  throw new TypeError(
    `expected the name or the number of a signal, as 'SIGTERM' or 15, got ${describe(signal)}`,
  )
}
