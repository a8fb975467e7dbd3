import { type Clock, currentPlatform, SystemClock } from './clock.ts'
import { type TimerEntry, TimerHeap } from './timer-heap.ts'

/** One clock, and the heap of the timers that this clock wakes. */
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
 * The timers of a loop. Usually they are in one heap, woken by one clock.
 *
 * A test may replace the platform's timers by fake ones. Then a loop on the system's clock has two clocks, each with a
 * heap: a sleep that began under the fake timers is woken by them, and a sleep that began under the real timers is
 * woken by those. A sleep that is still pending when the fake timers are removed never ends, as a fake `setTimeout`
 * never would, and does not delay other timers.
 */
export class Timers {
  readonly #own: Alarm
  /**
   * The clock and the heap that use the fake timers of a test, if these have replaced the timer functions that the loop
   * began with; otherwise null.
   */
  #other: Alarm | null = null
  readonly #ring: () => void
  readonly #isIdle: () => boolean

  constructor(clock: Clock, ring: () => void, isIdle: () => boolean) {
    this.#own = new Alarm(clock, ring, isIdle)
    this.#ring = ring
    this.#isIdle = isIdle
  }

  /** The clock for timers that are set now. */
  get clock(): Clock {
    return this.#current().clock
  }

  /**
   * Adds a timer. Returns true if `entry` is due already and the earliest timer: then no alarm is set for it, and the
   * caller must run it.
   */
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

  /** Returns the timers that are set, in no particular order. */
  list(): TimerEntry[] {
    return [...this.#own.heap.list(), ...(this.#other?.heap.list() ?? [])]
  }

  /** Returns the deadline of `entry`; null if that timer is not set. */
  deadlineOf(entry: TimerEntry): number | null {
    return this.#own.heap.deadlineOf(entry) ?? this.#other?.heap.deadlineOf(entry) ?? null
  }

  /** Removes every entry that is due, passes each to `take`, and sets the alarm for the next entry. */
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
