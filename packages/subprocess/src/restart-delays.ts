import type { ManagedBackoff } from './managed-options.ts'

/** The waits before restarts. Each wait is longer than the one before, until a process has run for at least `max`. */
export class RestartDelays {
  readonly #options: Required<{ [name in keyof ManagedBackoff]: number }>
  /** How many restarts have followed each other. */
  #count = 0

  constructor({ min = 100, max = 10_000, factor = 2 }: ManagedBackoff) {
    this.#options = { min, max, factor }
  }

  /** The next wait, for a process that ran for `lived` milliseconds before it ended. */
  next(lived: number): number {
    const { min, max, factor } = this.#options
    if (lived >= max) this.#count = 0
    return Math.min(max, min * factor ** this.#count++)
  }
}
