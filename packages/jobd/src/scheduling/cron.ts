import { Cron } from 'croner'

/** A schedule that cannot be followed. */
export class ScheduleError extends RangeError {
  override readonly name: string = 'ScheduleError'
}

/** Fewer milliseconds between two jobs of a schedule would keep the server busy with nothing else. */
const leastInterval = 100

/** The times of a schedule: of a cron pattern in a time zone, or of an interval in milliseconds. */
export class Times {
  readonly #cron: Cron | null
  readonly #interval: number

  /** @throws {ScheduleError} for a pattern, a number or a time zone that is not one */
  constructor(spec: string, zone: string | null) {
    const isInterval = /^\d+$/.test(spec)
    this.#interval = isInterval ? Number(spec) : 0
    if (isInterval) {
      if (this.#interval < leastInterval || this.#interval > 2 ** 50)
        throw new ScheduleError(
          `a schedule is due each ${leastInterval} ms at most, got ${spec} ms`,
        )
      if (zone !== null) throw new ScheduleError('a number of milliseconds has no time zone')
      this.#cron = null
      return
    }
    try {
      this.#cron = new Cron(spec, zone === null ? {} : { timezone: zone })
      // An unknown time zone throws only here.
      this.#cron.nextRun()
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw new ScheduleError(`the schedule '${spec.slice(0, 64)}' cannot be used: ${reason}`, {
        cause: error,
      })
    }
  }

  /** Whether it follows the wall clock; a number of milliseconds does not. */
  get isOfWallClock(): boolean {
    return this.#cron !== null
  }

  /** The first time after `time`, both in `Date.now()` milliseconds; null: there is none. */
  after(time: number): number | null {
    if (this.#cron === null) return time + this.#interval
    return this.#cron.nextRun(new Date(time))?.getTime() ?? null
  }
}
