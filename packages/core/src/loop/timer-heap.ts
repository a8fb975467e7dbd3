import type { Runnable } from './ready-queue.ts'

/** What a loop runs at a given time. The heap keeps an entry's place in the entry, so that it can be taken out at once. */
export interface TimerEntry extends Runnable {
  /** @internal position in the heap, -1 when not in it */
  heapIndex: number
  /** @internal breaks ties: equal deadlines run in the order they were set */
  heapOrder: number
}

/**
 * A four-ary heap of timers. A cancelled timer leaves it at once, in O(log n): a program that sets and
 * cancels a timeout around every call must not grow, which rules out marking timers as cancelled and
 * dropping them when they come due.
 *
 * The deadlines stand beside the entries in an array of their own: the four that are compared on each level
 * are neighbours in memory, where reading them from the entries of a million timers would miss the
 * processor's cache each time.
 */
export class TimerHeap {
  readonly #entries: TimerEntry[] = []
  #deadlines = new Float64Array(16)
  #order = 0

  /** The earliest deadline, null when there is no timer. */
  nextDeadline(): number | null {
    return this.#entries.length === 0 ? null : (this.#deadlines[0] as number)
  }

  /** Whether `entry` is the one that comes next. */
  isFirst(entry: TimerEntry): boolean {
    return this.#entries[0] === entry
  }

  /** Whether `entry` is in this heap. */
  holds(entry: TimerEntry): boolean {
    return entry.heapIndex !== -1 && this.#entries[entry.heapIndex] === entry
  }

  /** Null if it is not in this heap. */
  deadlineOf(entry: TimerEntry): number | null {
    return this.holds(entry) ? (this.#deadlines[entry.heapIndex] as number) : null
  }

  push(entry: TimerEntry, deadline: number): void {
    entry.heapOrder = this.#order++
    const index = this.#entries.push(entry) - 1
    if (index === this.#deadlines.length) this.#resize(index * 2)
    this.#up(index, entry, deadline)
  }

  /** Does nothing when it is not in the heap. */
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
    // A burst must not leave an array of a million deadlines behind.
    if (size < this.#deadlines.length / 8 && size >= 16) this.#resize(this.#deadlines.length / 2)
  }

  /** Takes out the first one whose deadline is not after `now`. */
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

  /** Whether `entry` comes before the one at `index`. */
  #isBefore(entry: TimerEntry, deadline: number, index: number): boolean {
    const other = this.#deadlines[index] as number
    return (
      deadline < other ||
      (deadline === other && entry.heapOrder < (this.#entries[index] as TimerEntry).heapOrder)
    )
  }

  /** Of two with one deadline. */
  #wasSetBefore(a: number, b: number): boolean {
    const entries = this.#entries
    return (entries[a] as TimerEntry).heapOrder < (entries[b] as TimerEntry).heapOrder
  }
}
