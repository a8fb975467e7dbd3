import { nextTick, now, setImmediate } from './real-time.ts'

/**
 * How long a worker thread blocks and waits for its next job before it returns to its event loop, in milliseconds. Waits
 * may follow each other until `turnInterval` has passed, so they make a timer or a socket of the worker late by at most
 * `turnInterval` and this limit together. A caller that awaits one job and then submits the next needs far less time.
 *
 * If the previous wait ended with a job, the limit is `patienceWhenBusy` and not `patience`. It is longer than a tick
 * of the kernel (4 ms at 250 Hz), and for such a wait the kernel sets no hardware timer. On one core this saves 8 of 28
 * microseconds per job.
 */
const patience = 1
const patienceWhenBusy = 5
/**
 * If the last turn of the event loop is at least this many milliseconds ago, it gets a turn before the next wait, even if
 * jobs come without a pause.
 */
const turnInterval = 1

/** The methods of a Doorbell that an idle worker uses. */
interface Bell {
  wake(): void
  sleep(): void
  wait(ms: number): boolean
}

/**
 * Makes a worker thread that has run out of jobs wait for its next job. For a short time the thread blocks, without
 * using CPU time: see Doorbell. Then it returns to its event loop.
 *
 * Callbacks that earlier jobs left behind still run: ticks and microtasks before each wait; timers and I/O before a wait
 * if the last turn of the event loop is at least `turnInterval` ago, and after each wait without a job. So the waits
 * delay no timer or socket by more than `turnInterval + patienceWhenBusy`.
 */
export class Lingerer {
  readonly #bell: Bell
  readonly #look: () => boolean
  #isScheduled = false
  /** True when the previous wait ended with a job. Then the next job is expected soon. */
  #isBusy = false
  #lastTurn = now()

  /** `look` runs the jobs that have arrived. It returns true if there were any, or if a job is already running. */
  constructor(bell: Bell, look: () => boolean) {
    this.#bell = bell
    this.#look = look
  }

  /** Begins the wait for the next job, when the worker has none left to run. Does nothing if that wait has begun already. */
  start(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    const time = now()
    if (time - this.#lastTurn < turnInterval) {
      afterTicks(this.#linger)
    } else {
      this.#lastTurn = time
      setImmediate(this.#linger)
    }
  }

  readonly #linger = (): void => {
    this.#isScheduled = false
    const longest = this.#isBusy ? patienceWhenBusy : patience
    const end = now() + longest
    for (let left = longest; left > 0; left = end - now()) {
      // A job that `look` has started calls `start` again when it ends. If `look` finds no job, the wait goes on,
      // because the bell also rings for control messages.
      if (this.#bell.wait(left) && this.#look()) {
        this.#isBusy = true
        return
      }
    }
    this.#isBusy = false
    this.#bell.sleep()
    this.#lastTurn = now()
    // The pool may have put a job in the port before `sleep()` took effect, and then sends no message to wake this
    // thread.
    if (this.#look()) this.#bell.wake()
  }
}

const settled = Promise.resolve()

/**
 * Calls `callback` when no tick and no microtask is left, except ticks that were added while `callback` was waiting. A
 * promise reaction is used because it takes a fifth of the time of `queueMicrotask`, which creates an AsyncResource.
 */
export function afterTicks(callback: () => void): void {
  void settled.then(() => nextTick(callback))
}
