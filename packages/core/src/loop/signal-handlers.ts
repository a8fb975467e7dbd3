import { describe } from '../arguments.ts'
import { constants } from 'node:os'

/** The signal handlers of one loop, at most one for each signal. */
export class SignalHandlers {
  readonly #listeners = new Map<NodeJS.Signals, () => void>()

  /**
   * Adds a handler for `signal`. An earlier handler of this loop for the same signal is removed.
   *
   * @throws {TypeError} when `signal` is not the name of a signal
   */
  add(signal: NodeJS.Signals, listener: () => void): void {
    if (!Object.hasOwn(constants.signals, signal)) {
      throw new TypeError(`expected the name of a signal, as 'SIGHUP', got ${describe(signal)}`)
    }
    this.remove(signal)
    process.on(signal, listener)
    this.#listeners.set(signal, listener)
  }

  /** Removes the handler of `signal`. Returns false if this loop had no handler of `signal`. */
  remove(signal: NodeJS.Signals): boolean {
    const listener = this.#listeners.get(signal)
    if (listener === undefined) return false
    process.off(signal, listener)
    return this.#listeners.delete(signal)
  }

  clear(): void {
    for (const signal of this.#listeners.keys()) this.remove(signal)
  }
}
