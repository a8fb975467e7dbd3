import { growingDelay, type GrowingDelays } from '@tasktree/core/lowlevel'
import type { ManagedBackoff } from './managed-options.ts'

/**
 * Computes the waits before restarts. Each wait is longer than the previous one, until a process has run for at least
 * `max`.
 */
export class RestartDelays {
  readonly #delays: GrowingDelays
  /** How many restarts have followed each other without a long run in between. */
  #count = 0

  constructor({ min = 100, max = 10_000, factor = 2 }: ManagedBackoff) {
    this.#delays = { min, max, factor }
  }

  /** Returns the next wait in milliseconds, after a process that ran for `lived` milliseconds. */
  next(lived: number): number {
    if (lived >= this.#delays.max) this.#count = 0
    return growingDelay(this.#delays, this.#count++)
  }
}
