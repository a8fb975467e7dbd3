import { Cron } from 'croner'
import { isInterval } from '../store/schedule-rows.ts'

/** The times of a schedule cannot be used. */
export class ScheduleError extends RangeError {
  override readonly name: string = 'ScheduleError'
}

/**
 * The smallest interval of a schedule, in milliseconds. A schedule with a smaller interval could add jobs faster than
 * the server can run them.
 */
const leastInterval = 100

/** Computes the times of a schedule from a cron pattern and a time zone, or from an interval in milliseconds. */
export class Times {
  readonly #cron: Cron | null
  readonly #interval: number

  /** @throws {ScheduleError} for a pattern, an interval or a time zone that is not valid */
  constructor(spec: string, zone: string | null) {
    this.#interval = isInterval(spec) ? Number(spec) : 0
    if (isInterval(spec)) {
      if (this.#interval < leastInterval || this.#interval > 2 ** 50)
        throw new ScheduleError(
          `a schedule has an interval from ${leastInterval} to ${2 ** 50} ms, got ${spec.slice(0, 64)} ms`,
        )
      if (zone !== null) throw new ScheduleError('a number of milliseconds has no time zone')
      this.#cron = null
      return
    }
    try {
      this.#cron = new Cron(spec, zone === null ? {} : { timezone: zone })
      // The constructor accepts an unknown time zone. Only `nextRun` throws an error for it.
      this.#cron.nextRun()
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw new ScheduleError(`the schedule '${spec.slice(0, 64)}' cannot be used: ${reason}`, {
        cause: error,
      })
    }
  }

  /** Whether the times follow the wall clock. An interval in milliseconds does not. */
  get isOfWallClock(): boolean {
    return this.#cron !== null
  }

  /** Returns the first time after `time`, both in `Date.now()` milliseconds, or null if there is none. */
  after(time: number): number | null {
    if (this.#cron === null) return time + this.#interval
    return this.#cron.nextRun(new Date(time))?.getTime() ?? null
  }
}
