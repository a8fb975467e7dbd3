import { Actor, type ActorRef, ReplyError, type ReplyPort } from '@tasktree/actor'
import type { MissedPolicy, Schedule, ScheduleRequest } from '../store/schedule-rows.ts'
import type { Store } from '../store/store.ts'
import { passOn } from './pass-on-error.ts'
import type { Scheduler } from './scheduler.ts'
import { WallClock } from './wall-clock.ts'
import { Times } from './cron.ts'

/**
 * If the server notices a time of a schedule at most this many milliseconds late, the time does not count as missed,
 * because a busy server may be a little late.
 */
const punctual = 2_000

/** At most this many missed times get their jobs afterwards. Older missed times get no job. */
const mostMissed = 1_000

/**
 * At most this many missed times are searched one by one: a schedule of each second that did not run for a year has
 * missed 31 million times.
 */
const mostSearched = 5_000

/** Which times of a schedule are due, and when it is due next. */
export interface Due {
  times: number[]
  nextAt: number | null
}

/** Returns the times for which a schedule must add jobs at `now`, and its next time. */
export function dueTimes(
  times: Times,
  { nextAt, missed }: { nextAt: number | null; missed: MissedPolicy },
  now: number,
): Due {
  let passed: number[] = []
  let next = nextAt
  for (let i = 0; next !== null && next <= now; i++) {
    if (i === mostSearched) {
      // There are too many missed times, so the search continues at `now`.
      next = times.after(now)
      break
    }
    passed.push(next)
    if (passed.length > 2 * mostMissed) passed = passed.slice(-mostMissed)
    next = times.after(next)
  }
  const last = passed.at(-1)
  if (last === undefined) return { times: [], nextAt: next }
  if (missed === 'all') return { times: passed.slice(-mostMissed), nextAt: next }
  if (missed === 'skip')
    return { times: passed.filter((time) => now - time <= punctual), nextAt: next }
  // Each punctual time gets a job. If there is no punctual time, the last missed time gets a job.
  const onTime = passed.filter((time) => now - time <= punctual)
  return { times: onTime.length > 0 ? onTime : [last], nextAt: next }
}

/**
 * Returns the next time of a schedule. An interval is due after one interval at the latest, even if the wall clock was set
 * back while the server was down, so that `nextAt` in the jobs' file is further away.
 */
function withinReach(nextAt: number | null, times: Times): number | null {
  const latest = times.isOfWallClock ? null : times.after(Date.now())
  return nextAt === null || latest === null ? nextAt : Math.min(nextAt, latest)
}

interface Entry {
  schedule: Schedule
  readonly times: Times
  /**
   * While the store writes jobs of the schedule or a change of it: the further changes, which wait for the end of that
   * write. Until then the schedule is not checked either, because its next time may change. Null at all other times.
   */
  waiting: (() => void)[] | null
}

/**
 * Milliseconds between two checks of the schedules. They are frequent, because the wall clock may be set at any time.
 */
const lookTime = 1_000

/** If the schedules could not be read from the store, they are read again after this many milliseconds. */
const retryTime = 1_000

/**
 * Adds the jobs of schedules when they are due. Cron patterns follow the wall clock, even when it is set; intervals in
 * milliseconds do not. A time never gets two jobs, because the next time is written to the jobs' file together with the
 * jobs.
 */
export class Schedules extends Actor {
  readonly #store: () => ActorRef<Store>
  readonly #scheduler: () => ActorRef<Scheduler>
  readonly #entries = new Map<string, Entry>()
  readonly #clock = new WallClock()
  #timer: Disposable | null = null

  constructor(store: () => ActorRef<Store>, scheduler: () => ActorRef<Scheduler>) {
    super()
    this.#store = store
    this.#scheduler = scheduler
  }

  protected override onStart(): void {
    this.ctx.every(lookTime, () => this.#look())
    this.#read()
  }

  get #asks(): ActorRef<Store>['ask'] {
    const { ask } = this.#store()
    return ask({ timeout: Infinity }) as ActorRef<Store>['ask']
  }

  #read(): void {
    this.ctx.pipe(
      this.#asks.schedules(),
      (schedules) => {
        for (const schedule of schedules) this.#put(schedule)
        this.#look()
      },
      () => void this.ctx.after(retryTime, () => this.#read()),
    )
  }

  #put(schedule: Schedule): void {
    const times = new Times(schedule.spec, schedule.zone)
    const nextAt = withinReach(schedule.nextAt, times)
    this.#entries.set(schedule.name, { schedule: { ...schedule, nextAt }, times, waiting: null })
  }

  /** Returns the schedules, sorted by name. */
  list(): Schedule[] {
    return [...this.#entries.values()]
      .map(({ schedule }) => schedule)
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
  }

  /**
   * Adds a schedule, or changes the schedule of that name. If its times stay the same, it keeps its next time, so that
   * a program may add its schedules at each start. Answers with the next time, after the commit.
   */
  put(request: ScheduleRequest): ReplyPort<number | null> {
    const port = this.ctx.reply<number | null>()
    this.#change(request, port)
    return port
  }

  #change(request: ScheduleRequest, port: ReplyPort<number | null>): void {
    const { name, spec, zone } = request
    const entry = this.#entries.get(name)
    if (entry !== undefined && entry.waiting !== null) {
      entry.waiting.push(() => this.#change(request, port))
      return
    }
    const known = entry?.schedule
    const isSame = known !== undefined && known.spec === spec && known.zone === zone
    const nextAt = isSame ? known.nextAt : new Times(spec, zone).after(Date.now())
    const end = this.#beginWrite(entry)
    this.ctx.pipe(
      this.#asks.putSchedule(request, nextAt),
      () => {
        const { createdAt = Date.now(), lastAt = null, lastJob = null } = known ?? {}
        this.#put({ ...request, createdAt, nextAt, lastAt, lastJob })
        end()
        this.#look()
        port.resolve(nextAt)
      },
      (error) => {
        end()
        port.reject(passOn(error))
      },
    )
  }

  /** Called before a write of the schedule. Returns a function to call when the store has answered it. */
  #beginWrite(entry: Entry | undefined): () => void {
    if (entry === undefined) return () => {}
    const waiting: (() => void)[] = []
    entry.waiting = waiting
    return () => {
      entry.waiting = null
      for (const change of waiting) change()
    }
  }

  /** Deletes a schedule. Answers after the commit. @throws {ReplyError} when there is no such schedule */
  remove(name: string): ReplyPort<void> {
    const port = this.ctx.reply<void>()
    this.ctx.pipe(
      this.#asks.removeSchedule(name),
      (wasThere) => {
        this.#entries.delete(name)
        if (wasThere) port.resolve()
        else port.reject(new ReplyError(`there is no schedule '${name.slice(0, 64)}'`))
      },
      (error) => port.reject(passOn(error)),
    )
    return port
  }

  /** Adds the jobs of all times that have come, and starts a timer for the next time. */
  #look(): void {
    this.#checkClock()
    const now = Date.now()
    let next = Infinity
    for (const entry of this.#entries.values()) {
      const { nextAt } = entry.schedule
      if (entry.waiting !== null || nextAt === null) continue
      if (nextAt <= now) this.#fire(entry, now)
      else next = Math.min(next, nextAt)
    }
    this.#timer?.[Symbol.dispose]()
    this.#timer = next - now < lookTime ? this.ctx.after(next - now, () => this.#look()) : null
  }

  #fire(entry: Entry, now: number): void {
    const { schedule, times } = entry
    const due = dueTimes(times, schedule, now)
    const end = this.#beginWrite(entry)
    this.ctx.pipe(
      this.#scheduler().ask({ timeout: Infinity }).fire(schedule, due.times, due.nextAt),
      (ids) => {
        entry.schedule = {
          ...entry.schedule,
          // The wall clock may have been set back during the write.
          nextAt: withinReach(due.nextAt, times),
          lastAt: due.times.at(-1) ?? schedule.lastAt,
          lastJob: ids.at(-1) ?? schedule.lastJob,
        }
        end()
        this.#look()
      },
      (error) => {
        // The queue is full, or the jobs' file cannot be written: the next check of the schedules tries again.
        end()
        this.ctx.log.warn(
          `the jobs of schedule ${schedule.name} are not added yet: ${String(error)}`,
        )
      },
    )
  }

  /**
   * If the wall clock was set, moves the next times of intervals by the same step, so that the time until the next job
   * does not change.
   */
  #checkClock(): void {
    const step = this.#clock.takeStep()
    if (step === 0) return
    for (const entry of this.#entries.values()) {
      const { schedule, times } = entry
      if (times.isOfWallClock || schedule.nextAt === null) continue
      const moved = { ...schedule, nextAt: schedule.nextAt + step }
      entry.schedule = moved
      this.ctx.pipe(
        this.#asks.putSchedule(moved, moved.nextAt),
        () => {},
        () => {},
      )
    }
  }
}
