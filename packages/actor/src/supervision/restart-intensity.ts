/**
 * Allows at most `maxRestarts` restarts within `within` milliseconds. The time window slides, is exact to the
 * millisecond, and includes both of its ends. A ring buffer holds the times of the last `maxRestarts` restarts, so each
 * attempt takes constant time.
 *
 * Modelled on `supervisor:add_restart/1` of Erlang/OTP, which counts in whole seconds.
 */
export class RestartIntensity {
  readonly #max: number
  readonly #within: number
  readonly #times: number[] = []
  #oldest = 0

  /** `within` is the length of the time window in milliseconds. */
  constructor(maxRestarts: number, within: number) {
    this.#max = maxRestarts
    this.#within = within
  }

  /**
   * Counts a restart at the time `now` and returns true. If this restart would exceed the limit, does not count it and
   * returns false.
   */
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
