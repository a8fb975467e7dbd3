import { afterDelay } from '@tasktree/core/lowlevel'
import type { PendingJob } from '../jobs/pending-job.ts'

/**
 * The time that a worker has for the clean-up of a cancelled job. If the job has not ended when the time is over, the
 * worker is killed, because nothing else can stop code that ignores a cancel.
 */
export class CancelGrace {
  readonly #ms: number
  /** Kills the worker if the job still runs. */
  readonly #killIfRunning: (job: PendingJob) => void
  #job: PendingJob | null = null
  #stopTimer: (() => void) | null = null

  constructor(ms: number, killIfRunning: (job: PendingJob) => void) {
    this.#ms = ms
    this.#killIfRunning = killIfRunning
  }

  /** The cancelled job for which the timer is running; null when there is none. */
  get job(): PendingJob | null {
    return this.#job
  }

  /** Starts the timer for the clean-up of `job`. Stops the timer for another job, if one is running. */
  begin(job: PendingJob): void {
    this.end()
    this.#job = job
    const killUnlessEnded = (): void => {
      // Waits one more turn, because the message about the end of the job may have arrived and not been handled yet.
      this.#stopTimer = afterDelay(0, () => this.#killIfRunning(job), { hold: true })
    }
    this.#stopTimer = afterDelay(this.#ms, killUnlessEnded, { hold: true })
  }

  end(): void {
    this.#stopTimer?.()
    this.#stopTimer = null
    this.#job = null
  }
}
