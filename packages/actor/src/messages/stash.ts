import { StashFull } from '../errors.ts'
import type { Envelope } from './envelope.ts'

/** Messages that their handlers have put aside, in order. */
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

  /** @throws {StashFull} */
  add(envelope: Envelope): void {
    if (this.#envelopes.size >= this.#capacity) throw new StashFull(this.#path, this.#capacity)
    this.#envelopes.add(envelope)
  }

  /** Takes one message out: its asker has given up, or its handler threw after it had stashed the message. */
  forget(envelope: Envelope): void {
    this.#envelopes.delete(envelope)
  }

  takeAll(): Envelope[] {
    const all = [...this.#envelopes]
    this.#envelopes.clear()
    return all
  }
}
