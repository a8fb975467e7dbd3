/** First in, first out, in a ring that doubles when full and never shifts. */
export class Deque<T> {
  #ring: (T | undefined)[] = []
  #head = 0
  #size = 0

  get size(): number {
    return this.#size
  }

  push(item: T): void {
    if (this.#size === this.#ring.length) this.#grow()
    this.#ring[(this.#head + this.#size) & (this.#ring.length - 1)] = item
    this.#size++
  }

  /** Only when there is one. */
  pop(): T {
    const item = this.#ring[this.#head] as T
    this.#ring[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#ring.length - 1)
    this.#size--
    // A burst must not leave its room behind.
    if (this.#size === 0 && this.#ring.length > 65_536) this.#ring = []
    return item
  }

  #grow(): void {
    const old = this.#ring
    const ring = Array.from<T | undefined>({ length: Math.max(8, old.length * 2) })
    for (let i = 0; i < old.length; i++) ring[i] = old[(this.#head + i) & (old.length - 1)]
    this.#ring = ring
    this.#head = 0
  }
}
