import type { ManagedBackoff } from './managed-options.ts'

/** How long to wait before each restart: the wait grows from restart to restart, until a process has run for `max`. */
export class RestartDelays {
  readonly #options: Required<{ [name in keyof ManagedBackoff]: number }>
  /** How many restarts have followed each other. */
  #count = 0

  constructor({ min = 100, max = 10_000, factor = 2 }: ManagedBackoff) {
    this.#options = { min, max, factor }
  }

  /** `lived`: how many milliseconds the process ran before it ended. */
  next(lived: number): number {
    const { min, max, factor } = this.#options
    if (lived >= max) this.#count = 0
    return Math.min(max, min * factor ** this.#count++)
  }
}
