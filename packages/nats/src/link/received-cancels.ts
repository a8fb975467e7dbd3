import type { BusMessage } from '../bus/bus.ts'
import type { Names } from '../wire/names.ts'

/** Milliseconds for which a cancel is stored, for workers that were not connected when it was announced. */
export const cancelTtl = 3_600_000

/**
 * Receives cancels, which are sent to every node. The cancel of a job or an ask may arrive before the job or the ask
 * itself, so the ids of the latest 10,000 cancels are remembered. They are forgotten when the server forgets the cancels,
 * because a program may use the id of a job again after that.
 */
export class ReceivedCancels {
  readonly subject: string
  /** A node may run a job twice at the same time, so an id may have several listeners. */
  readonly #listeners = new Map<string, Set<() => void>>()
  /** Maps the id of each cancel to the time at which it arrived. */
  readonly #latest = new Map<string, number>()
  readonly #prefixLength: number
  readonly #now: () => number

  /** `now` returns the Unix time in milliseconds. */
  constructor(names: Names, now: () => number) {
    this.subject = names.control('*')
    this.#prefixLength = this.subject.length - 1
    this.#now = now
  }

  receive(message: BusMessage): void {
    const id = message.subject.slice(this.#prefixLength)
    this.#latest.delete(id)
    this.#latest.set(id, this.#now())
    if (this.#latest.size > mostRemembered) {
      for (const oldest of this.#latest.keys().take(1)) this.#latest.delete(oldest)
    }
    for (const listener of this.#listeners.get(id) ?? []) listener()
  }

  wasCancelled(id: string): boolean {
    const at = this.#latest.get(id)
    return at !== undefined && this.#now() < at + cancelTtl
  }

  /** Calls `listener` when the cancel of `id` arrives. Returns a function that ends this. */
  expect(id: string, listener: () => void): () => void {
    const listeners = this.#listeners.get(id)
    if (listeners === undefined) this.#listeners.set(id, new Set([listener]))
    else listeners.add(listener)
    return () => this.#forget(id, listener)
  }

  #forget(id: string, listener: () => void): void {
    const listeners = this.#listeners.get(id)
    if (listeners?.delete(listener) === true && listeners.size === 0) this.#listeners.delete(id)
  }
}

const mostRemembered = 10_000
