/** Output of an attempt that is not in the file yet. */
export interface HeldOutput {
  readonly job: number
  readonly attempt: number
  text: string
}

/**
 * Output that waits for the next write. A job that writes line by line, or without end, would otherwise cost a commit,
 * with its `fsync`, for each piece.
 */
export class HeldOutputs {
  #held: HeldOutput[] = []
  #length = 0

  /** How many characters wait. */
  get length(): number {
    return this.#length
  }

  add(job: number, attempt: number, text: string): void {
    this.#length += text.length
    const last = this.#held.at(-1)
    if (last?.job === job && last.attempt === attempt) last.text += text
    else this.#held.push({ job, attempt, text })
  }

  /** Gives what waits, in its order, and forgets it. */
  take(): HeldOutput[] {
    const held = this.#held
    this.#held = []
    this.#length = 0
    return held
  }
}
