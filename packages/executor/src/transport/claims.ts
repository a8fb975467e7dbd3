const claimedSlot = 0
const cancelledSlot = 1
const slots = 2

/**
 * Which jobs of one worker have started, in memory that two threads share: the one that runs them, and
 * one that can take them back also while a job's code blocks. A job is started by exchanging the number
 * before its own for its own; what has not started is taken back by exchanging the last started for the
 * last sent. One word decides, so a job is started once or taken back, never both.
 */
export class JobClaims {
  readonly memory: Int32Array
  #recalled = { upTo: 0, started: 0 }

  constructor(
    memory: Int32Array = new Int32Array(
      new SharedArrayBuffer(slots * Int32Array.BYTES_PER_ELEMENT),
    ),
  ) {
    this.memory = memory
  }

  /** For the thread that runs the jobs: whether `seq` may start. */
  claim(seq: number): boolean {
    return Atomics.compareExchange(this.memory, claimedSlot, seq - 1, seq) === seq - 1
  }

  /** Takes back the jobs up to `lastSent` that have not started, and gives the last that has. */
  recall(lastSent: number): number {
    for (;;) {
      const claimed = Atomics.load(this.memory, claimedSlot)
      const started = this.lastStarted()
      if (Atomics.compareExchange(this.memory, claimedSlot, claimed, lastSent) === claimed) {
        this.#recalled = { upTo: lastSent, started }
        return started
      }
    }
  }

  /** For the thread that recalls: where nothing has started since, the word holds what was taken back. */
  lastStarted(): number {
    const claimed = Atomics.load(this.memory, claimedSlot)
    return claimed === this.#recalled.upTo ? this.#recalled.started : claimed
  }

  /** The job is to stop: seen by a loop that never lets messages in. */
  cancel(seq: number): void {
    Atomics.store(this.memory, cancelledSlot, seq)
  }

  isCancelled(seq: number): boolean {
    return Atomics.load(this.memory, cancelledSlot) === seq
  }
}
