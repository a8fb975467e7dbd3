/** An entry of the ready queue. */
export interface Runnable {
  /** @internal */
  run(): void
  /** @internal for traces */
  label?(): string
  /** @internal called in place of `run` when the loop is closed first */
  dropped?(): void
}

/** How tests draw other schedules: what runs next, and what ran. */
export interface Schedule {
  /** Given the number of ready entries, the index of the one to run. */
  pick(size: number): number
  ran(entry: Runnable): void
}

/** First in, first out, in a ring that doubles when full and never shifts. */
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
    // A burst must not leave a ring of a million slots behind.
    if (this.#size === 0 && ring.length > 65_536) this.clear()
    return entry
  }

  /** Empties the queue; an entry that holds something for others gives it up. */
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

  /** The others keep their order: what was first in line is still before what came after it. */
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
