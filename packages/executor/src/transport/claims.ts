/**
 * Records which jobs of one worker have started.
 *
 * Problem: several short jobs are sent to a worker at once. The pool must be able to take them back when the worker is
 * busy for longer than expected, even while a job's code blocks the worker's event loop, and no job may run twice.
 *
 * Idea: two threads share one word of memory, which holds the number of the last job that has started. The worker
 * starts job N by an atomic exchange of N - 1 for N. The pool takes back all later jobs by an atomic exchange of that
 * number for the number of the last job that was sent. A worker process shares no memory with its pool. There, a second
 * thread of the process, the watch thread, takes the jobs back when the pool asks for it.
 *
 * Invariant: one atomic exchange decides for each job, so a job either starts once or is taken back, never both. A
 * message could not decide this, because a worker whose job blocks reads no messages.
 */
const claimedSlot = 0
const cancelledSlot = 1
const endedSlot = 2
/** How many slots of a worker's shared memory the claims use. The class Doorbell uses the slots after these. */
export const claimSlots = 3

export class JobClaims {
  readonly #memory: Int32Array
  /**
   * The values of the last recall. Until another job starts, the shared word holds `upTo`, the number of a job that was
   * taken back. `started` is the number of the last job that has started.
   */
  #recalled = { upTo: 0, started: 0 }

  constructor(memory: Int32Array) {
    this.#memory = memory
  }

  /**
   * Called by the thread that runs the jobs. Returns true if job `seq` may start; from then on the pool cannot take it
   * back.
   */
  claim(seq: number): boolean {
    return Atomics.compareExchange(this.#memory, claimedSlot, seq - 1, seq) === seq - 1
  }

  /**
   * Takes back the jobs up to `lastSent` that have not started. Returns the number of the last job that has started.
   */
  recall(lastSent: number): number {
    for (;;) {
      const claimed = Atomics.load(this.#memory, claimedSlot)
      const started = this.lastStarted()
      // Job `lastSent` or a later one has already started, or these jobs were taken back before: there is nothing to
      // take back, and the number in the shared memory must not become smaller.
      if (claimed >= lastSent) return started
      if (Atomics.compareExchange(this.#memory, claimedSlot, claimed, lastSent) === claimed) {
        this.#recalled = { upTo: lastSent, started }
        return started
      }
    }
  }

  /** Returns the number of the last job that has started. Called by the thread that takes jobs back. */
  lastStarted(): number {
    const claimed = Atomics.load(this.#memory, claimedSlot)
    return claimed === this.#recalled.upTo ? this.#recalled.started : claimed
  }

  /**
   * Notes that job `seq` has ended. Called by the thread that runs the jobs, before it sends the outcome of the job.
   */
  noteEnded(seq: number): void {
    Atomics.store(this.#memory, endedSlot, seq)
  }

  lastEnded(): number {
    return Atomics.load(this.#memory, endedSlot)
  }

  /**
   * Marks job `seq` as cancelled if it is the last job that has started. The job can read this mark even in a loop that
   * never gives up the thread. Any other job needs no mark: it has ended, or was taken back. There is room for one mark,
   * so the mark of another job would replace the mark of the running job. Called by the thread that takes jobs back.
   */
  cancel(seq: number): void {
    if (this.lastStarted() === seq) Atomics.store(this.#memory, cancelledSlot, seq)
  }

  isCancelled(seq: number): boolean {
    return Atomics.load(this.#memory, cancelledSlot) === seq
  }
}
