import { growingDelay, type GrowingDelays } from '@tasktree/core/lowlevel'
import type { ManagedBackoff } from './managed-options.ts'

/**
 * Computes the waits before restarts. The first wait is `min`, and each later wait is `factor` times as long as the
 * previous one, but at most `max`. After a process that has run for at least `max`, the waits begin at `min` again.
 */
export class RestartDelays {
  readonly #delays: GrowingDelays
  /** How many waits there were since the last process that has run for at least `max`. */
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
