/**
 * Limits the restarts to `maxRestarts` within `within` milliseconds: a sliding window, exact to the millisecond, with both
 * ends inclusive. It keeps the times of the last `maxRestarts` restarts in a ring, so an attempt takes constant time.
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

  /** Counts an attempt at `now`. False when it exceeds the limit. */
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
