import { StashFull } from '../errors.ts'
import type { Envelope } from './envelope.ts'

/** Messages put aside, in order. */
export class Stash {
  readonly #path: string
  readonly #capacity: number
  #envelopes: Envelope[] = []

  constructor(path: string, capacity: number) {
    this.#path = path
    this.#capacity = capacity
  }

  get size(): number {
    return this.#envelopes.length
  }

  /** @throws {StashFull} */
  add(envelope: Envelope): void {
    if (envelope.stashed) return
    if (this.#envelopes.length >= this.#capacity) throw new StashFull(this.#path, this.#capacity)
    envelope.stashed = true
    this.#envelopes.push(envelope)
  }

  /** Its sender has given it up. */
  forget(envelope: Envelope): void {
    const index = this.#envelopes.indexOf(envelope)
    if (index >= 0) this.#envelopes.splice(index, 1)
  }

  takeAll(): Envelope[] {
    const all = this.#envelopes
    this.#envelopes = []
    for (const envelope of all) envelope.stashed = false
    return all
  }
}
