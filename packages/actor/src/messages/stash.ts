import { StashFull } from '../errors.ts'
import type { Envelope } from './envelope.ts'

/** The messages that the handlers of an actor have put aside with `ctx.stash()`, the oldest first. */
export class Stash {
  readonly #path: string
  readonly #capacity: number
  #envelopes = new Set<Envelope>()

  constructor(path: string, capacity: number) {
    this.#path = path
    this.#capacity = capacity
  }

  get size(): number {
    return this.#envelopes.size
  }

  /** Adds a message to the stash. @throws {StashFull} when the stash is full */
  add(envelope: Envelope): void {
    if (this.#envelopes.size >= this.#capacity) throw new StashFull(this.#path, this.#capacity)
    this.#envelopes.add(envelope)
  }

  /**
   * Removes a message that must not be handled again: its ask has ended, or its handler threw after `ctx.stash()`. Does
   * nothing if the message is not in the stash.
   */
  forget(envelope: Envelope): void {
    this.#envelopes.delete(envelope)
  }

  takeAll(): Envelope[] {
    const all = [...this.#envelopes]
    this.#envelopes.clear()
    return all
  }
}
