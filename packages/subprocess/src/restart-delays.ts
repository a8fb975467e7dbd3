import type { ManagedBackoff } from './managed-options.ts'

/**
 * Computes the waits before restarts. Each wait is longer than the previous one, until a process has run for at least
 * `max`.
 */
export class RestartDelays {
  readonly #options: Required<{ [name in keyof ManagedBackoff]: number }>
  /** How many restarts have followed each other without a long run in between. */
  #count = 0

  constructor({ min = 100, max = 10_000, factor = 2 }: ManagedBackoff) {
    this.#options = { min, max, factor }
  }

  /** Returns the next wait in milliseconds, after a process that ran for `lived` milliseconds. */
  next(lived: number): number {
    const { min, max, factor } = this.#options
    if (lived >= max) this.#count = 0
    return Math.min(max, min * factor ** this.#count++)
  }
}
