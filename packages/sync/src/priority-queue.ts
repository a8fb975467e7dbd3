import { describe } from '@tasktree/core/lowlevel'
import { type ItemStore, Queue, type QueueOptions } from './queue.ts'

export interface PriorityQueueOptions<T> extends QueueOptions {
  /** Negative when `a` comes first, as for `sort`. @defaultValue numbers, strings, bigints, dates, and arrays of them element by element */
  readonly compare?: ((a: T, b: T) => number) | undefined
}

/**
 * A Queue that gives the smallest item first, and of equal ones that which was put first.
 *
 * With arrays `[priority, data]` the data are compared only when the priorities are equal, as with
 * tuples in Python; pass `compare` where they cannot be.
 *
 * Source: asyncio.PriorityQueue. Differs: equal items leave in the order they came.
 */
export class PriorityQueue<T> extends Queue<T> {
  constructor(options?: PriorityQueueOptions<T>) {
    super(options)
  }

  protected override createStore(options: PriorityQueueOptions<T> | undefined): ItemStore<T> {
    const compare = options?.compare ?? compareByDefault
    if (typeof compare !== 'function') {
      throw new TypeError(`the option compare must be a function, got ${describe(compare)}`)
    }
    return new Heap<T>(compare)
  }
}

interface Entry<T> {
  readonly item: T
  readonly order: number
}

/**
 * A binary heap. Every comparison of a step is made before the first entry moves, so that a `compare`
 * that throws leaves the heap as it was.
 */
class Heap<T> implements ItemStore<T> {
  readonly #entries: Entry<T>[] = []
  readonly #compare: (a: T, b: T) => number
  #order = 0

  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare
  }

  get size(): number {
    return this.#entries.length
  }

  push(item: T): void {
    const entries = this.#entries
    const entry = { item, order: this.#order++ }
    // Even the first item is tried, so that one which cannot be compared fails where it was put.
    this.#comesFirst(entry, entries[0] ?? entry)
    const path = [entries.length]
    for (let at = entries.length; at > 0;) {
      at = (at - 1) >> 1
      if (!this.#comesFirst(entry, entries[at] as Entry<T>)) break
      path.push(at)
    }
    this.#placeAlong(path, entry)
  }

  pop(): T {
    const entries = this.#entries
    const last = entries.length - 1
    const top = entries[0] as Entry<T>
    const moved = entries[last] as Entry<T>
    const path = [0]
    for (let at = 0; ;) {
      let child = at * 2 + 1
      if (child >= last) break
      const right = child + 1
      if (right < last && this.#comesFirst(entries[right] as Entry<T>, entries[child] as Entry<T>)) {
        child = right
      }
      if (!this.#comesFirst(entries[child] as Entry<T>, moved)) break
      path.push(child)
      at = child
    }
    entries.pop()
    if (last > 0) this.#placeAlong(path, moved)
    return top.item
  }

  /** Moves each entry of the path one step back, and puts `entry` at its end. */
  #placeAlong(path: number[], entry: Entry<T>): void {
    for (let i = 1; i < path.length; i++) {
      this.#entries[path[i - 1] as number] = this.#entries[path[i] as number] as Entry<T>
    }
    this.#entries[path.at(-1) as number] = entry
  }

  #comesFirst(a: Entry<T>, b: Entry<T>): boolean {
    const order = this.#compare(a.item, b.item)
    return order === 0 ? a.order < b.order : order < 0
  }
}

function compareByDefault(a: unknown, b: unknown): number {
  if (Array.isArray(a) && Array.isArray(b)) {
    for (let i = 0; i < a.length && i < b.length; i++) {
      const order = compareByDefault(a[i], b[i])
      if (order !== 0) return order
    }
    return a.length - b.length
  }
  const left = a instanceof Date ? a.getTime() : a
  const right = b instanceof Date ? b.getTime() : b
  if (!isOrdered(left) || !isOrdered(right) || isText(left) !== isText(right)) {
    throw new TypeError(
      `a PriorityQueue cannot compare ${describe(a)} with ${describe(b)}: pass { compare }`,
    )
  }
  return left < right ? -1 : left > right ? 1 : 0
}

function isOrdered(x: unknown): x is number | string | bigint {
  return (typeof x === 'number' && !Number.isNaN(x)) || isText(x) || typeof x === 'bigint'
}

function isText(x: unknown): x is string {
  return typeof x === 'string'
}
