/** The items of a queue, and the order in which the queue returns them. */
export interface Items<T> {
  readonly size: number
  push(item: T): void
  /** Removes and returns the next item. Must not be called when there is no item. */
  pop(): T
  /** Removes all items. Calls no code of the program, so it cannot fail. */
  clear(): void
}

/**
 * First in, first out. A ring buffer that doubles its size when it is full, so that removing an item never moves the
 * others.
 */
export class Fifo<T> implements Items<T> {
  #ring: (T | undefined)[] = emptyPlaces(16)
  #head = 0
  #size = 0

  get size(): number {
    return this.#size
  }

  push(item: T): void {
    if (this.#size === this.#ring.length) this.#grow()
    this.#ring[(this.#head + this.#size++) & (this.#ring.length - 1)] = item
  }

  pop(): T {
    const item = this.#ring[this.#head] as T
    this.#ring[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#ring.length - 1)
    this.#size--
    return item
  }

  clear(): void {
    this.#ring = emptyPlaces(16)
    this.#head = 0
    this.#size = 0
  }

  /** Yields the items from the first to the last without removing them. */
  *[Symbol.iterator](): Generator<T, void, undefined> {
    for (let i = 0; i < this.#size; i++) {
      yield this.#ring[(this.#head + i) & (this.#ring.length - 1)] as T
    }
  }

  #grow(): void {
    const ordered = [...this.#ring.slice(this.#head), ...this.#ring.slice(0, this.#head)]
    this.#ring = [...ordered, ...emptyPlaces(ordered.length)]
    this.#head = 0
  }
}

function emptyPlaces(length: number): undefined[] {
  return Array.from({ length }, () => undefined)
}

/** Last in, first out. */
export class Lifo<T> implements Items<T> {
  readonly #stack: T[] = []

  get size(): number {
    return this.#stack.length
  }

  push(item: T): void {
    this.#stack.push(item)
  }

  pop(): T {
    return this.#stack.pop() as T
  }

  clear(): void {
    this.#stack.length = 0
  }
}

interface Entry<T> {
  readonly item: T
  readonly order: number
}

/** The index of the parent of the entry at `index`. */
function above(index: number): number {
  return (index - 1) >> 1
}

/**
 * The smallest item first: a binary heap. Equal items are returned in the order in which they were added, because each
 * entry has a number.
 *
 * `push` and `pop` make all comparisons before they move an entry, so a `compare` that throws leaves the heap
 * unchanged.
 */
export class Heap<T> implements Items<T> {
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
    const entry = { item, order: this.#order++ }
    const entries = this.#entries
    let place = entries.length
    while (place > 0 && this.#before(entry, entries[above(place)] as Entry<T>)) place = above(place)
    for (let index = entries.length; index > place; index = above(index)) {
      entries[index] = entries[above(index)] as Entry<T>
    }
    entries[place] = entry
  }

  pop(): T {
    const entries = this.#entries
    const size = entries.length - 1
    const last = entries[size] as Entry<T>
    let place = 0
    for (;;) {
      let child = place * 2 + 1
      if (child >= size) break
      if (
        child + 1 < size &&
        this.#before(entries[child + 1] as Entry<T>, entries[child] as Entry<T>)
      ) {
        child++
      }
      if (!this.#before(entries[child] as Entry<T>, last)) break
      place = child
    }
    entries.pop()
    if (size === 0) return last.item
    // Puts the entry `last` at `place`, and moves each entry between there and the top up by one level.
    let moved = last
    for (let index = place; ; index = above(index)) {
      const displaced = entries[index] as Entry<T>
      entries[index] = moved
      moved = displaced
      if (index === 0) return moved.item
    }
  }

  clear(): void {
    this.#entries.length = 0
  }

  #before(a: Entry<T>, b: Entry<T>): boolean {
    const compared = this.#compare(a.item, b.item)
    return compared < 0 || (compared === 0 && a.order < b.order)
  }
}
