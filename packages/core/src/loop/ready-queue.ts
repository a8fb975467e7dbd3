/**
 * An entry of the ready queue, the list of the things that the loop runs one after another. In one turn, the loop takes
 * the first entry from the queue and calls its `run()`.
 */
export interface Runnable {
  /** @internal */
  run(): void
  /**
   * @internal Returns a short name of this entry. `explore`, which tests a program with many orders of its tasks, lists
   * these names in its error.
   */
  label?(): string
  /** @internal Called instead of `run` if the loop is closed while this entry is in the queue. */
  dropped?(): void
}

/**
 * Chooses, in a test, the order in which the loop runs its tasks and callbacks: the entries of its ready queue. The
 * queue calls `ran` with each chosen entry.
 */
export interface Schedule {
  /**
   * Returns the index of the entry to run next, counted from the head of the queue. `size` is the number of entries in
   * the queue.
   */
  pick(size: number): number
  ran(entry: Runnable): void
}

/**
 * The tasks and callbacks that a loop can run now, first in, first out. They are in a ring buffer, which doubles when
 * it is full. Removing the first entry does not move the other entries, unless a test chooses the order (`Schedule`).
 */
export class ReadyQueue {
  #ring = emptyRing(64)
  #head = 0
  #size = 0
  readonly #schedule: Schedule | null

  constructor(schedule: Schedule | null = null) {
    this.#schedule = schedule
  }

  get size(): number {
    return this.#size
  }

  push(entry: Runnable): void {
    const ring = this.#ring
    if (this.#size === ring.length) this.#grow()
    this.#ring[(this.#head + this.#size) & (this.#ring.length - 1)] = entry
    this.#size++
  }

  shift(): Runnable | undefined {
    if (this.#size === 0) return undefined
    const ring = this.#ring
    const head = this.#head
    if (this.#schedule !== null) this.#bringForward(this.#schedule)
    const entry = ring[head] as Runnable
    ring[head] = undefined
    this.#head = (head + 1) & (ring.length - 1)
    this.#size--
    // An empty ring of more than 65,536 entries is replaced by a small ring. Otherwise a ring that grew to a million
    // entries would keep that memory for ever.
    if (this.#size === 0 && ring.length > 65_536) this.clear()
    return entry
  }

  /**
   * Called when the loop is closed: empties the queue, and calls `dropped()` of each entry instead of `run()`. For
   * example, an entry that was about to take a lock for a waiter then leaves the lock to the next waiter.
   */
  drop(): void {
    const ring = this.#ring
    const first = this.#head
    const size = this.#size
    this.clear()
    for (let i = 0; i < size; i++) ring[(first + i) & (ring.length - 1)]?.dropped?.()
  }

  clear(): void {
    this.#ring = emptyRing(64)
    this.#head = 0
    this.#size = 0
  }

  /** Moves the entry that `schedule` picks to the head of the queue. The other entries keep their order. */
  #bringForward(schedule: Schedule): void {
    const ring = this.#ring
    const mask = ring.length - 1
    const offset = this.#size > 1 ? schedule.pick(this.#size) : 0
    const chosen = ring[(this.#head + offset) & mask] as Runnable
    for (let i = offset; i > 0; i--) {
      ring[(this.#head + i) & mask] = ring[(this.#head + i - 1) & mask]
    }
    ring[this.#head] = chosen
    schedule.ran(chosen)
  }

  #grow(): void {
    const old = this.#ring
    const ring = emptyRing(old.length * 2)
    for (let i = 0; i < old.length; i++) ring[i] = old[(this.#head + i) & (old.length - 1)]
    this.#ring = ring
    this.#head = 0
  }
}

function emptyRing(size: number): (Runnable | undefined)[] {
  return Array<Runnable | undefined>(size).fill(undefined)
}
