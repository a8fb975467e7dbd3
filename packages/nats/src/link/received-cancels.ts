import type { BusMessage } from '../bus/bus.ts'
import type { Names } from '../wire/names.ts'

/**
 * Receives cancels, which are sent to every node. The cancel of a job or an ask may arrive before the job or the ask
 * itself, so the ids of the latest 10,000 cancels are remembered.
 */
export class ReceivedCancels {
  readonly subject: string
  readonly #listeners = new Map<string, () => void>()
  readonly #latest = new Set<string>()
  readonly #prefixLength: number

  constructor(names: Names) {
    this.subject = names.control('*')
    this.#prefixLength = this.subject.length - 1
  }

  receive(message: BusMessage): void {
    const id = message.subject.slice(this.#prefixLength)
    this.#latest.add(id)
    if (this.#latest.size > mostRemembered) {
      for (const oldest of this.#latest.values().take(1)) this.#latest.delete(oldest)
    }
    this.#listeners.get(id)?.()
  }

  wasCancelled(id: string): boolean {
    return this.#latest.has(id)
  }

  expect(id: string, listener: () => void): void {
    this.#listeners.set(id, listener)
  }

  forget(id: string): void {
    this.#listeners.delete(id)
  }
}

const mostRemembered = 10_000
