import type { ManagedBackoff } from './managed-options.ts'

/** The waits before the restarts in a row. */
export class RestartDelays {
  readonly #options: Required<{ [name in keyof ManagedBackoff]: number }>
  #row = 0

  constructor({ min = 100, max = 10_000, factor = 2 }: ManagedBackoff) {
    this.#options = { min, max, factor }
  }

  /** `lived`: how long it ran before it ended, in milliseconds. */
  next(lived: number): number {
    const { min, max, factor } = this.#options
    if (lived >= max) this.#row = 0
    return Math.min(max, min * factor ** this.#row++)
  }
}
