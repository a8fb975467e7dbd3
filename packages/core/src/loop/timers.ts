import { type Clock, currentPlatform, SystemClock } from './clock.ts'
import { type TimerEntry, TimerHeap } from './timer-heap.ts'

/** The timers that one clock wakes. */
class Alarm {
  readonly clock: Clock
  readonly heap = new TimerHeap()
  readonly #ring: () => void
  readonly #isIdle: () => boolean

  constructor(clock: Clock, ring: () => void, isIdle: () => boolean) {
    this.clock = clock
    this.#ring = ring
    this.#isIdle = isIdle
  }

  set(): void {
    this.clock.setAlarm(this.heap.nextDeadline(), this.#ring, this.#isIdle)
  }

  stop(): void {
    this.heap.clear()
    this.clock.stop()
  }
}

/**
 * The timers of a loop. As long as no test replaces the platform's timers, there is one clock with one heap.
 *
 * Under fake timers a loop on the system's clock has two: a sleep that began under the fake timers is woken by them, and a
 * sleep that began under the real ones is woken by those. A sleep that was left pending when the fake timers went away
 * never ends, as a fake `setTimeout` would not, and holds up nothing.
 */
export class Timers {
  readonly #own: Alarm
  /** Of the timers that have replaced those that the loop began with. */
  #other: Alarm | null = null
  readonly #ring: () => void
  readonly #isIdle: () => boolean

  constructor(clock: Clock, ring: () => void, isIdle: () => boolean) {
    this.#own = new Alarm(clock, ring, isIdle)
    this.#ring = ring
    this.#isIdle = isIdle
  }

  /** The clock of what begins now. */
  get clock(): Clock {
    return this.#current().clock
  }

  /** Returns true if the entry is due already. */
  add(entry: TimerEntry, deadline: number): boolean {
    const alarm = this.#current()
    alarm.heap.push(entry, deadline)
    if (!alarm.heap.isFirst(entry)) return false
    if (deadline <= alarm.clock.now()) return true
    alarm.set()
    return false
  }

  remove(entry: TimerEntry): void {
    const alarm = this.#own.heap.holds(entry) ? this.#own : this.#other
    if (alarm?.heap.holds(entry) !== true) return
    const wasFirst = alarm.heap.isFirst(entry)
    alarm.heap.remove(entry)
    if (wasFirst) alarm.set()
  }

  /** Null if it is not set. */
  deadlineOf(entry: TimerEntry): number | null {
    return this.#own.heap.deadlineOf(entry) ?? this.#other?.heap.deadlineOf(entry) ?? null
  }

  /** Takes out every entry that is due, and sets the alarm for the next one. */
  takeDue(take: (entry: TimerEntry) => void): void {
    for (const alarm of this.#other === null ? [this.#own] : [this.#own, this.#other]) {
      const now = alarm.clock.now()
      const { heap } = alarm
      for (let due = heap.takeDue(now); due !== null; due = heap.takeDue(now)) take(due)
      alarm.set()
    }
  }

  clear(): void {
    this.#own.stop()
    this.#other?.stop()
  }

  #current(): Alarm {
    const own = this.#own
    if (!(own.clock instanceof SystemClock)) return own
    const platform = currentPlatform()
    if (own.clock.platform === platform) return own
    if ((this.#other?.clock as SystemClock | undefined)?.platform !== platform) {
      this.#other?.stop()
      this.#other = new Alarm(new SystemClock(), this.#ring, this.#isIdle)
    }
    return this.#other as Alarm
  }
}
