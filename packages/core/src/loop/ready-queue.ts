/** An entry of the ready queue: the loop calls its `run()` in a turn. */
export interface Runnable {
  /** @internal */
  run(): void
  /** @internal a short name of this entry for the trace of `explore` */
  label?(): string
  /** @internal called instead of `run` when the loop is closed while this entry is in the queue */
  dropped?(): void
}

/** Chooses the order in which the loop of a test runs its ready entries, and learns what has run. */
export interface Schedule {
  /** Returns the index of the entry to run next; `size` is the number of ready entries. */
  pick(size: number): number
  ran(entry: Runnable): void
}

/**
 * A first-in-first-out queue in a ring buffer. The ring doubles when it is full, and no entry is ever moved to remove
 * another.
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
    // A large ring is dropped when it is empty. Otherwise it would keep the memory for a million entries after a burst.
    if (this.#size === 0 && ring.length > 65_536) this.clear()
    return entry
  }

  /**
   * Empties the queue and calls `dropped()` of each entry. So a claim that was woken to take a thing, such as a lock,
   * leaves it to the next waiter.
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

  /** Moves the entry that `schedule` picks to the head. The other entries keep their order. */
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
