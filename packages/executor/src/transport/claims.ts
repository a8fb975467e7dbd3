/**
 * Which jobs of one worker have started.
 *
 * Problem: several short jobs are sent to a worker at once. They must be taken back when the worker is busy for
 * longer than expected, even while a job's code blocks the worker's event loop, and no job may run twice.
 *
 * Idea: one word of memory that two threads share holds the number of the job that has started last. The worker
 * starts a job by exchanging the number before the job's own for the job's own. The pool (or, in a worker process,
 * the watch thread) takes jobs back by exchanging the last started for the last sent.
 *
 * Invariant: one atomic exchange decides for each job, so a job either starts once or is taken back, never both.
 * A message could not decide it: a worker whose job blocks reads no messages.
 */
const claimedSlot = 0
const cancelledSlot = 1
const endedSlot = 2
/** How many slots of a worker's shared memory the claims use. The Doorbell uses the slots after them. */
export const claimSlots = 3

export class JobClaims {
  readonly #memory: Int32Array
  /** Of the last recall. While nothing has started since, the claimed word holds `upTo` and not a started job. */
  #recalled = { upTo: 0, started: 0 }

  constructor(memory: Int32Array) {
    this.#memory = memory
  }

  /** Called by the thread that runs the jobs: whether job `seq` may start. */
  claim(seq: number): boolean {
    return Atomics.compareExchange(this.#memory, claimedSlot, seq - 1, seq) === seq - 1
  }

  /** Takes back the jobs up to `lastSent` that have not started, and returns the last job that has. */
  recall(lastSent: number): number {
    for (;;) {
      const claimed = Atomics.load(this.#memory, claimedSlot)
      const started = this.lastStarted()
      // A later job has started meanwhile: there is nothing to take back, and the word must not go backwards.
      if (claimed >= lastSent) return started
      if (Atomics.compareExchange(this.#memory, claimedSlot, claimed, lastSent) === claimed) {
        this.#recalled = { upTo: lastSent, started }
        return started
      }
    }
  }

  /** Called by the thread that recalls: the last job that has started. */
  lastStarted(): number {
    const claimed = Atomics.load(this.#memory, claimedSlot)
    return claimed === this.#recalled.upTo ? this.#recalled.started : claimed
  }

  /** Called by the thread that runs the jobs, before it sends the outcome of job `seq`. */
  noteEnded(seq: number): void {
    Atomics.store(this.#memory, endedSlot, seq)
  }

  lastEnded(): number {
    return Atomics.load(this.#memory, endedSlot)
  }

  /** Job `seq` should stop. A loop that never lets messages in can still read this. */
  cancel(seq: number): void {
    Atomics.store(this.#memory, cancelledSlot, seq)
  }

  isCancelled(seq: number): boolean {
    return Atomics.load(this.#memory, cancelledSlot) === seq
  }
}
