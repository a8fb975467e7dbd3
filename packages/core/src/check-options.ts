import { describe } from './coroutine.ts'

/** @throws {TypeError} for options that are no object, or with a `signal` that is none */
export function checkOptions(options: object | undefined): void {
  if (options === undefined) return
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`the options must be an object, got ${describe(options)}`)
  }
  if ('signal' in options && options.signal !== undefined) checkSignal(options.signal)
}

/** @throws {TypeError} when it is no AbortSignal */
export function checkSignal(signal: unknown): void {
  if (typeof signal !== 'object' || signal === null || !('aborted' in signal)) {
    throw new TypeError(`the option signal must be an AbortSignal, got ${describe(signal)}`)
  }
}
