import { isCancelled } from './errors/errors.ts'

/**
 * The checks of arguments that all packages share. A check throws a TypeError if the argument has a wrong type, and a
 * RangeError if a number is out of range. The message names the expected and the actual value. Each public function
 * calls these checks before it does anything else.
 */

/**
 * Returns a short description of `x`, a value that a caller has passed as an argument, for the message of an error.
 * Never throws.
 */
export function describe(x: unknown): string {
  if (x === null || x === undefined) return String(x)
  // oxlint-disable-next-line typescript/no-base-to-string -- `x` is not an object here
  if (typeof x !== 'object' && typeof x !== 'function') return `${typeof x} ${String(x)}`
  try {
    if (typeof x === 'function') return `function ${x.name === '' ? '(anonymous)' : x.name}`
    const name: unknown = Object.getPrototypeOf(x)?.constructor?.name
    return `an object of class ${typeof name === 'string' ? name : 'null'}`
  } catch {
    // `x` is a revoked proxy, or has a getter that throws.
    return 'an object that cannot be inspected'
  }
}

/**
 * Checks that `body` is a function. `call` is the name of the function that got `body` as an argument; it appears in
 * the message of the error.
 *
 * @throws {TypeError} when `body` is not a function
 */
export function checkBody(call: string, body: unknown): void {
  if (typeof body === 'function') return
  throw new TypeError(`${call} takes a function as its body, got ${describe(body)}`)
}

export function isThenable(x: unknown): x is PromiseLike<unknown> {
  return typeof x === 'object' && x !== null && 'then' in x && typeof x.then === 'function'
}

/**
 * Whether `x` is an object that can be iterated. Returns false for a string, a future and a Coroutine. These can be
 * iterated too, but a caller who passes one of them in place of a list has made a mistake.
 */
export function isIterable(x: unknown): x is Iterable<unknown> {
  return typeof x === 'object' && x !== null && Symbol.iterator in x && !('then' in x)
}

/** Returns `delay`, or 0 if `delay` is negative. @throws {TypeError} when `delay` is NaN or not a number */
export function checkDelay(delay: unknown): number {
  if (typeof delay !== 'number' || Number.isNaN(delay)) {
    throw new TypeError(`a delay must be a number of milliseconds, got ${describe(delay)}`)
  }
  return Math.max(delay, 0)
}

/**
 * Returns `value`, which must be a whole number of at least `least`, or Infinity for no limit. `name` is the name of
 * the argument for the message of an error.
 *
 * @throws {TypeError} when `value` is not a number
 * @throws {RangeError} when `value` is less than `least`, or not whole
 */
export function checkCount(name: string, value: unknown, least: number): number {
  if (typeof value !== 'number') {
    throw new TypeError(`${name} must be a number, got ${describe(value)}`)
  }
  if (!(value >= least) || (value !== Infinity && !Number.isInteger(value))) {
    throw new RangeError(`${name} must be a whole number of at least ${least}, got ${value}`)
  }
  return value
}

/**
 * Returns `value`, which must be a duration in milliseconds of at least 0, or Infinity for no limit. `name` is the name
 * of the argument for the message of an error.
 *
 * @throws {TypeError} when `value` is not a number
 * @throws {RangeError} when `value` is negative or NaN
 */
export function checkDuration(name: string, value: unknown): number {
  if (typeof value !== 'number') {
    throw new TypeError(`${name} must be a number of milliseconds, got ${describe(value)}`)
  }
  if (!(value >= 0)) throw new RangeError(`${name} must be at least 0 ms, got ${value}`)
  return value
}

/**
 * Returns `value`, which must be true or false. `name` is the name of the option for the message of an error.
 *
 * @throws {TypeError} when `value` is not a boolean
 */
export function checkFlag(name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value
  throw new TypeError(`the option ${name} must be true or false, got ${describe(value)}`)
}

/**
 * Checks that `options` is an object or undefined, and that its field `signal`, if it has one, is an AbortSignal.
 *
 * @throws {TypeError} when `options` or its `signal` has another type
 */
export function checkOptions(options: object | undefined): void {
  if (options === undefined) return
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`the options must be an object, got ${describe(options)}`)
  }
  if ('signal' in options && options.signal !== undefined) checkSignal(options.signal)
}

/**
 * Checks `msg`, the argument of `task.cancel(msg)` and similar methods. These methods call this check at once. Without
 * it, a wrong message would cause an error only later, in the loop, where the caller cannot see the error.
 *
 * @throws {TypeError} when `msg` is neither undefined, nor a string, nor a CancelledError
 */
export function checkCancelMessage(msg: unknown): void {
  if (msg === undefined || typeof msg === 'string' || isCancelled(msg)) return
  throw new TypeError(
    `the message of a cancel must be a string or a CancelledError, got ${describe(msg)}`,
  )
}

/** @throws {TypeError} when `signal` is not an object with `aborted` and `addEventListener`, as an AbortSignal is */
export function checkSignal(signal: unknown): void {
  if (
    typeof signal === 'object' &&
    signal !== null &&
    'aborted' in signal &&
    'addEventListener' in signal &&
    typeof signal.addEventListener === 'function'
  ) {
    return
  }
  throw new TypeError(`the option signal must be an AbortSignal, got ${describe(signal)}`)
}
