import { StashFull } from '../errors.ts'
import type { Envelope } from './envelope.ts'

/** The stashed messages of an actor, in the order in which they were stashed. */
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

  /** Removes one message from the stash, because its ask has ended, or its handler threw after stashing the message. */
  forget(envelope: Envelope): void {
    this.#envelopes.delete(envelope)
  }

  takeAll(): Envelope[] {
    const all = [...this.#envelopes]
    this.#envelopes.clear()
    return all
  }
}
