import { describe } from '../arguments.ts'
import { constants } from 'node:os'

/** What a loop listens to of the process's signals, one handler each. */
export class SignalHandlers {
  readonly #listeners = new Map<NodeJS.Signals, () => void>()

  /** A former one of this signal is replaced. @throws {TypeError} when there is no such signal */
  add(signal: NodeJS.Signals, listener: () => void): void {
    if (!Object.hasOwn(constants.signals, signal)) {
      throw new TypeError(`expected the name of a signal, as 'SIGHUP', got ${describe(signal)}`)
    }
    this.remove(signal)
    process.on(signal, listener)
    this.#listeners.set(signal, listener)
  }

  /** Whether there was one. */
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
