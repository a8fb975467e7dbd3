/** Output of an attempt that is not in the jobs' file yet. */
export interface HeldOutput {
  readonly job: number
  readonly attempt: number
  text: string
}

/**
 * Output that waits in memory for the next write. Without this wait, a job that writes line by line would cost a
 * commit, with its `fsync`, for each line.
 */
export class HeldOutputs {
  #held: HeldOutput[] = []
  #length = 0

  /** How many characters of output wait. */
  get length(): number {
    return this.#length
  }

  add(job: number, attempt: number, text: string): void {
    this.#length += text.length
    const last = this.#held.at(-1)
    if (last?.job === job && last.attempt === attempt) last.text += text
    else this.#held.push({ job, attempt, text })
  }

  /** Returns the output that waits, in its order, and removes it. */
  take(): HeldOutput[] {
    const held = this.#held
    this.#held = []
    this.#length = 0
    return held
  }
}
