/**
 * Finds out that a consumer has stalled.
 *
 * The problem: after a reconnect, for example, the server may stop serving pull requests without an error.
 *
 * The idea: the server sends heartbeats while it has nothing to deliver. So a consumer that is silent although messages
 * were requested has stalled.
 */
import type { Bus } from '../bus/bus.ts'
import { ConsumerStalled } from '../errors.ts'

/** A consumer has stalled after this many milliseconds of silence, which is two and a half heartbeats. */
const stallTime = 12_500

/** Milliseconds between two checks. */
export const checkInterval = 2_500

export class StallWatchdog {
  readonly #bus: Bus
  readonly #stream: string
  #heardAt: number
  #broken: string | null = null

  constructor(bus: Bus, stream: string) {
    this.#bus = bus
    this.#stream = stream
    this.#heardAt = bus.now()
  }

  /** Called for all that the server sends except errors, and for the first request after a time without requests. */
  heard(): void {
    this.#heardAt = this.#bus.now()
  }

  /** Called when the server has ended a request with the error `why`. */
  broke(why: string): void {
    this.#broken = why
  }

  /** @throws {ConsumerStalled} when a request was ended with an error */
  checkRequests(): void {
    if (this.#broken !== null) throw new ConsumerStalled(this.#stream, this.#broken)
  }

  /** Called while messages are requested. @throws {ConsumerStalled} when the server has been silent for too long */
  checkSilence(): void {
    const silence = this.#bus.now() - this.#heardAt
    if (silence <= stallTime) return
    throw new ConsumerStalled(this.#stream, `it was silent for ${Math.round(silence)} ms`)
  }
}
