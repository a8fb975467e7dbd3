import type { Runnable } from './ready-queue.ts'

/** What a loop runs at a given time. The heap keeps an entry's place in the entry, so that it can be taken out at once. */
export interface TimerEntry extends Runnable {
  /** @internal milliseconds of the loop's clock */
  readonly deadline: number
  /** @internal position in the heap, -1 when not in it */
  heapIndex: number
  /** @internal breaks ties: equal deadlines run in the order they were set */
  heapOrder: number
}

/**
 * A four-ary heap of timers. A cancelled timer leaves it at once, in O(log n): a program that sets and
 * cancels a timeout around every call must not grow, which rules out marking timers as cancelled and
 * dropping them when they come due. Four children a node halve the depth and keep siblings together.
 */
export class TimerHeap {
  readonly #entries: TimerEntry[] = []
  #order = 0

  get size(): number {
    return this.#entries.length
  }

  peek(): TimerEntry | undefined {
    return this.#entries[0]
  }

  push(entry: TimerEntry): void {
    entry.heapOrder = this.#order++
    this.#entries.push(entry)
    this.#up(this.#entries.length - 1, entry)
  }

  remove(entry: TimerEntry): void {
    const index = entry.heapIndex
    if (index === -1) return
    entry.heapIndex = -1
    const last = this.#entries.pop() as TimerEntry
    if (last === entry) return
    if (index > 0 && before(last, this.#entries[(index - 1) >> 2] as TimerEntry))
      this.#up(index, last)
    else this.#down(index, last)
  }

  pop(): TimerEntry | undefined {
    const first = this.#entries[0]
    if (first !== undefined) this.remove(first)
    return first
  }

  clear(): void {
    for (const entry of this.#entries) entry.heapIndex = -1
    this.#entries.length = 0
  }

  #up(index: number, entry: TimerEntry): void {
    const entries = this.#entries
    while (index > 0) {
      const parentIndex = (index - 1) >> 2
      const parent = entries[parentIndex] as TimerEntry
      if (!before(entry, parent)) break
      entries[index] = parent
      parent.heapIndex = index
      index = parentIndex
    }
    entries[index] = entry
    entry.heapIndex = index
  }

  #down(index: number, entry: TimerEntry): void {
    const entries = this.#entries
    const size = entries.length
    for (;;) {
      const firstChild = index * 4 + 1
      if (firstChild >= size) break
      let smallest = firstChild
      const end = Math.min(firstChild + 4, size)
      for (let child = firstChild + 1; child < end; child++) {
        if (before(entries[child] as TimerEntry, entries[smallest] as TimerEntry)) smallest = child
      }
      const child = entries[smallest] as TimerEntry
      if (!before(child, entry)) break
      entries[index] = child
      child.heapIndex = index
      index = smallest
    }
    entries[index] = entry
    entry.heapIndex = index
  }
}

function before(a: TimerEntry, b: TimerEntry): boolean {
  return a.deadline < b.deadline || (a.deadline === b.deadline && a.heapOrder < b.heapOrder)
}
