/**
 * How many restarts are allowed within how long: a sliding window, exact to the millisecond, both ends
 * inclusive. A ring of the last `maxRestarts` times makes each attempt O(1).
 *
 * Source: supervisor:add_restart/1 of OTP, which counts in whole seconds.
 */
export class RestartIntensity {
  readonly #max: number
  readonly #within: number
  readonly #times: number[] = []
  #oldest = 0

  /** `within` in milliseconds. */
  constructor(maxRestarts: number, within: number) {
    this.#max = maxRestarts
    this.#within = within
  }

  /** Counts an attempt at `now`; false when it is one too many. */
  allow(now: number): boolean {
    if (this.#max === 0) return false
    if (this.#times.length < this.#max) {
      this.#times.push(now)
      return true
    }
    if (now - (this.#times[this.#oldest] as number) <= this.#within) return false
    this.#times[this.#oldest] = now
    this.#oldest = (this.#oldest + 1) % this.#max
    return true
  }
}
