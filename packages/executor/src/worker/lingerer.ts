/**
 * In milliseconds. More than a pool takes that sends the next job when it has the result of the last, also when
 * its thread had gone to sleep meanwhile; a few times what it saves, and less than anybody would miss.
 */
const patience = 0.05
/** How much of its time a thread may lose by looking in vain, and how many milliseconds in a row. */
const lostShare = 0.05
const lostAtOnce = 1
/** Milliseconds after which the event loop has a turn, however fast the jobs come. */
const turnInterval = 1

/**
 * A thread that has run out of jobs looks for the next one for a moment before it sleeps. Waking a thread
 * takes longer than most small jobs, and while it wakes the pool's thread goes to sleep as well.
 *
 * What the last job left behind runs first: ticks and microtasks before every look, timers and I/O at least
 * once in `turnInterval`, or after one look when nothing comes. An idle thread sleeps.
 */
export class Lingerer {
  readonly #look: () => boolean
  #isScheduled = false
  #allowance = lostAtOnce
  #allowedAt = performance.now()
  #lastTurn = this.#allowedAt

  /** `look` takes what has come, and says whether there was anything. */
  constructor(look: () => boolean) {
    this.#look = look
  }

  /** There is nothing left to run. */
  start(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    const now = performance.now()
    if (now - this.#lastTurn < turnInterval) {
      queueMicrotask(this.#afterMicrotasks)
    } else {
      this.#lastTurn = now
      // oxlint-disable-next-line eslint/no-restricted-globals -- the thread's own event loop is meant
      setImmediate(this.#linger)
    }
  }

  /** A tick that a microtask asks for comes when no microtask is left. */
  readonly #afterMicrotasks = (): void => {
    process.nextTick(this.#linger)
  }

  readonly #linger = (): void => {
    this.#isScheduled = false
    const start = performance.now()
    const earned = (start - this.#allowedAt) * lostShare
    this.#allowance = Math.min(lostAtOnce, this.#allowance + earned)
    this.#allowedAt = start
    if (this.#allowance < patience) return
    let lost = 0
    while (lost < patience) {
      if (this.#look()) return
      lost = performance.now() - start
    }
    this.#allowance -= lost
  }
}
