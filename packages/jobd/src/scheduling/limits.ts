import type { Kind } from '../jobs/kind.ts'
import type { KindLimits, LimitChange, Rate } from '../jobs/kind-limits.ts'

/** In a rate that says nothing else, milliseconds. */
const defaultPer = 1_000

function full(rate: Rate | null | undefined): Required<Rate> | null {
  return rate === undefined || rate === null
    ? null
    : { limit: rate.limit, per: rate.per ?? defaultPer }
}

/** The limits that the definition of a kind gives. */
function limitsOf(kind: Kind<unknown> | undefined): KindLimits {
  return {
    concurrency: kind?.concurrency ?? null,
    rate: full(kind?.rate),
    groupConcurrency: kind?.groupConcurrency ?? 1,
    groupRate: full(kind?.groupRate),
  }
}

/**
 * Counts what runs and what has begun, of one kind or of one group. A job that is about to begin has no time yet: it
 * counts as one that begins now until its beginning is written, so that a slow disk cannot bring two beginnings closer
 * together than the rate allows.
 */
export class Gate {
  #running = 0
  #starting = 0
  /** The times of the latest beginnings, the oldest first; the times before `#first` are forgotten. */
  #begun: number[] = []
  #first = 0

  /** When another job may begin: `now`, a later time, or Infinity while too many run or are about to begin. */
  opensAt(concurrency: number | null, rate: Required<Rate> | null, now: number): number {
    if (concurrency !== null && this.#running >= concurrency) return Infinity
    if (rate === null) return now
    this.#forget(now - rate.per)
    const count = this.#begun.length - this.#first
    if (count + this.#starting < rate.limit) return now
    if (this.#starting >= rate.limit) return Infinity
    // There is room again when this many of the beginnings are old enough.
    const last = this.#begun[this.#first + count + this.#starting - rate.limit] as number
    return last + rate.per
  }

  enter(): void {
    this.#running++
    this.#starting++
  }

  /** The beginning is written. */
  begin(now: number, isRated: boolean): void {
    this.#starting--
    if (isRated) this.#begun.push(now)
  }

  /** The beginning could not be written. */
  giveUp(): void {
    this.#starting--
  }

  leave(): void {
    this.#running--
  }

  /** A beginning before the server was started. */
  remember(at: number): void {
    this.#begun.push(at)
  }

  /** Whether nothing is known that could hold a job back. */
  isIdle(longest: number, now: number): boolean {
    this.#forget(now - longest)
    return this.#running === 0 && this.#begun.length === this.#first
  }

  #forget(before: number): void {
    while (this.#first < this.#begun.length && (this.#begun[this.#first] as number) <= before)
      this.#first++
    if (this.#first > 1_000 && this.#first * 2 > this.#begun.length) {
      this.#begun = this.#begun.slice(this.#first)
      this.#first = 0
    }
  }
}

/** The place of a job that runs, in the limits of its kind and of its group. */
export interface Place {
  /** The beginning is written. */
  begin(): void
  /** The beginning could not be written; the place is still to be left. */
  giveUp(): void
  leave(): void
}

/** The limits of all kinds, and what counts against them. */
export class Limits {
  readonly #kindOf: (name: string) => Kind<unknown> | undefined
  /** Set when the server was started. */
  readonly #given: Readonly<Record<string, LimitChange>>
  /** Set while it runs, and kept in the file. */
  #changed: Record<string, LimitChange> = {}
  readonly #gates = new Map<string, Gate>()
  readonly #groups = new Map<string, Map<string, Gate>>()
  readonly #now: () => number

  constructor(
    kindOf: (name: string) => Kind<unknown> | undefined,
    given: Readonly<Record<string, LimitChange>>,
    now: () => number,
  ) {
    this.#kindOf = kindOf
    this.#given = given
    this.#now = now
  }

  of(kind: string): KindLimits {
    const { rate, groupRate, ...rest } = {
      ...limitsOf(this.#kindOf(kind)),
      ...this.#given[kind],
      ...this.#changed[kind],
    }
    return { ...rest, rate: full(rate), groupRate: full(groupRate) }
  }

  /** Null: the limits of the kind are again what they were at the start. */
  change(kind: string, change: LimitChange | null): void {
    if (change === null) delete this.#changed[kind]
    else this.#changed[kind] = { ...this.#changed[kind], ...change }
  }

  /** What was changed, as it is kept in the file. */
  toString(): string {
    return JSON.stringify(this.#changed)
  }

  parse(text: string | null): void {
    this.#changed = JSON.parse(text ?? '{}') as Record<string, LimitChange>
  }

  /** A job of the kind began at that time of the loop's clock, before the server was started. */
  remember(kind: string, group: string | null, at: number): void {
    this.#gate(kind).remember(at)
    if (group !== null) this.#groupGate(kind, group).remember(at)
  }

  isRated(kind: string): boolean {
    const { rate, groupRate } = this.of(kind)
    return rate !== null || groupRate !== null
  }

  /** When a job of the kind may begin, as far as its kind is concerned; Infinity: when another one has ended. */
  opensAt(kind: string): number {
    const { concurrency, rate } = this.of(kind)
    return this.#gate(kind).opensAt(concurrency, rate, this.#now())
  }

  groupOpensAt(kind: string, group: string): number {
    const { groupConcurrency, groupRate } = this.of(kind)
    const gate = this.#groups.get(kind)?.get(group)
    return gate?.opensAt(groupConcurrency, groupRate, this.#now()) ?? this.#now()
  }

  enter(kind: string, group: string | null): Place {
    const gates = [this.#gate(kind), ...(group === null ? [] : [this.#groupGate(kind, group)])]
    const isRated = this.isRated(kind)
    const forget = (): void => this.#forgetIdle(kind, group)
    for (const gate of gates) gate.enter()
    return {
      begin: () => {
        for (const gate of gates) gate.begin(this.#now(), isRated)
      },
      giveUp: () => {
        for (const gate of gates) gate.giveUp()
      },
      leave: () => {
        for (const gate of gates) gate.leave()
        forget()
      },
    }
  }

  #gate(kind: string): Gate {
    let gate = this.#gates.get(kind)
    if (gate === undefined) this.#gates.set(kind, (gate = new Gate()))
    return gate
  }

  #groupGate(kind: string, group: string): Gate {
    let gates = this.#groups.get(kind)
    if (gates === undefined) this.#groups.set(kind, (gates = new Map()))
    let gate = gates.get(group)
    if (gate === undefined) gates.set(group, (gate = new Gate()))
    return gate
  }

  /** There may be millions of groups in the life of a server: one that nothing is known of any more is dropped. */
  #forgetIdle(kind: string, group: string | null): void {
    if (group === null) return
    const gates = this.#groups.get(kind)
    const { rate, groupRate } = this.of(kind)
    const longest = Math.max(rate?.per ?? 0, groupRate?.per ?? 0)
    if (gates?.get(group)?.isIdle(longest, this.#now()) === true) gates.delete(group)
  }

  /** Forgets the groups in which nothing has begun for so long that no rate looks back to it. */
  sweep(): void {
    for (const [kind, gates] of this.#groups)
      for (const group of gates.keys()) this.#forgetIdle(kind, group)
  }
}
