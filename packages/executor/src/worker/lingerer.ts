/**
 * How long a worker thread waits for its next job before it sleeps in its event loop, in milliseconds. A timer or
 * socket of the worker is late by at most this much. A caller that awaits one job and submits the next takes far
 * less. The limit is higher while such a caller keeps the thread busy, because a wait that is longer than the
 * kernel's tick (4 ms at 250 Hz) sets no hardware timer of its own. On one core that is 8 of 28 microseconds a job.
 */
const patience = 1
const patienceWhenBusy = 5
/** Milliseconds after which the event loop has a turn, however fast the jobs come. */
const turnInterval = 1

/** The part of a Doorbell that a worker uses when it has nothing to do. */
interface Bell {
  wake(): void
  sleep(): void
  wait(ms: number): boolean
}

/**
 * What a worker thread does when it has run out of jobs. It waits for the next one for a moment, in which it blocks
 * without using CPU time: see Doorbell.
 *
 * What the last job has left behind runs first: ticks and microtasks before each wait, timers and I/O at least once
 * in `turnInterval`, and whenever no job has come. So no timer or socket is delayed by more than `patienceWhenBusy`.
 */
export class Lingerer {
  readonly #bell: Bell
  readonly #look: () => boolean
  #isScheduled = false
  /** The wait before this one has ended with a job, so that the next job is expected soon. */
  #isBusy = false
  #lastTurn = performance.now()

  /** `look` runs what has come, and returns whether there was anything or a job runs already. */
  constructor(bell: Bell, look: () => boolean) {
    this.#bell = bell
    this.#look = look
  }

  /** Called when there is nothing left to run. */
  start(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    const now = performance.now()
    if (now - this.#lastTurn < turnInterval) {
      afterTicks(this.#linger)
    } else {
      this.#lastTurn = now
      // oxlint-disable-next-line eslint/no-restricted-globals -- the thread's own event loop is meant
      setImmediate(this.#linger)
    }
  }

  readonly #linger = (): void => {
    this.#isScheduled = false
    const longest = this.#isBusy ? patienceWhenBusy : patience
    const end = performance.now() + longest
    for (let left = longest; left > 0; left = end - performance.now()) {
      // A job that `look` has run calls `start` again. The bell also rings for what `look` does not find.
      if (this.#bell.wait(left) && this.#look()) {
        this.#isBusy = true
        return
      }
    }
    this.#isBusy = false
    this.#bell.sleep()
    this.#lastTurn = performance.now()
    // The pool may have filled the port before it could see that the thread sleeps.
    if (this.#look()) this.#bell.wake()
  }
}

const settled = Promise.resolve()

/**
 * Calls `callback` when no tick and no microtask is left. A tick that a microtask asks for comes after the others.
 * A reaction of a promise takes a fifth of the time of `queueMicrotask`, which makes an AsyncResource.
 */
export function afterTicks(callback: () => void): void {
  void settled.then(() => process.nextTick(callback))
}
