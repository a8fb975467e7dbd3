import { type Clock, currentPlatform, SystemClock } from './clock.ts'
import { type TimerEntry, TimerHeap } from './timer-heap.ts'

/** One clock, and the heap of the timers that are measured by this clock. */
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
 * The timers of a loop. Usually they are in one heap, and one clock wakes the loop when the first timer is due.
 *
 * A test may replace the global timer functions with fake timers. Then a loop that uses the system's time gets a second
 * clock with a heap of its own: the fake timers wake each sleep that began while they were installed, and the real
 * timers wake each sleep that began before. If the test removes its fake timers while a sleep is pending in their heap,
 * this sleep never ends, as the callback of a fake `setTimeout` would never be called. All other timers still run in
 * time.
 */
export class Timers {
  readonly #own: Alarm
  /**
   * The second clock, and the heap of the timers that this clock measures. Made when this object is first used after a
   * test has replaced the global timer functions; null before that.
   */
  #other: Alarm | null = null
  readonly #ring: () => void
  readonly #isIdle: () => boolean

  constructor(clock: Clock, ring: () => void, isIdle: () => boolean) {
    this.#own = new Alarm(clock, ring, isIdle)
    this.#ring = ring
    this.#isIdle = isIdle
  }

  /**
   * The clock for timers that are set now. Usually this is the clock that was passed to the constructor. If a test has
   * replaced the global timer functions since that clock was made, this is a second clock, which uses the new
   * functions.
   */
  get clock(): Clock {
    return this.#current().clock
  }

  /**
   * Adds a timer, and lets the clock wake the loop at `deadline` if no other timer is earlier. Returns true if `entry`
   * is the earliest timer and is due already. Then the clock does not wake the loop for this timer, and the caller must
   * call `takeDue` soon.
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

  /** Returns the deadline of the timer `entry`; null if the timer is not set. */
  deadlineOf(entry: TimerEntry): number | null {
    return this.#own.heap.deadlineOf(entry) ?? this.#other?.heap.deadlineOf(entry) ?? null
  }

  /**
   * Removes every timer that is due, and calls `take` with each. Then sets the alarm of the clock, which wakes the
   * loop, for the next timer.
   */
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
