import type { Runnable } from './ready-queue.ts'

/**
 * A timer: an object whose `run()` the loop calls at a given time. The timer stores its own position in the heap of
 * timers, so it can be removed without a search.
 */
export interface TimerEntry extends Runnable {
  /** @internal The position of this entry in the heap; -1 if the entry is not in a heap. */
  heapIndex: number
  /**
   * @internal The number of timers that were set before this one. Timers with the same deadline run in the order of
   * this number.
   */
  heapOrder: number
}

/**
 * A heap of timers with four children per node. A cancelled timer is removed at once, in O(log n). It would be simpler
 * to mark the timer as cancelled and to remove it when it is due. But then the heap would grow in a program that sets
 * and cancels a timeout around every call.
 *
 * The deadlines are in an array of numbers of their own. So the deadlines of the four children of a node, which are
 * compared with each other, are neighbours in memory. If each deadline were a field of its entry, each comparison in a
 * heap of a million timers would miss the cache of the processor.
 */
export class TimerHeap {
  readonly #entries: TimerEntry[] = []
  #deadlines = new Float64Array(16)
  #order = 0

  /** Returns the earliest deadline; null when there is no timer. */
  nextDeadline(): number | null {
    return this.#entries.length === 0 ? null : (this.#deadlines[0] as number)
  }

  /** Whether `entry` has the earliest deadline in this heap. */
  isFirst(entry: TimerEntry): boolean {
    return this.#entries[0] === entry
  }

  /** Returns the entries, in no particular order. */
  list(): readonly TimerEntry[] {
    return this.#entries
  }

  /** Whether `entry` is in this heap. */
  holds(entry: TimerEntry): boolean {
    return entry.heapIndex !== -1 && this.#entries[entry.heapIndex] === entry
  }

  /** Returns the deadline of `entry`; null if `entry` is not in this heap. */
  deadlineOf(entry: TimerEntry): number | null {
    return this.holds(entry) ? (this.#deadlines[entry.heapIndex] as number) : null
  }

  push(entry: TimerEntry, deadline: number): void {
    entry.heapOrder = this.#order++
    const index = this.#entries.push(entry) - 1
    if (index === this.#deadlines.length) this.#resize(index * 2)
    this.#up(index, entry, deadline)
  }

  /** Removes `entry`, which is in this heap or in none. In the second case, does nothing. */
  remove(entry: TimerEntry): void {
    const index = entry.heapIndex
    if (index === -1) return
    entry.heapIndex = -1
    const last = this.#entries.pop() as TimerEntry
    const size = this.#entries.length
    const deadline = this.#deadlines[size] as number
    if (last !== entry) {
      if (index > 0 && this.#isBefore(last, deadline, (index - 1) >> 2)) {
        this.#up(index, last, deadline)
      } else this.#down(index, last, deadline)
    }
    // The array becomes smaller when few timers are left. Otherwise, an array that grew to a million deadlines would
    // keep that memory for ever.
    if (size < this.#deadlines.length / 8 && size >= 16) this.#resize(this.#deadlines.length / 2)
  }

  /**
   * Removes and returns the timer with the earliest deadline, if that deadline is not after `now`; otherwise returns
   * null.
   */
  takeDue(now: number): TimerEntry | null {
    const first = this.#entries[0]
    if (first === undefined || (this.#deadlines[0] as number) > now) return null
    this.remove(first)
    return first
  }

  clear(): void {
    for (const entry of this.#entries) entry.heapIndex = -1
    this.#entries.length = 0
  }

  #resize(length: number): void {
    const deadlines = new Float64Array(length)
    deadlines.set(
      length < this.#deadlines.length ? this.#deadlines.subarray(0, length) : this.#deadlines,
    )
    this.#deadlines = deadlines
  }

  #up(start: number, entry: TimerEntry, deadline: number): void {
    let index = start
    while (index > 0) {
      const parent = (index - 1) >> 2
      if (!this.#isBefore(entry, deadline, parent)) break
      this.#place(index, this.#entries[parent] as TimerEntry, this.#deadlines[parent] as number)
      index = parent
    }
    this.#place(index, entry, deadline)
  }

  #down(start: number, entry: TimerEntry, deadline: number): void {
    const deadlines = this.#deadlines
    const size = this.#entries.length
    let index = start
    for (;;) {
      const firstChild = index * 4 + 1
      if (firstChild >= size) break
      let smallest = firstChild
      const end = Math.min(firstChild + 4, size)
      for (let child = firstChild + 1; child < end; child++) {
        const a = deadlines[child] as number
        const b = deadlines[smallest] as number
        if (a < b || (a === b && this.#wasSetBefore(child, smallest))) smallest = child
      }
      if (this.#isBefore(entry, deadline, smallest)) break
      this.#place(index, this.#entries[smallest] as TimerEntry, deadlines[smallest] as number)
      index = smallest
    }
    this.#place(index, entry, deadline)
  }

  #place(index: number, entry: TimerEntry, deadline: number): void {
    this.#entries[index] = entry
    this.#deadlines[index] = deadline
    entry.heapIndex = index
  }

  /** Whether `entry`, which has `deadline`, must run before the entry at `index`. */
  #isBefore(entry: TimerEntry, deadline: number, index: number): boolean {
    const other = this.#deadlines[index] as number
    return (
      deadline < other ||
      (deadline === other && entry.heapOrder < (this.#entries[index] as TimerEntry).heapOrder)
    )
  }

  /**
   * Whether the entry at index `a` was set before the entry at index `b`. Called for two entries with the same
   * deadline.
   */
  #wasSetBefore(a: number, b: number): boolean {
    const entries = this.#entries
    return (entries[a] as TimerEntry).heapOrder < (entries[b] as TimerEntry).heapOrder
  }
}
