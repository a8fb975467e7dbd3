/** In which order a queue gives its items out. */
export interface Items<T> {
  readonly size: number
  push(item: T): void
  /** Only when there is one. */
  pop(): T
}

/** A ring that doubles when it is full. */
export class Fifo<T> implements Items<T> {
  #ring: (T | undefined)[] = Array.from({ length: 16 }, () => undefined)
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

  #grow(): void {
    const ordered = [...this.#ring.slice(this.#head), ...this.#ring.slice(0, this.#head)]
    this.#ring = [...ordered, ...Array.from({ length: ordered.length }, () => undefined)]
    this.#head = 0
  }
}

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
}

/** A binary heap; equal items leave in the order in which they came. */
export class Heap<T> implements Items<T> {
  readonly #entries: { item: T; order: number }[] = []
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
    let index = entries.push(entry) - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      const above = entries[parent] as (typeof entries)[0]
      if (!this.#before(entry, above)) break
      entries[index] = above
      index = parent
    }
    entries[index] = entry
  }

  pop(): T {
    const entries = this.#entries
    const top = entries[0] as (typeof entries)[0]
    const last = entries.pop() as (typeof entries)[0]
    if (entries.length > 0) {
      let index = 0
      for (;;) {
        let child = index * 2 + 1
        if (child >= entries.length) break
        const right = entries[child + 1]
        if (right !== undefined && this.#before(right, entries[child] as (typeof entries)[0]))
          child++
        const below = entries[child] as (typeof entries)[0]
        if (!this.#before(below, last)) break
        entries[index] = below
        index = child
      }
      entries[index] = last
    }
    return top.item
  }

  #before(a: { item: T; order: number }, b: { item: T; order: number }): boolean {
    const compared = this.#compare(a.item, b.item)
    return compared < 0 || (compared === 0 && a.order < b.order)
  }
}
